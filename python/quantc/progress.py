"""How far long work is: a bar on a terminal, lines elsewhere, or a callable of the user's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .tool import Progress

__all__ = ["reporting"]


@contextmanager
def reporting(progress: bool | Progress | None) -> Iterator[Progress | None]:
    """What is to be called with (stage, done, total) during the block; None where nobody is told.

    Parameters
    ----------
    progress : bool or callable, optional
        None shows bars where standard error is a terminal, and nothing elsewhere; True writes a line a stage elsewhere;
        False shows nothing. A callable is called itself.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    if callable(progress):
        yield progress
    elif progress is not None and not isinstance(progress, bool):
        raise TypeError(f"progress: needs True, False or a callable of (stage, done, total), got {progress!r}")
    elif progress is not False and _is_watched():
        from .bars import bars  # noqa: PLC0415 - only for who sees it

        with bars() as show:
            yield show
    else:
        yield _line if progress else None


def _is_watched() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _line(stage: str, done: int, total: int) -> None:
    if total > 0 and done >= total:
        sys.stderr.write(f"{stage}: {done} of {total}\n")
        sys.stderr.flush()
