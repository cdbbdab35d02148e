"""If these fail, a layer that sees several rows for each of the user's writes past its workspace, or rows are mixed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantc
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from quantc.errors import QuantcError

RANDOM = np.random.default_rng(0)


def model(path: Path, nodes: list[NodeProto], features: int, constants: dict[str, NDArray[Any]]) -> Path:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", features])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    return path


def normal(*shape: int) -> NDArray[np.float32]:
    return RANDOM.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("parts", [2, 3, 40])
def test_layer_over_parts_of_a_row(tmp_path: Path, parts: int) -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "in"], ["parts"], name="parts"),
        helper.make_node("MatMul", ["parts", "w0"], ["a"], name="shared"),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Transpose", ["b"], ["c"], name="swap", perm=[0, 2, 1]),
        helper.make_node("Reshape", ["c", "out"], ["flat"], name="flat"),
        helper.make_node("MatMul", ["flat", "w1"], ["y"], name="last"),
    ]
    constants: dict[str, NDArray[Any]] = {
        "in": np.array([0, parts, 4], np.int64),
        "out": np.array([0, 6 * parts], np.int64),
        "w0": normal(4, 6),
        "w1": normal(6 * parts, 3),
    }
    x = normal(300, 4 * parts)
    q = quantc.quantize(model(tmp_path / "m.onnx", nodes, 4 * parts, constants), x)
    for rows in (1, 7, 64, 300):
        result = q.predict(x[:rows])
        np.testing.assert_array_equal(result.view(np.uint32), quantc.reference(q, x[:rows]).view(np.uint32))
    a = np.maximum(x.reshape(300, parts, 4) @ constants["w0"], 0).transpose(0, 2, 1).reshape(300, -1)
    exact = a @ constants["w1"]
    assert np.square(q.predict(x) - exact).sum() < 1e-3 * np.square(exact).sum()


def test_parts_that_become_rows_are_refused(tmp_path: Path) -> None:
    """Three results for each row: the caller's array has room for one."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="layer"),
        helper.make_node("Reshape", ["a", "shape"], ["y"], name="column"),
    ]
    constants: dict[str, NDArray[Any]] = {"w": normal(4, 3), "shape": np.array([-1, 1], np.int64)}
    with pytest.raises(QuantcError, match=r"node 'column' \(qnet\.reshape\) mixes the rows into other dimensions"):
        quantc.quantize(model(tmp_path / "m.onnx", nodes, 4, constants), normal(50, 4))


@pytest.mark.parametrize("activations", ["int8", "int16"])
def test_larger_and_smaller_of_two_layers(tmp_path: Path, activations: str) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["a"], name="first"),
        helper.make_node("MatMul", ["x", "w1"], ["b"], name="second"),
        helper.make_node("Max", ["a", "b"], ["c"], name="larger"),
        helper.make_node("Min", ["c", "b"], ["d"], name="smaller"),
        helper.make_node("MatMul", ["d", "w2"], ["y"], name="last"),
    ]
    constants: dict[str, NDArray[Any]] = {"w0": normal(8, 8), "w1": normal(8, 8), "w2": normal(8, 8)}
    x = normal(200, 8)
    q = quantc.quantize(model(tmp_path / "m.onnx", nodes, 8, constants), x, activations=activations)
    result = q.predict(x)
    np.testing.assert_array_equal(result.view(np.uint32), quantc.reference(q, x).view(np.uint32))
    a, b = x @ constants["w0"], x @ constants["w1"]
    exact = np.minimum(np.maximum(a, b), b) @ constants["w2"]
    assert np.square(result - exact).sum() < 1e-3 * np.square(exact).sum()
