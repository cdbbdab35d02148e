"""If these fail, ONNX's conformance runner drives quantc wrongly: inputs out of order, or results in another dtype."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
import quantc.backend
from onnx import TensorProto, helper, numpy_helper

Calls = Callable[[], list[list[str]]]


def add_model(element: int) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info(name, element, [3]) for name in ("w", "x")],
        [helper.make_tensor_value_info("y", element, [3])],
        [helper.make_tensor("w", element, [3], [1, 1, 1])],
    )
    return helper.make_model(graph)


@pytest.mark.parametrize("element", [TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.INT64])
def test_prepare_and_run(recording_tool: Calls, element: int) -> None:
    x = np.array([1, 2, 3], helper.tensor_dtype_to_np_dtype(element))
    (y,) = quantc.backend.prepare(add_model(element)).run([x])
    (call,) = recording_tool()
    assert call[0] == "run" and call.count("--input") == 1, "an initializer is not an input"
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, x + 1)


def test_four_bit_values_travel_as_bytes(recording_tool: Calls) -> None:
    dtype = helper.tensor_dtype_to_np_dtype(TensorProto.INT4)
    (y,) = quantc.backend.prepare(add_model(TensorProto.INT4)).run([np.array([-8, 0, 6]).astype(dtype)])
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.astype(np.int8), [-7, 1, 7])


def test_run_node(recording_tool: Calls) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    (y,) = quantc.backend.run_node(node, [np.zeros((2, 3), np.float32)])
    np.testing.assert_array_equal(y, np.ones((2, 3), np.float32))


def test_run_model(recording_tool: Calls) -> None:
    (y,) = quantc.backend.run_model(add_model(TensorProto.FLOAT), [np.zeros(3, np.float32)])
    np.testing.assert_array_equal(y, np.ones(3, np.float32))


def test_inputs_that_decide_shapes_become_constants(recording_tool: Calls) -> None:
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    prepared = quantc.backend.prepare(
        helper.make_model(
            helper.make_graph(
                [helper.make_node("Neg", ["n"], ["shape"]), node],
                "g",
                [
                    helper.make_tensor_value_info("n", TensorProto.INT64, [1]),
                    helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3]),
                ],
                [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])],
            )
        )
    )
    models = []
    for value in (1, 2):
        prepared.run([np.array([value]), np.zeros((2, 3), np.float32)])
        call = recording_tool()[-1]
        assert call.count("--input") == 1
        models.append(onnx.load(call[1]).graph)
    assert [[value.name for value in graph.input] for graph in models] == [["x"], ["x"]]
    assert [numpy_helper.to_array(graph.initializer[0]).tolist() for graph in models] == [[1], [2]]


def test_wrong_number_of_inputs(recording_tool: Calls) -> None:
    with pytest.raises(TypeError, match=r"1 inputs \(x\), got 2"):
        quantc.backend.prepare(add_model(TensorProto.FLOAT)).run([np.zeros(3), np.zeros(3)])
    assert recording_tool() == []


def test_devices() -> None:
    assert quantc.backend.supports_device("CPU")
    assert not quantc.backend.supports_device("CUDA")


def test_zero_dimensions_stay_zero(recording_tool: Calls) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    (y,) = quantc.backend.run_node(node, [np.float32(2)])
    assert y.shape == ()
