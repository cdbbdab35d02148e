"""The parent's side of a contender's process: requests go out, answers come back, and a death is told as such."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

WORKER = Path(__file__).with_name("worker.py")
SECONDS_TO_END = 2.0
ENVIRONMENT = {
    # One thread, for the libraries that read it before the first call that could tell them.
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "KMP_BLOCKTIME": "0",
    "NNCF_CI": "1",  # it does not call home then
}


class ContenderError(Exception):
    """A contender cannot do what was asked; the message says why, in a line."""


class Contestant:
    """A contender's process. Use it in a `with` statement, which ends the process.

    Parameters
    ----------
    kind : str
        A key of `contenders.KINDS`.
    folder : Path
        The network's folder.
    log : Path
        Where what the contender prints is added to.
    environment : mapping of str to str
        Further variables for the process.
    """

    def __init__(self, kind: str, folder: Path, log: Path, environment: Mapping[str, str]) -> None:
        self.kind = kind
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, WORKER, kind, folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=os.environ | ENVIRONMENT | dict(environment),
                text=True,
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )

    def ask(self, request: str, **arguments: Any) -> dict[str, Any]:
        """Send a request (a method of `worker.Worker`) and wait for its answer.

        Raises
        ------
        ContenderError
            If the contender fails or its process ends.
        """
        assert self._process.stdin is not None  # noqa: S101 - for the type checker: both are pipes
        assert self._process.stdout is not None  # noqa: S101
        try:
            self._process.stdin.write(json.dumps({"do": request, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self._process.wait()
            ending = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise ContenderError(f"its process ended with {ending}; see {self._log.parent.name}/{self._log.name}")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise ContenderError(reply["error"])
        return reply

    def __enter__(self) -> Contestant:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()  # it holds nothing that would have to be put away
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # a request that it did not live to read
                    pipe.close()
