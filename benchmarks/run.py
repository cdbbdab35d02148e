"""Time compiled networks beside ONNX Runtime, all in one run and on one thread. Called by `./run bench`.

    python benchmarks/run.py --build build [--networks digits,mnist] [--batches 1,16,256]

Contenders take turns of a few milliseconds, so that a busy moment hits them all; the table gives the best turn, which
moves least with the machine, and the median. Absolute times are of this machine and this hour: compare within a run.
All calls are made from Python; what that costs is the first figure. Results also go to BUILD/bench/results.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import timeit
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import quantc
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from quantc._native import Library
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples" / "digits"))

from data import load_digits  # noqa: E402 - the example's modules are no package
from peers import Predict, Timing, onnxruntime_predict, quantize_with_onnxruntime, time_side_by_side  # noqa: E402

WIDTHS = {  # random-weight ReLU networks: what people deploy, from a sensor's to a transformer's feed-forward block
    "seed": (2, 64, 32, 1),
    "mnist": (784, 512, 256, 10),
    "tinyad": (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640),
    "ffn": (1024, 4096, 1024),
    "big": (2048, 2048, 2048, 2048, 2048),
}
NETWORKS = ("digits", *WIDTHS)
CALIBRATION_ROWS = 256
SEED = 1
CALLS = 1_000  # a turn: short enough to fall between other processes' time slices
TURNS = 500
EMPTY_SOURCE = """
#include <stddef.h>
size_t empty_workspace_size(size_t batch) { return 64; }
void empty_run(const float *input, float *output, size_t batch, void *workspace) { output[0] = input[0]; }
"""

Floats = NDArray[np.float32]


def call_overhead(folder: Path) -> float:
    """Seconds that a call from Python costs beside the network: a library that does nothing, called on one row."""
    (folder / "empty.c").write_text(EMPTY_SOURCE)
    path = folder / "empty.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", folder / "empty.c", "-o", path], check=True)
    library = Library(str(path), "empty", [("input", (784,))], [("output", (10,))])
    x = np.zeros((1, 784), np.float32)
    call = min(timeit.repeat(lambda: library(x), number=CALLS, repeat=TURNS))
    nothing = min(timeit.repeat(lambda: x, number=CALLS, repeat=TURNS))
    return (call - nothing) / CALLS


def random_network(widths: Sequence[int], path: Path) -> Floats:
    """Write a random ReLU network as ONNX, and give normal rows for it."""
    random = np.random.default_rng(SEED)
    nodes, initializers, value = [], [], "x"
    for index, (inputs, outputs) in enumerate(pairwise(widths), start=1):
        weight = random.standard_normal((outputs, inputs), dtype=np.float32) * np.float32(np.sqrt(2 / inputs))
        bias = random.standard_normal(outputs, dtype=np.float32) * np.float32(0.1)
        initializers += [numpy_helper.from_array(weight, f"w{index}"), numpy_helper.from_array(bias, f"b{index}")]
        last = index + 1 == len(widths)
        result = "y" if last else f"h{index}"
        nodes.append(helper.make_node("Gemm", [value, f"w{index}", f"b{index}"], [result], f"dense{index}", transB=1))
        value = result
        if not last:
            nodes.append(helper.make_node("Relu", [value], [f"r{index}"], f"relu{index}"))
            value = f"r{index}"
    graph = helper.make_graph(
        nodes,
        "random",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", widths[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", widths[-1]])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return random.standard_normal((CALIBRATION_ROWS, widths[0]), dtype=np.float32)


def prepare(name: str, folder: Path) -> tuple[dict[str, Predict], Floats]:
    """Give the contenders for a network, and rows to run them on."""
    if name == "digits":
        model, digits = ROOT / "examples" / "digits" / "digits.onnx", load_digits()
        calibration, rows = digits.calibration.pixels, digits.test.pixels
    else:
        model = folder / f"{name}.onnx"
        calibration = rows = random_network(WIDTHS[name], model)
    int8_model = folder / f"{name}-onnxruntime-int8.onnx"
    quantize_with_onnxruntime(model, calibration, int8_model)
    q = quantc.quantize(model, calibration)
    return {
        "quantc int8": q.predict,
        "ONNX Runtime int8": onnxruntime_predict(int8_model),
        "ONNX Runtime float": onnxruntime_predict(model),
    }, rows


def microseconds(timing: Timing) -> str:
    return f"{timing.best * 1e6:,.1f} ({timing.median * 1e6:,.1f})"


def main() -> int:
    parser = argparse.ArgumentParser(description="Time compiled networks beside ONNX Runtime, on one thread.")
    parser.add_argument("--build", type=Path, required=True, help="the build folder")
    parser.add_argument("--networks", default=",".join(NETWORKS), help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--batches", default="1,16,256", help="rows a call")
    arguments = parser.parse_args()
    names = arguments.networks.split(",")
    unknown = [name for name in names if name not in NETWORKS]
    if unknown:
        parser.error(f"no network {', '.join(unknown)}; there are {', '.join(NETWORKS)}")
    try:
        batches = [int(text) for text in arguments.batches.split(",")]
    except ValueError:
        parser.error(f"--batches needs numbers with commas between them, got {arguments.batches}")
    if not all(0 < batch <= CALIBRATION_ROWS for batch in batches):
        parser.error(f"--batches goes from 1 to {CALIBRATION_ROWS}")

    folder = arguments.build / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=110)
    overhead = call_overhead(folder)
    console.print(f"a call from Python costs {overhead * 1e9:.0f} ns beside the network")
    results: dict[str, object] = {"call_overhead_s": overhead}
    table: Table | None = None
    for index, name in enumerate(names, start=1):
        console.print(f"network {index} of {len(names)}: {name}")
        contenders, rows = prepare(name, folder)
        if table is None:
            table = Table("network", "rows", *contenders, title="microseconds a call: best (median), one thread")
        for batch in batches:
            timings = time_side_by_side(contenders, np.ascontiguousarray(rows[:batch]))
            table.add_row(name, str(batch), *(microseconds(timings[contender]) for contender in contenders))
            results[f"{name}/{batch}"] = {c: {"best_s": t.best, "median_s": t.median} for c, t in timings.items()}
    console.print(table)
    (folder / "results.json").write_text(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
