"""If these fail, a model whose inputs or numbers are no float32 does not compile, or computes something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import quantc
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import fit, sqnr_db

TYPES = [TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT32, TensorProto.UINT8, TensorProto.BOOL]


@pytest.mark.parametrize("kind", TYPES, ids=TensorProto.DataType.Name)
def test_inputs(tmp_path: Path, kind: int) -> None:
    """The comparison sees the model's own type, the layer real numbers."""
    random = np.random.default_rng(0)
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["f", "w"], ["y"], name="fc"),
        helper.make_node("Equal", ["x", "one"], ["equal"]),
        helper.make_node("Cast", ["equal"], ["is_one"], to=TensorProto.INT32),
    ]
    constants = {"w": random.normal(size=(4, 3)).astype(np.float32), "one": np.array(1, dtype)}
    graph = helper.make_graph(
        nodes,
        "types",
        [helper.make_tensor_value_info("x", kind, ["N", 4])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3]),
            helper.make_tensor_value_info("is_one", TensorProto.INT32, ["N", 4]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), model)
    x = random.integers(0, 2 if kind == TensorProto.BOOL else 5, (100, 4)).astype(dtype)
    q = quantc.quantize(model, x)
    assert q.inputs[0].dtype == "float32"
    y, is_one = q.predict(x)
    np.testing.assert_array_equal(is_one, x == 1)
    assert sqnr_db(x.astype(np.float32) @ constants["w"], y) > 35


def test_a_pipeline_of_integer_columns(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    x = random.integers(0, 1000, (600, 5))
    labels = (x @ random.normal(size=5) > 0).astype(np.int64)
    estimator = fit(make_pipeline(StandardScaler(), LogisticRegression()), x, labels)
    types = [("x", Int64TensorType([None, 5]))]
    model = convert_sklearn(estimator, initial_types=types, options={"zipmap": False}, target_opset=17)
    q = quantc.quantize(model, x[:300])
    session = onnxruntime.InferenceSession(model.SerializeToString())
    assert np.mean(q.predict(x)[0] == session.run(None, {"x": x})[0]) >= 0.995


def test_a_network_in_doubles(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    x = random.normal(size=(600, 6))
    estimator = fit(MLPRegressor(hidden_layer_sizes=(16,), max_iter=300, random_state=0), x, np.sin(x[:, 0]) + x[:, 1])
    model = convert_sklearn(estimator, initial_types=[("x", DoubleTensorType([None, 6]))], target_opset=17)
    assert any(tensor.data_type == TensorProto.DOUBLE for tensor in model.graph.initializer)
    q = quantc.quantize(model, x[:300])
    assert sqnr_db(estimator.predict(x)[:, None], q.predict(x)) > 35


CASTS = [TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16, TensorProto.INT32]
CASTS += [TensorProto.UINT32, TensorProto.INT64, TensorProto.UINT64, TensorProto.BOOL]


@pytest.mark.parametrize("kind", CASTS, ids=TensorProto.DataType.Name)
def test_casts(tmp_path: Path, kind: int) -> None:
    """To each type and from it, what is out of range too: the interpreter's bits."""
    nodes = [helper.make_node("Cast", ["x"], ["n"], to=kind)]
    nodes += [helper.make_node("Cast", ["n"], [f"as_{to}"], to=to) for to in (TensorProto.FLOAT, TensorProto.INT32)]
    nodes += [
        helper.make_node("Cast", ["n"], ["b"], to=TensorProto.BOOL),
        helper.make_node("Cast", ["b"], ["flag"], to=TensorProto.INT64),
        helper.make_node("MatMul", ["x", "w"], ["y"], name="fc"),
    ]
    outputs = {"as_1": TensorProto.FLOAT, "as_6": TensorProto.INT32, "flag": TensorProto.INT64, "y": TensorProto.FLOAT}
    graph = helper.make_graph(
        nodes,
        "casts",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info(name, dtype, ["N", 4]) for name, dtype in outputs.items()],
        [numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")],
    )
    model = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), model)
    random = np.random.default_rng(3)
    q = quantc.quantize(model, random.normal(size=(50, 4)).astype(np.float32))
    special = [0.0, -0.5, 0.99, -1.5, 127.5, 255.5, 32768.0, 65535.9, 2.0**31, 2.0**32, 2.0**63, 2.0**64, 1e30, -1e30]
    special += [np.nan, np.inf, -np.inf, -129.0, 2.0**24 + 2]
    x = np.concatenate([special, -np.asarray(special), random.normal(size=26) * 1e5]).astype(np.float32).reshape(-1, 4)
    for got, expected in zip(q.predict(x), quantc.reference(q, x), strict=True):
        np.testing.assert_array_equal(got, expected)
    exact = x[np.isfinite(x) & (np.abs(x) < 100) & (x >= 0)]
    cast = exact != 0 if kind == TensorProto.BOOL else np.trunc(exact)
    np.testing.assert_array_equal(q.predict(x)[0][np.isfinite(x) & (np.abs(x) < 100) & (x >= 0)], cast)
