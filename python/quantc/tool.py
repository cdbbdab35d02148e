"""Runs the ``quantc`` tool as a child process.

The compiler is never loaded into the user's process: TensorFlow and PyTorch bring their own LLVM and protobuf, which
clash with it, and a compiler must not be able to take a notebook down. The tool starts in well under a tenth of a
second, and tells its progress and its errors as JSON lines on standard error.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .errors import QuantcError, QuantcWarning

__all__ = ["Progress", "find_tool", "run_tool"]

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, how much of it is done, and how much there is."""

TOOL_VARIABLE = "QUANTC_TOOL"
SECONDS_TO_END = 2.0  # what a child gets between being asked to end and being killed
STACK_TO_USER = 6  # frames from a warning here to who called quantize
LINES_KEPT = 40  # of what the tool writes beside its events


def find_tool() -> Path:
    """Return the path of the ``quantc`` tool.

    It is looked for in the environment variable ``QUANTC_TOOL``, in the package (where a wheel has it), in the build
    folder that the package was built in, and on the ``PATH``.

    Raises
    ------
    QuantcError
        If there is none.
    """
    chosen = os.environ.get(TOOL_VARIABLE)
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise QuantcError(f"{TOOL_VARIABLE} names {chosen!r}, which is not a program")
        return Path(chosen)
    package = Path(os.path.abspath(__file__)).parent  # not resolved: a build folder's files are links
    for candidate in (package / "bin" / "quantc", package.parent.parent / "bin" / "quantc"):
        if os.access(candidate, os.X_OK):
            return candidate
    found = shutil.which("quantc")
    if found:
        return Path(found)
    raise QuantcError(
        "the quantc tool is not there", remedy=f"build it with `./run build`, or set {TOOL_VARIABLE} to its path"
    )


def run_tool(arguments: Sequence[str | os.PathLike[str]], progress: Progress | None = None) -> str:
    """Run the tool and return what it wrote to standard output.

    Whatever ends the call early (Ctrl-C, an exception in `progress`) also ends the child.

    Parameters
    ----------
    arguments : sequence of str or path
        Subcommand and options.
    progress : callable, optional
        Called with (stage, done, total) for each progress event.

    Raises
    ------
    QuantcError
        With the tool's own message, if it did not end with exit code 0.
    """
    command = [os.fspath(find_tool()), *(os.fspath(a) for a in arguments)]
    with tempfile.TemporaryFile() as output:
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE)
        except OSError as error:
            raise QuantcError(f"cannot start {command[0]}: {error.strerror or error}") from error
        try:
            failure, lines = _read_events(child, progress)
            code = child.wait()
        except BaseException:
            _end(child)
            raise
        finally:
            if child.stderr is not None:
                child.stderr.close()
        if code != 0:
            raise _error(code, failure, lines)
        output.seek(0)
        return output.read().decode(errors="replace")


def _read_events(
    child: subprocess.Popen[bytes], progress: Progress | None
) -> tuple[dict[str, Any] | None, Sequence[str]]:
    """Read standard error to its end: give the error event, if one came, and the last other lines."""
    failure: dict[str, Any] | None = None
    lines: deque[str] = deque(maxlen=LINES_KEPT)
    assert child.stderr is not None
    for raw in child.stderr:
        line = raw.decode(errors="replace").rstrip()
        event = _event(line)
        if event is None:
            if line:
                lines.append(line)
        elif event["event"] == "error":
            failure = failure or event  # the first one is the cause
        elif event["event"] == "warning":
            warnings.warn(str(event.get("message", "")), QuantcWarning, stacklevel=STACK_TO_USER)
        elif event["event"] == "progress" and progress is not None:
            progress(str(event.get("stage", "")), _count(event.get("done")), _count(event.get("total")))
    return failure, list(lines)


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "event" in value else None


def _count(value: object) -> int:
    return int(value) if isinstance(value, (int, float)) else 0


def _error(code: int, failure: dict[str, Any] | None, lines: Sequence[str]) -> QuantcError:
    if failure is not None:
        where, remedy = failure.get("where"), failure.get("remedy")
        return QuantcError(
            str(failure.get("message", "the compiler gave no reason")),
            where=str(where) if where else None,
            remedy=str(remedy) if remedy else None,
            exit_code=code,
        )
    text = "\n".join(lines).strip()
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        message = f"the compiler was ended by {name}"
        return QuantcError(f"{message}; its last words:\n{text}" if text else message, exit_code=code)
    return QuantcError(text.removeprefix("error: ") or f"the compiler ended with exit code {code}", exit_code=code)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child, politely first, so that it can remove what it was writing."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(SECONDS_TO_END)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()
        child.wait()
