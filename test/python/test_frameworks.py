"""If these fail, quantc breaks in a process that also holds TensorFlow, PyTorch, ONNX Runtime or onnx, or breaks them.

Those libraries bring their own copies of LLVM and protobuf. Each case is a process of its own that imports quantc and
some of them in one order, then uses all.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

USES = {
    "quantc": "q = quantc.load(LIBRARY); assert q(A, B)[0].shape == (2, 3)",
    "onnx": "onnx.checker.check_model(onnx.parser.parse_model("
    "'<ir_version: 8, opset_import: [\"\": 17]> g (float[N] x) => (float[N] y) { y = Relu(x) }'))",
    "onnxruntime": "assert onnxruntime.get_available_providers()",
    "torch": "assert torch.nn.Linear(2, 3)(torch.ones(1, 2)).shape == (1, 3)",
    "tensorflow": "assert tensorflow.function(lambda x: x + 1, jit_compile=True)(tensorflow.ones(2)).shape == (2,)",
}
ALWAYS_THERE = ("onnx", "onnxruntime")
OPTIONAL = ("torch", "tensorflow")


def run(order: tuple[str, ...], network: Path) -> None:
    lines = ["import numpy as np", f"LIBRARY = {str(network)!r}"]
    lines += ["A, B = np.zeros((2, 2, 3), np.float32), np.zeros((2, 2), np.float32)"]
    lines += [f"import {name}" + (".checker, onnx.parser" if name == "onnx" else "") for name in order]
    for name in (*order, *reversed(order)):  # again, after the others have been used
        lines.append(USES[name])
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(order)}: exit code {done.returncode}\n{done.stderr[-4000:]}"


@pytest.mark.parametrize("order", list(itertools.permutations(("quantc", *ALWAYS_THERE))), ids="-".join)
def test_beside_onnx_and_onnxruntime(order: tuple[str, ...], network: Path) -> None:
    run(order, network)


@pytest.mark.parametrize(
    "order",
    [
        *itertools.permutations(("quantc", *OPTIONAL)),
        ("quantc", "torch", "tensorflow", "onnx", "onnxruntime"),
        ("onnxruntime", "onnx", "tensorflow", "torch", "quantc"),
    ],
    ids="-".join,
)
def test_beside_pytorch_and_tensorflow(order: tuple[str, ...], network: Path) -> None:
    run(order, network)
