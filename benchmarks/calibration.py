"""Time calibration beside ONNX Runtime's, and watch its memory. Called by `./run bench --calibration`.

    python benchmarks/calibration.py --build build [--rows 5000] [--many-rows 500000] [--repeats 5]

The 784-512-256-10 network is calibrated on 5,000 rows, by `quantc compile --to=calibrate` and by ONNX Runtime's min-max
calibrator: once with a reader that gives a row at a time, as those in its examples do, once with one that gives 256.
Like is compared with like by "quantc, ranges": the least and largest of every value alone, as that calibrator
gives them. "quantc minmax" and "quantc auto" are the stage as a compilation runs it, with the second moments of what
each layer reads (for the rounding of weights) and what storing each value in 8 bits does to the outputs, and by `auto`
trials of other ranges too; ONNX Runtime measures none of these.
Each runs in a process of its own on one core, the contenders in turns, and the least of several times counts: processor
time, which other processes on the machine change little. "Whole process" is all of it, with the imports of Python and
the loading of libraries. "Alone" is calibration without the start of the process, the reading of the model and the
imports: for quantc, what `--to=calibrate` takes more than `--to=prepare` (the compilation of the observed network is in
it), for ONNX Runtime, from the making of its observed model to its ranges. Then quantc calibrates a hundred times as
many rows, and the largest resident memory of both runs is compared. Exit code 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from networks import MODEL_FILE, random_network, write_network
from rich.console import Console
from rich.table import Table

LEAST_RATIO = 10  # ONNX Runtime's time of calibration over quantc's
MOST_MEMORY_MB = 50  # that many rows may take more than few
BLOCK = 256  # rows that quantc runs at a time
OURS, MINMAX, AUTO = "quantc, ranges", "quantc minmax", "quantc auto"
PEER, BLOCK_PEER = "ONNX Runtime, rows", f"ONNX Runtime, blocks of {BLOCK}"
RANGES_ALONE = ("--method=minmax", "--effort=low", "--activations=int8")


@dataclass
class Run:
    """One process: all of its processor time and that of calibration alone, in seconds, and resident memory in MB."""

    whole: float
    alone: float
    memory: float

    def least(self, other: Run) -> Run:
        """Take the least times of two runs, and the most memory."""
        return Run(min(self.whole, other.whole), min(self.alone, other.alone), max(self.memory, other.memory))


def watch(command: Sequence[str]) -> tuple[float, float, str]:
    """Run a command: processor time in seconds, resident memory in MB, what it wrote."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        written = child.stdout.read().decode() if child.stdout else ""
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{command[0]} ended with exit code {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, written


def quantc(build: Path, folder: Path, rows: Path, *flags: str) -> Run:
    with tempfile.TemporaryDirectory() as out:
        command = [str(build / "bin" / "quantc"), "compile", str(folder / MODEL_FILE), "-o", out]
        before, _, _ = watch([*command, "--to=prepare"])
        whole, memory, _ = watch([*command, "--to=calibrate", f"--calibration={rows}", *flags])
    return Run(whole, whole - before, memory)


def onnxruntime(folder: Path, rows: Path, block: int) -> Run:
    command = [sys.executable, __file__, "--peer", str(folder / MODEL_FILE), str(rows), str(block)]
    whole, memory, seconds = watch(command)
    return Run(whole, float(seconds), memory)


def peer(model: str, rows: str, block: str) -> None:
    """What a user of ONNX Runtime runs; prints the seconds of calibration."""
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod  # noqa: PLC0415 - part of what is timed
    from onnxruntime.quantization.calibrate import create_calibrator  # noqa: PLC0415

    size = int(block)

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            data = np.load(rows)
            self.batches = iter([{"x": data[i : i + size]} for i in range(0, len(data), size)])

        def get_next(self) -> dict[str, Any] | None:
            return next(self.batches, None)

    with tempfile.TemporaryDirectory() as scratch:
        start = time.process_time()
        calibrator = create_calibrator(
            model, None, str(Path(scratch) / "augmented.onnx"), calibrate_method=CalibrationMethod.MinMax
        )
        calibrator.collect_data(Reader())
        ranges = calibrator.compute_data()
        seconds = time.process_time() - start
        if not ranges.data:
            raise SystemExit("ONNX Runtime measured nothing")
    print(seconds)


def write_rows(path: Path, count: int, width: int) -> None:
    """Random rows, made and written a part at a time."""
    part = 5000
    numbers = np.random.default_rng(1)
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (count, width)}
        np.lib.format.write_array_header_1_0(file, header)
        for done in range(0, count, part):
            file.write(numbers.random((min(part, count - done), width), np.float32).tobytes())


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--many-rows", type=int, default=500_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # the processes started from here inherit it
    console = Console()
    network = random_network("mnist")
    width = network.weights[0].shape[1]
    results = options.build / "bench"
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_network(network, folder)
        rows = folder / "rows.npy"
        write_rows(rows, options.rows, width)
        contenders: dict[str, Callable[[], Run]] = {
            OURS: lambda: quantc(options.build, folder, rows, *RANGES_ALONE),
            MINMAX: lambda: quantc(options.build, folder, rows, "--method=minmax"),
            AUTO: lambda: quantc(options.build, folder, rows),
            PEER: lambda: onnxruntime(folder, rows, 1),
            BLOCK_PEER: lambda: onnxruntime(folder, rows, BLOCK),
        }
        best: dict[str, Run] = {}
        for _ in range(options.repeats):
            for name, run in contenders.items():
                new = run()
                best[name] = best[name].least(new) if name in best else new
        many = folder / "many.npy"
        write_rows(many, options.many_rows, width)
        long = quantc(options.build, folder, many)
    return report(console, options, best, long, results)


def report(console: Console, options: argparse.Namespace, best: dict[str, Run], long: Run, results: Path) -> int:
    table = Table(title=f"{options.rows} rows of 784 values, one core: seconds, and memory in MB")
    for heading in ("", "whole process", "calibration alone", "memory"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name, run in best.items():
        table.add_row(name, f"{run.whole:.3f}", f"{run.alone:.3f}", f"{run.memory:.0f}")
    console.print(table)
    for ours in (OURS, MINMAX, AUTO):
        for theirs in (PEER, BLOCK_PEER):
            console.print(
                f"{theirs}, over {ours}: {best[theirs].alone / best[ours].alone:.1f} times the time alone, "
                f"{best[theirs].whole / best[ours].whole:.1f} times the whole process"
            )
    more = long.memory - best[AUTO].memory
    console.print(f"{options.many_rows} rows: {long.whole:.1f} s, {long.memory:.0f} MB: {more:+.0f} MB")
    fast, small = best[PEER].alone / best[OURS].alone >= LEAST_RATIO, more <= MOST_MEMORY_MB
    console.print(f"the bars: 1/{LEAST_RATIO} of {PEER}: {'met' if fast else 'missed'}; ", end="")
    console.print(f"at most {MOST_MEMORY_MB} MB more for many rows: {'met' if small else 'missed'}")
    figures = {name: vars(run) for name, run in best.items()} | {"many rows": vars(long)}
    (results / "calibration.json").write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if fast and small else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        peer(*sys.argv[2:])
    else:
        sys.exit(main(sys.argv[1:]))
