"""Calibration on a Dask cluster: each worker measures its own rows, and what was measured is merged.

The compiler says which network it wants measured: one, and a few with ``effort="high"`` or ``prune``. The workers run
their blocks of rows through it with ``quantc calibrate`` and give back statistics, whose size does not grow with the
rows. They can be merged in any order, so the program has the bits of one process that reads all rows.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .batches import batches, comes_in_batches, dask_parts, is_dask, is_iterator
from .data import checked_rows, data_argument
from .errors import QuantcError
from .frontend import MANIFEST_KEY, Frontend
from .tool import Progress, run_tool

__all__ = ["check_cluster", "compile_on_cluster", "measure", "merge"]

NEEDED = ("submit", "scatter", "compute", "gather", "cancel")  # what is called of a client
BLOCK_BYTES = 64 << 20  # of rows that are sent from here to a worker
LEAST_BLOCK_ROWS = 1024
MOST_SENT = 8  # blocks from here that workers have at a time
MERGED_AT_ONCE = 8
MOST_ROUNDS = 8  # networks that one compilation measures; it is three or four at most
NAME = "calibration"

Compile = Callable[[Sequence[str]], Path]
"""Runs the compiler with further options and gives the library's path."""


def check_cluster(client: Any, validation: Any, is_search: bool) -> None:
    """Refuse what is no client of a cluster, and a search over bits without rows that are here.

    Raises
    ------
    TypeError
        If the client lacks what a ``distributed.Client`` has, or is an asynchronous one.
    ValueError
        If `is_search` and there is no `validation`.
    """
    lacking = [name for name in NEEDED if not callable(getattr(client, name, None))]
    if lacking:
        kind = type(client).__name__
        raise TypeError(f"client: needs a distributed.Client, got a {kind}, which has no {', '.join(lacking)}")
    if getattr(client, "asynchronous", False):
        raise TypeError("client: needs a distributed.Client that waits, got one made with asynchronous=True")
    if is_search and validation is None:
        raise ValueError(
            "client: accuracy_budget and weights='mixed' judge by rows, which stay on the cluster; "
            "give some as `validation`"
        )


def compile_on_cluster(
    client: Any,
    rows: Any,
    frontend: Frontend | None,
    compile_with: Compile,
    folder: Path,
    progress: Progress | None = None,
) -> tuple[Path, list[str]]:
    """Compile by statistics that a cluster measures.

    Parameters
    ----------
    client : distributed.Client
    rows : Dask array or frame, or any rows that `quantc.quantize` takes but a path
        Dask's are computed and measured where they are; others are sent to the workers block by block.
    frontend : Frontend, optional
        What turns a block into numbers; it is sent to the workers.
    compile_with : callable
        Runs the compiler with the options of statistics.
    folder : Path
        Where the statistics are kept.
    progress : callable, optional
        Called with ("calibrate", blocks measured, blocks); the latter is 0 as long as it is not known.

    Returns
    -------
    library : Path
    options : list of str
        The options of statistics, to compile again with.

    Raises
    ------
    QuantcError, TypeError, ValueError
        If the model or the rows cannot be compiled, or the workers cannot measure; rows are named by their partition.
    """
    if isinstance(rows, Path) and rows.parent == folder:  # an exporter has read them, and written them for others
        rows = np.load(rows, mmap_mode="r", allow_pickle=False)
    elif isinstance(rows, (str, os.PathLike)):
        raise QuantcError(
            f"{NAME}: a cluster's workers may not have the file {Path(rows).name}",
            remedy="give its rows: np.load(path, mmap_mode='r'), or what dask.array or dask.dataframe reads",
        )
    if is_iterator(rows):  # which can be read once, and networks may be several
        rows = np.load(data_argument(rows, folder, NAME, frontend), mmap_mode="r", allow_pickle=False)
        frontend = None
    options: list[str] = []
    for number in range(MOST_ROUNDS):
        network = folder / f"network-{number}.mlirbc"
        try:
            return compile_with([*options, "--missing", os.fspath(network)]), options
        except QuantcError:
            if not network.is_file():
                raise
        if is_dask(rows):
            content = _Round(client, network.read_bytes(), frontend, progress).of_dask(rows)
        else:
            content = _Round(client, network.read_bytes(), frontend, progress).of_blocks(_blocks(rows, frontend))
        measured = folder / f"statistics-{number}.qcal"
        measured.write_bytes(content)
        options += ["--statistics", os.fspath(measured)]
    raise QuantcError(f"the compiler asks for the statistics of more than {MOST_ROUNDS} networks")


class _Round:
    """One pass of all rows through one network."""

    def __init__(self, client: Any, network: bytes, frontend: Frontend | None, progress: Progress | None) -> None:
        from dask import delayed  # noqa: PLC0415 - an extra
        from distributed import as_completed  # noqa: PLC0415

        self.client = client
        self.progress = progress
        self.completed = as_completed()
        self.running: dict[Any, int | None] = {}  # futures, to the number of the block; None where they merge
        self.read: dict[Any, list[Any]] = {}  # what they read: the scheduler may meet the end of a future here too soon
        self.finished: list[Any] = []  # futures of what is yet to be merged
        self.blocks = self.measured = 0
        record = None if frontend is None else json.dumps(frontend.record())
        self.network = client.scatter(network, broadcast=True, hash=False)
        call = delayed(_call, pure=False)
        self.task_of = partial(call, "measure", self.network, record, _version())

    def of_dask(self, rows: Any) -> bytes:
        """The statistics of a collection's rows, as a file's content."""
        tasks = [self.task_of(part, number) for number, part in enumerate(dask_parts(rows, NAME))]
        return self._guarded(lambda: self._run_all(tasks))

    def of_blocks(self, blocks: Iterator[Any]) -> bytes:
        """The same of rows that are here."""
        return self._guarded(lambda: self._send(blocks))

    def _guarded(self, run: Callable[[], None]) -> bytes:
        """Whatever ends it early, Ctrl-C too, ends what runs on the cluster."""
        try:
            run()
            while self.running:
                self._wait(total=self.blocks)
            content: bytes = self.client.gather(self.finished[0]) if self.finished else b""
        except BaseException:
            read = [future for futures in self.read.values() for future in futures]
            self.client.cancel([*self.running, *self.finished, *read, self.network])
            raise
        if not content:
            raise ValueError(f"{NAME}: there is no row in it")
        return content

    def _run_all(self, tasks: list[Any]) -> None:
        # At once, so that what partitions share is computed once.
        for future in self.client.compute(tasks):
            self._start(future)

    def _send(self, blocks: Iterator[Any]) -> None:
        for block in blocks:
            while len(self.running) >= MOST_SENT:
                self._wait(total=0)
            there = self.client.scatter([block], hash=False)[0]
            self._start(self.client.compute(self.task_of(there, self.blocks)), there)

    def _start(self, future: Any, *read: Any) -> None:
        self.running[future] = self.blocks
        self.read[future] = list(read)
        self.blocks += 1
        self.completed.add(future)

    def _wait(self, total: int) -> None:
        """Wait for one task, and merge what has come together."""
        future = next(self.completed)
        number = self.running.pop(future)
        self.read.pop(future)
        error = future.exception()
        if error is not None:
            raise _explained(error, number)
        self.finished.append(future)
        if number is not None:
            self.measured += 1
            if self.progress is not None:
                self.progress("calibrate", self.measured, total)
        if len(self.finished) == MERGED_AT_ONCE or (not self.running and len(self.finished) > 1):
            merged = self.client.submit(_call, "merge", self.finished, pure=False)
            self.running[merged] = None
            self.read[merged] = self.finished
            self.completed.add(merged)
            self.finished = []


def _explained(error: BaseException, number: int | None) -> BaseException:
    """What a task ended with, as the user is to see it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ModuleNotFoundError) and (cause.name or "").partition(".")[0] == "quantc":
            return QuantcError(
                "client: a worker or the scheduler cannot import quantc",
                remedy=f"install quantc {_version()} wherever the cluster runs",
            )
        cause = cause.__cause__ or cause.__context__
    if number is not None and not isinstance(error, QuantcError):
        error.add_note(f"in partition {number} of the calibration rows")
    return error


def _blocks(rows: Any, frontend: Frontend | None) -> Iterator[Any]:
    """Rows that are here, in blocks that can be sent."""
    if comes_in_batches(rows):
        yield from batches(rows, NAME)
    elif isinstance(rows, Mapping) and not hasattr(rows, "columns"):
        arrays = {str(key): checked_rows(value, f"{NAME} {key!r}") for key, value in rows.items()}
        counts = {key: len(array) for key, array in arrays.items()}
        if len(set(counts.values())) != 1:
            raise ValueError(f"{NAME}: needs an array for each input, all of as many rows, got {counts}")
        count = min(counts.values())
        step = _step(count, sum(array.nbytes for array in arrays.values()))
        for start in range(0, count, step):
            yield {key: array[start : start + step] for key, array in arrays.items()}
    else:
        table = checked_rows(rows, NAME) if frontend is None else getattr(rows, "iloc", rows)
        count = len(rows)
        step = _step(count, int(getattr(table, "nbytes", 0)) or 8 * int(np.size(rows)))
        for start in range(0, count, step):
            yield table[start : start + step]


def _step(rows: int, size: int) -> int:
    """Rows of a block: few enough to send, and so few that there are some blocks for each of several workers."""
    by_size = max(1, BLOCK_BYTES * rows // max(size, 1))
    return min(by_size, max(LEAST_BLOCK_ROWS, -(-rows // MOST_SENT)))


def _version() -> str:
    import quantc  # noqa: PLC0415 - which imports this module

    return quantc.__version__


def _call(name: str, *arguments: Any) -> Any:
    """On a worker: call a function of this module."""
    import importlib  # noqa: PLC0415 - this function travels without its module

    return getattr(importlib.import_module("quantc.cluster"), name)(*arguments)


# Dask sends the code of a function of __main__, and of any other the name alone: over quantc's a worker without quantc
# would lose its connection. This way the task ends with an error.
_call.__module__ = "__main__"


def measure(network: bytes, frontend: str | None, version: str, block: Any, number: int) -> bytes:
    """On a worker: the statistics of a block of rows, as a file's content; nothing if it has no row.

    Raises
    ------
    QuantcError, TypeError, ValueError
        If the block cannot be measured; it is named by its number.
    """
    if _version() != version:
        raise QuantcError(
            f"client: a worker has quantc {_version()}, and this process {version}",
            remedy=f"install quantc {version} wherever the cluster runs",
        )
    encoder = None
    if frontend is not None:
        record = json.loads(frontend)
        encoder = Frontend.of_manifest({MANIFEST_KEY: record}, record["features"], outputs=2)
    if not isinstance(block, Mapping) and hasattr(block, "__len__") and len(block) == 0:  # filters leave empty ones
        return b""
    with tempfile.TemporaryDirectory(prefix="quantc-") as scratch:
        folder = Path(scratch)
        (folder / "network.mlirbc").write_bytes(network)
        try:
            rows = data_argument(block, folder, NAME, encoder)
            run_tool(
                [
                    "calibrate",
                    folder / "network.mlirbc",
                    f"--{NAME}",
                    rows,
                    "-o",
                    folder / "part.qcal",
                    "--progress=json",
                ]
            )
        except (QuantcError, TypeError, ValueError) as error:
            raise type(error)(f"{NAME}, partition {number}: {error}") from error
        return (folder / "part.qcal").read_bytes()


def merge(parts: Sequence[bytes]) -> bytes:
    """On a worker: the statistics of several parts of the rows together.

    Raises
    ------
    QuantcError
        If they cannot be merged.
    """
    parts = [part for part in parts if part]
    if len(parts) <= 1:
        return parts[0] if parts else b""
    with tempfile.TemporaryDirectory(prefix="quantc-") as scratch:
        words: list[str | os.PathLike[str]] = ["calibrate", "-o", Path(scratch) / "all.qcal", "--progress=json"]
        for number, part in enumerate(parts):
            path = Path(scratch) / f"{number}.qcal"
            path.write_bytes(part)
            words += ["--statistics", path]
        run_tool(words)
        return (Path(scratch) / "all.qcal").read_bytes()
