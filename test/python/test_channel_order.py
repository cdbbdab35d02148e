"""If these fail, hidden channels are ordered for a CPU's 16-bit sums so that results change, or nothing is gained."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantc
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from quantc.tool import find_tool, run_tool

WIDTHS = (3, 64, 32, 5)
ROWS = 500
VISITS = re.compile(r"visits\(.*: tensor<\d+xi32>, tensor<(\d+)xi32>")


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((ROWS, WIDTHS[0])).astype(np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a network of three dense layers, of which the second has far too large sums as it is."""
    random = np.random.default_rng(2)
    nodes, weights, value = [], [], "x"
    for index, (inputs, outputs) in enumerate(pairwise(WIDTHS), start=1):
        weights.append(
            numpy_helper.from_array(random.standard_normal((inputs, outputs)).astype(np.float32), f"w{index}")
        )
        nodes.append(helper.make_node("MatMul", [value, f"w{index}"], [f"a{index}"], name=f"dense{index}"))
        value = f"a{index}"
        if index < len(WIDTHS) - 1:
            nodes.append(helper.make_node("Relu", [value], [f"r{index}"], name=f"relu{index}"))
            value = f"r{index}"
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", WIDTHS[0]])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["n", WIDTHS[-1]])],
        weights,
    )
    path = tmp_path_factory.mktemp("order") / "net.onnx"
    opsets = [helper.make_opsetid("", 17)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    return path


def second_layer(manifest: Path) -> dict[str, Any]:
    layers: list[dict[str, Any]] = json.loads(manifest.read_text())["layers"]
    return next(layer for layer in layers if layer["inputs"] == WIDTHS[1])


@pytest.mark.skipif(platform.machine() != "x86_64", reason="no other CPU adds in 16 bits")
@pytest.mark.parametrize("cpu", ["native", "x86-64-v2"])
def test_same_bits_as_reference(model: Path, rows: NDArray[np.float32], cpu: str) -> None:
    q = quantc.quantize(model, rows, cpu=cpu, prefer="speed")
    extremes = np.concatenate([rows, 100 * rows, -100 * rows])
    for batch in (1, 2, 5, len(extremes)):
        x = extremes[:batch]
        np.testing.assert_array_equal(q.predict(x).view(np.uint32), quantc.reference(q, x).view(np.uint32))


def test_no_sum_is_left_with_too_much(model: Path, rows: NDArray[np.float32], tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", rows)
    goal: list[str | Path] = ["--target=x86_64-linux-gnu", "--cpu=haswell", "--prefer=speed"]
    files: list[str | Path] = ["--calibration", tmp_path / "rows.npy", "-o", tmp_path / "out", "--emit=object"]
    run_tool(["compile", model, *goal, *files, "--progress=json"])
    assert second_layer(tmp_path / "out/net.json")["visited_share"] == 0

    # The network beside the program has its channels as the model has them: what is too much there is visited.
    def visits(*passes: str) -> int:
        command: list[str | Path] = [find_tool().with_name("quant-opt"), tmp_path / "out/net.mlirbc", *passes]
        command.append("--select-kernels=isa=avx2 kernel=gemm_u8s8s16_4x16x8_avx2")
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        second = [line for line in text.splitlines() if "packed_dense" in line][1]
        found = VISITS.search(second)
        return int(found[1]) if found else 0

    assert visits() > 0
    assert visits("--pair-channels=isa=avx2") == 0
