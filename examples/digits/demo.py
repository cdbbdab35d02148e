"""What quantc does, on real digits: compile the network, and show what it gives beside ONNX Runtime.

    python examples/digits/demo.py --out build/demo

The network is ``digits.onnx`` (see train.py), the rows are those of data.py: 500 to calibrate, and 1,000 test rows that
took part in neither training nor calibration. All figures are measured in this run, on one thread; ONNX Runtime's int8
model is calibrated on the same 500 rows.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import quantc
from data import load_digits, write_arrays
from numpy.typing import NDArray
from peers import Floats, Predict, Timing, onnxruntime_predict, quantize_with_onnxruntime, time_side_by_side
from quantc.tool import run_tool
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

MODEL = Path(__file__).with_name("digits.onnx")
NAME = "digits"
BATCHES = (1, 256)
QUANTC, ORT_INT8, ORT_FLOAT = "quantc int8", "ONNX Runtime int8", "ONNX Runtime float"
PLAIN_WIDTH = 110  # columns, where the output is no terminal


@dataclass(frozen=True)
class Result:
    """One contender's figures."""

    accuracy: float
    agreement: float  # with the float network's labels
    sqnr_db: float  # against the float network's scores
    size: int  # bytes of what a program ships
    times: dict[int, Timing]  # by batch


def compile_digits(out: Path, data: Path, console: Console) -> quantc.Quantized:
    """Compile the network into `out` with the quantc tool."""
    options: list[str | Path] = ["--calibration", data / "calibration.npy", "-o", out, "--name", NAME]
    console.print(f"$ quantc compile {MODEL.name} " + " ".join(map(str, options)), highlight=False, soft_wrap=True)
    with Progress(
        TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("starting", total=None)
        run_tool(
            ["compile", MODEL, *options, "--progress=json"],
            lambda stage, done, total: bar.update(task, description=stage, completed=done, total=total),
        )
    return quantc.load(out / f"{NAME}.so")


def sqnr_db(wanted: Floats, got: Floats) -> float:
    """Signal to quantization noise: the power of the float scores over that of the difference, in dB."""
    noise = np.square(wanted.astype(np.float64) - got).sum()
    signal = np.square(wanted.astype(np.float64)).sum()
    return float(10 * np.log10(signal / noise)) if noise > 0 else float("inf")


def measure(
    predict: Predict, wanted: Floats, pixels: Floats, labels: NDArray[np.int64], size: int, times: dict[int, Timing]
) -> Result:
    """All figures of one contender."""
    scores = predict(pixels)
    chosen = scores.argmax(axis=1)
    return Result(
        accuracy=float((chosen == labels).mean()),
        agreement=float((chosen == wanted.argmax(axis=1)).mean()),
        sqnr_db=sqnr_db(wanted, scores),
        size=size,
        times=times,
    )


def same_bits_as_reference(q: quantc.Quantized, pixels: Floats) -> bool:
    """Whether the compiled program gives the interpreter's bits, on good rows and on rows with NaN and infinities."""
    hostile = pixels[:4].copy()
    hostile[0, ::3] = np.nan
    hostile[1, ::3] = np.inf
    hostile[2, ::3] = -np.inf
    hostile[3, ::3] = np.finfo(np.float32).max
    rows = np.concatenate([pixels, hostile])
    compiled, interpreted = q(rows), quantc.reference(q, rows)
    return bool(compiled.tobytes() == interpreted.tobytes())


def show(results: dict[str, Result], console: Console) -> None:
    """Print the table."""
    table = Table(title="784-256-128-10 ReLU network on 1,000 test digits, one thread")
    table.add_column("")
    for name in results:
        table.add_column(name, justify="right")
    rows = {
        "accuracy": [f"{r.accuracy:.1%}" for r in results.values()],
        "same label as float": [f"{r.agreement:.1%}" for r in results.values()],
        "SQNR against float": [f"{r.sqnr_db:.1f} dB" if np.isfinite(r.sqnr_db) else "-" for r in results.values()],
        "size (object / .onnx file)": [f"{r.size / 1024:,.0f} KiB" for r in results.values()],
    }
    for batch in BATCHES:
        label = "1 row, " if batch == 1 else f"{batch} rows, "
        rows[label + "best"] = [f"{r.times[batch].best * 1e6:,.1f} us" for r in results.values()]
        rows[label + "median"] = [f"{r.times[batch].median * 1e6:,.1f} us" for r in results.values()]
    for name, cells in rows.items():
        table.add_row(name, *cells)
    console.print(table)


def summary(results: dict[str, Result], same_bits: bool) -> str:
    """Put the result in one line."""
    ours, peer, exact = results[QUANTC], results[ORT_INT8], results[ORT_FLOAT]
    times = ", ".join(
        f"{batch} row{'s' if batch > 1 else ''} {ours.times[batch].best * 1e6:,.1f} us"
        f" (ONNX Runtime int8 {peer.times[batch].best * 1e6:,.1f})"
        for batch in BATCHES
    )
    return (
        f"result: int8 {ours.accuracy:.1%}, float {exact.accuracy:.1%}, SQNR {ours.sqnr_db:.1f} dB, "
        f"object {ours.size / 1024:,.0f} KiB (float model {exact.size / 1024:,.0f}), {times}, "
        f"bits {'equal' if same_bits else 'DIFFER FROM'} the reference interpreter's"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Quantize the digits network and show what that gives.")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write into")
    out = parser.parse_args().out
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)

    digits = load_digits()
    data = out / "data"
    write_arrays(data, digits)
    try:
        q = compile_digits(out, data, console)
        console.print(q, markup=False, soft_wrap=True)
        console.print("comparing with the reference interpreter and ONNX Runtime ...")
        same_bits = same_bits_as_reference(q, digits.test.pixels)
    except quantc.QuantcError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    int8_model = data / "digits-onnxruntime-int8.onnx"
    quantize_with_onnxruntime(MODEL, digits.calibration.pixels, int8_model)

    contenders: dict[str, Predict] = {
        QUANTC: q.predict,
        ORT_INT8: onnxruntime_predict(int8_model),
        ORT_FLOAT: onnxruntime_predict(MODEL),
    }
    sizes = {
        QUANTC: (out / f"{NAME}.o").stat().st_size,
        ORT_INT8: int8_model.stat().st_size,
        ORT_FLOAT: MODEL.stat().st_size,
    }
    pixels, labels = digits.test.pixels, digits.test.labels
    timings = {batch: time_side_by_side(contenders, pixels[:batch]) for batch in BATCHES}
    wanted = contenders[ORT_FLOAT](pixels)
    results = {
        name: measure(predict, wanted, pixels, labels, sizes[name], {b: timings[b][name] for b in BATCHES})
        for name, predict in contenders.items()
    }
    show(results, console)
    try:
        page = q.report(out / "report.html", pixels, labels, data / "calibration.npy", MODEL)
    except quantc.QuantcError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"files: {', '.join(f'{out / NAME}.{suffix}' for suffix in ('o', 'h', 'so', 'json'))}")
    print(f"report: {page}")
    print(summary(results, same_bits))
    return 0 if same_bits else 1


if __name__ == "__main__":
    sys.exit(main())
