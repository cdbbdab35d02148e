"""If these fail, a model that comes quantized (QDQ or QOperator form) does not keep its scales, or does not compile."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from quantc.tool import find_tool

X_SCALE, H_SCALE = np.float32(0.02), np.float32(0.05)


def model(form: str) -> onnx.ModelProto:
    """7 -> 9 (ReLU) -> 4; activations u8 with given scales, weights i8 on a grid."""
    random = np.random.default_rng(5)
    grid = {"w1": random.integers(-127, 128, (7, 9)), "w2": random.integers(-127, 128, (9, 4))}
    constants: dict[str, NDArray[np.generic]] = {name: value.astype(np.int8) for name, value in grid.items()}
    constants |= {
        "sw": np.array(0.004, np.float32),
        "zw": np.array(0, np.int8),
        "sx": np.array(X_SCALE),
        "zx": np.array(128, np.uint8),
        "sh": np.array(H_SCALE),
        "zh": np.array(0, np.uint8),
    }
    node = helper.make_node
    if form == "QDQ":
        constants |= {name: random.standard_normal(size).astype(np.float32) for name, size in (("b1", 9), ("b2", 4))}
        nodes = [
            node("QuantizeLinear", ["x", "sx", "zx"], ["xq"], name="x_q"),
            node("DequantizeLinear", ["xq", "sx", "zx"], ["xd"], name="x_d"),
            node("DequantizeLinear", ["w1", "sw", "zw"], ["w1d"], name="w1_d"),
            node("Gemm", ["xd", "w1d", "b1"], ["h"], name="first"),
            node("Relu", ["h"], ["r"], name="relu"),
            node("QuantizeLinear", ["r", "sh", "zh"], ["hq"], name="h_q"),
            node("DequantizeLinear", ["hq", "sh", "zh"], ["hd"], name="h_d"),
            node("DequantizeLinear", ["w2", "sw", "zw"], ["w2d"], name="w2_d"),
            node("Gemm", ["hd", "w2d", "b2"], ["y"], name="second"),
        ]
    else:
        constants["sy"], constants["zy"] = np.array(0.1, np.float32), np.array(128, np.uint8)
        nodes = [
            node("QuantizeLinear", ["x", "sx", "zx"], ["xq"], name="x_q"),
            node("QLinearMatMul", ["xq", "sx", "zx", "w1", "sw", "zw", "sh", "zh"], ["hq"], name="first"),
            node("QLinearMatMul", ["hq", "sh", "zh", "w2", "sw", "zw", "sy", "zy"], ["yq"], name="second"),
            node("DequantizeLinear", ["yq", "sy", "zy"], ["y"], name="y_d"),
        ]
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [tensor("x", TensorProto.FLOAT, ["n", 7])],
        [tensor("y", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def definition(made: onnx.ModelProto, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the operators' definitions give, in double precision; ONNX Runtime's own kernel saturates on AVX2."""
    given = {tensor.name: numpy_helper.to_array(tensor).astype(np.float64) for tensor in made.graph.initializer}
    bias = [given.get(name, np.zeros(1)) for name in ("b1", "b2")]
    stored = np.clip(np.rint(x / X_SCALE) + 128, 0, 255)
    hidden = (stored - 128) * float(X_SCALE) @ (given["w1"] * given["sw"]) + bias[0]
    stored = np.clip(np.rint(hidden / float(H_SCALE)), 0, 255)
    result: NDArray[np.float64] = stored * float(H_SCALE) @ (given["w2"] * given["sw"]) + bias[1]
    return result


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_keeps_its_scales_and_its_values(tmp_path: Path, form: str) -> None:
    path, rows, out = tmp_path / "m.onnx", tmp_path / "rows.npy", tmp_path / "out"
    onnx.save(model(form), path)
    x = np.random.default_rng(6).uniform(-2.5, 2.5, (64, 7)).astype(np.float32)
    np.save(rows, x)
    subprocess.run([find_tool(), "compile", path, "--calibration", rows, "-o", out, "--name", "m"], check=True)
    results = []
    for program in ("m.so", "m.mlirbc"):
        result = tmp_path / f"{program}.npy"
        subprocess.run([find_tool(), "run", out / program, "--input", rows, "--output", result], check=True)
        results.append(np.load(result))
    assert results[0].tobytes() == results[1].tobytes()

    layers = json.loads((out / "m.json").read_text())["layers"]
    dense = [layer for layer in layers if layer["op"] == "qdense"]
    assert [np.float32(layer["input_scale"]) for layer in dense] == [X_SCALE, H_SCALE]

    expected = definition(model(form), x)
    # A hidden value next to a tie may round either way: one step of it through the largest weight.
    assert np.abs(results[0] - expected).max() <= float(H_SCALE) * 127 * float(np.float32(0.004)) * 1.01
