"""A network of two dense layers, and what a compiled form of it has for weights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

INPUTS, HIDDEN, OUTPUTS = 12, 16, 4
CONSTANT = re.compile(r"qnet\.constant dense<([^>]*)> : tensor<(\d+)x(\d+)xi8>")


def save(folder: Path, rows: int = 64) -> tuple[Path, NDArray[np.float32]]:
    """Write net.onnx and rows.npy; give the model's path and the rows.

    The network's layers are "fc1" (which becomes one with its ReLU, "relu1") and "fc2", its input is "x".
    """
    random = np.random.default_rng(3)
    constants = [
        numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)
        for name, shape in (("w1", (HIDDEN, INPUTS)), ("w2", (OUTPUTS, HIDDEN)))
    ]
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "w1"], ["h"], name="fc1", transB=1),
            helper.make_node("Relu", ["h"], ["r"], name="relu1"),
            helper.make_node("Gemm", ["r", "w2"], ["y"], name="fc2", transB=1),
        ],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", OUTPUTS])],
        constants,
    )
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    mixing = random.standard_normal((INPUTS, INPUTS))  # inputs that go together, as those of real data do
    data = (random.standard_normal((rows, INPUTS)) @ mixing / np.sqrt(INPUTS)).astype(np.float32)
    np.save(folder / "rows.npy", data)
    return path, data


def float_weights(model: Path) -> list[NDArray[np.float64]]:
    """The weights of "fc1" and "fc2", (outputs, inputs)."""
    return [numpy_helper.to_array(w).astype(np.float64) for w in onnx.load(model).graph.initializer]


def integer_weights(graph: str) -> list[NDArray[np.int8]]:
    """All matrices of int8 in the text of an integer graph, in their order."""
    matrices: list[NDArray[Any]] = []
    for values, rows, columns in CONSTANT.findall(graph):
        if values.startswith('"0x'):
            numbers = np.frombuffer(bytes.fromhex(values[3:-1]), np.int8)
        else:
            numbers = np.array([int(number) for number in re.findall(r"-?\d+", values)], np.int8)
        matrices.append(numbers.reshape(int(rows), int(columns)))
    return matrices
