"""How far long work is: a bar on a terminal, lines elsewhere, or a callable of the user's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .tool import Progress

__all__ = ["reporting"]


@contextmanager
def reporting(progress: bool | Progress | None) -> Iterator[Progress | None]:
    """What is to be called with (stage, done, total) during the block; None where nobody is told.

    Parameters
    ----------
    progress : bool or callable, optional
        None shows bars where standard error is a terminal or a notebook's, and nothing elsewhere; True writes a line a
        stage elsewhere; False shows nothing. A callable is called itself.

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
        with _bars() as show:
            yield show
    else:
        yield _line if progress else None


def _is_watched() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def _bars() -> Iterator[Progress]:
    """A bar for each stage on standard error, gone when the block ends."""
    from rich.console import Console  # noqa: PLC0415 - only for who sees it
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage)
            bars.update(tasks[stage], completed=done, total=max(total, 1) if total >= 0 else None)

        yield show


def _line(stage: str, done: int, total: int) -> None:
    if total > 0 and done >= total:
        sys.stderr.write(f"{stage}: {done} of {total}\n")
        sys.stderr.flush()
