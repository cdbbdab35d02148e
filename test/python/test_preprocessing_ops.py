"""If these fail, an op of ONNX's machine learning domain means something else here, or a class comes out wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import quantc
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from quantc.errors import QuantcError
from quantc.quantized import run_interpreter

ML = "ai.onnx.ml"
ROWS = np.array([[0.5, -2.0, 3.0], [0.0, 0.0, 0.0], [4.0, 1.0, -1.0], [-0.25, 8.0, 2.0]], np.float32)
MISSING = np.array([[np.nan, -2.0, 3.0], [0.0, np.nan, 0.0]], np.float32)
NAN = float("nan")


def ml_model(path: Path, op: str, outputs: list[str], features: int = 3, **attributes: Any) -> Path:
    """Write a model of one op."""
    kinds = {"label": TensorProto.INT64}
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node(op, ["x"], outputs, name="node", domain=ML, **attributes)],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", features])],
            [helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), None) for name in outputs],
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(ML, 1)],
        ir_version=8,
    )
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("op", "rows", "attributes"),
    [
        ("Scaler", ROWS, {"offset": [1.0, -2.0, 0.5], "scale": [0.5, 2.0, 1.0]}),
        ("Scaler", ROWS, {"offset": [1.0], "scale": [0.25]}),
        ("Normalizer", ROWS[ROWS.any(axis=1)], {"norm": "L1"}),
        ("Normalizer", ROWS[ROWS.any(axis=1)], {"norm": "L2"}),
        ("Normalizer", ROWS[ROWS.any(axis=1)], {"norm": "MAX"}),
        ("Normalizer", -ROWS[ROWS.any(axis=1)], {"norm": "MAX"}),
        ("Binarizer", ROWS, {"threshold": 0.5}),
        ("Imputer", MISSING, {"imputed_value_floats": [7.0, 8.0, 9.0], "replaced_value_float": NAN}),
        ("Imputer", ROWS, {"imputed_value_floats": [7.0], "replaced_value_float": 0.0}),
        ("LinearRegressor", ROWS, {"coefficients": [1.0, 2.0, -1.0], "intercepts": [0.5]}),
        (
            "LinearRegressor",
            ROWS,
            {"coefficients": [1.0, 2.0, -1.0, 0.0, 1.0, 3.0], "intercepts": [0.5, -1.0], "targets": 2},
        ),
    ],
)
def test_as_onnx_defines_it(tmp_path: Path, op: str, rows: NDArray[np.float32], attributes: dict[str, Any]) -> None:
    model = ml_model(tmp_path / "m.onnx", op, ["y"], **attributes)
    expected = ReferenceEvaluator(onnx.load(model)).run(None, {"x": rows})[0]
    result = run_interpreter(model, [rows], ["x"], 1)
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)


def test_row_without_length_stays(tmp_path: Path) -> None:
    for norm in ("L1", "L2", "MAX"):
        model = ml_model(tmp_path / "m.onnx", "Normalizer", ["y"], norm=norm)
        np.testing.assert_array_equal(run_interpreter(model, [ROWS[1:2]], ["x"], 1), ROWS[1:2])


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX"])
def test_linear_classifier(tmp_path: Path, transform: str) -> None:
    attributes: dict[str, Any] = {
        "coefficients": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        "intercepts": [0.0, 0.25, 0.5],
        "classlabels_ints": [7, -3, 1],
        "post_transform": transform,
    }
    model = ml_model(tmp_path / "m.onnx", "LinearClassifier", ["label", "scores"], **attributes)
    labels, scores = run_interpreter(model, [ROWS], ["x"], 2)
    sums = ROWS + np.array([0.0, 0.25, 0.5], np.float32)
    assert labels.tolist() == np.array([7, -3, 1])[sums.argmax(1)].tolist()
    expected = {
        "NONE": sums,
        "LOGISTIC": 1 / (1 + np.exp(-sums)),
        "SOFTMAX": np.exp(sums) / np.exp(sums).sum(1, keepdims=True),
    }
    np.testing.assert_allclose(scores, expected[transform], rtol=1e-6)


@pytest.mark.parametrize(
    ("op", "attributes", "said"),
    [
        ("Scaler", {"offset": [1.0, 2.0]}, "'offset' has 2 numbers for 3 features"),
        ("Scaler", {"scale": [1.0, NAN, 2.0]}, "'scale' holds NaN or infinity"),
        ("Normalizer", {"norm": "L3"}, "norm 'L3' is none of"),
        ("Imputer", {"imputed_value_floats": [1.0, 2.0]}, "has 2 numbers for 3 features"),
        ("Imputer", {"imputed_value_int64s": [1]}, "imputes integers, but its input holds others than int64"),
        ("FeatureVectorizer", {"inputdimensions": [2]}, "has 3 features, but attribute 'inputdimensions' says 2"),
        ("FeatureVectorizer", {"inputdimensions": [3, 3]}, "has 2 numbers for 1 inputs"),
        ("LinearRegressor", {"coefficients": [1.0]}, "'coefficients' has 1 numbers for 1 outputs of 3 features"),
        ("LinearRegressor", {"coefficients": [1.0] * 3, "targets": 0}, "'targets' is 0"),
        (
            "LinearRegressor",
            {"coefficients": [1.0] * 3, "intercepts": [1.0], "post_transform": "PROBIT"},
            "post_transform 'PROBIT' is not supported",
        ),
        ("LinearRegressor", {"coefficients": [1.0] * 3, "intercepts": [1.0, 2.0]}, "'intercepts' has 2 numbers"),
    ],
)
def test_wrong_attributes(tmp_path: Path, op: str, attributes: dict[str, Any], said: str) -> None:
    model = ml_model(tmp_path / "m.onnx", op, ["y"], **attributes)
    with pytest.raises(QuantcError, match=r"node 'node'") as caught:
        run_interpreter(model, [ROWS], ["x"], 1)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"intercepts": [0.0] * 3, "classlabels_ints": [1, 2]}, "3 scores for 2 labels"),
        ({"intercepts": [0.0] * 3, "classlabels_strings": ["a", "b"]}, "3 scores for 2 labels"),
        ({"intercepts": [0.0] * 3}, "has no labels"),
        ({"classlabels_ints": [1, 2, 3]}, "no attribute 'intercepts'"),
    ],
)
def test_wrong_classifier(tmp_path: Path, attributes: dict[str, Any], said: str) -> None:
    model = ml_model(tmp_path / "m.onnx", "LinearClassifier", ["label", "s"], coefficients=[1.0] * 9, **attributes)
    with pytest.raises(QuantcError, match=r"node 'node'") as caught:
        run_interpreter(model, [ROWS], ["x"], 2)
    assert said in str(caught.value)


def pipeline_model(path: Path) -> Path:
    """Scaling, selection, two layers, and a class by its label: what an exporter makes of a pipeline."""
    generator = np.random.default_rng(5)
    constants = {
        "columns": np.array([4, 0, 2], np.int64),
        "w0": generator.normal(size=(3, 16)).astype(np.float32),
        "b0": generator.normal(size=16).astype(np.float32),
        "w1": generator.normal(size=(16, 3)).astype(np.float32),
        "classes": np.array([10, 20, 30], np.int32),
        "flat": np.array([-1], np.int64),
    }
    nodes = [
        helper.make_node("Scaler", ["x"], ["s"], domain=ML, offset=[5.0, 0, 0, 0, -2.0], scale=[0.01, 1, 2, 3, 0.5]),
        helper.make_node("ArrayFeatureExtractor", ["s", "columns"], ["f"], domain=ML),
        helper.make_node("Gemm", ["f", "w0", "b0"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "w1"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["best"], axis=1),
        helper.make_node("ArrayFeatureExtractor", ["classes", "best"], ["named"], domain=ML),
        helper.make_node("Reshape", ["named", "flat"], ["row"]),
        helper.make_node("Cast", ["row"], ["label"], to=TensorProto.INT64),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 5])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 1)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    return path


def pipeline_rows(count: int) -> NDArray[np.float32]:
    """Rows whose features have very different ranges."""
    generator = np.random.default_rng(6)
    return (generator.normal(size=(count, 5)) * [100, 1e6, 0.5, 1e6, 2] + [5, 0, 0, 0, -2]).astype(np.float32)


def test_raw_row_to_label(tmp_path: Path) -> None:
    rows = pipeline_rows(300)
    model = pipeline_model(tmp_path / "m.onnx")
    q = quantc.quantize(model, rows)
    label, scores = q.predict(rows)
    assert label.dtype == np.int64
    assert [tensor.dtype for tensor in q.outputs] == ["int64", "float32"]
    assert "int64" in repr(q)
    same_label, same_scores = quantc.reference(q, rows)
    np.testing.assert_array_equal(label, same_label)
    np.testing.assert_array_equal(scores.view(np.uint32), same_scores.view(np.uint32))
    assert label.tolist() == np.array([10, 20, 30])[scores.argmax(1)].tolist()
    exact_label, exact_scores = ReferenceEvaluator(onnx.load(model)).run(None, {"x": rows})
    noise = np.square(scores - exact_scores).sum() / np.square(exact_scores).sum()
    assert noise < 1e-3
    assert np.mean(label == exact_label) > 0.97


def test_label_in_c(tmp_path: Path) -> None:
    rows = pipeline_rows(40)
    q = quantc.quantize(pipeline_model(tmp_path / "m.onnx"), rows)
    q.save(tmp_path / "out", name="labels")
    rows.tofile(tmp_path / "rows")
    (tmp_path / "main.c").write_text("""
#include "labels.h"
#include <stdio.h>
static float x[40 * labels_INPUTS], scores[40 * labels_OUTPUTS_1];
static int64_t label[40 * labels_OUTPUTS];
static _Alignas(64) char workspace[1 << 20];
int main(int argc, char **argv) {
  FILE *file = fopen(argv[1], "rb");
  if (argc != 2 || !file || fread(x, sizeof x, 1, file) != 1 || labels_workspace_size(40) > sizeof workspace) return 1;
  labels_run(x, label, scores, 40, workspace);
  for (int i = 0; i < 40; ++i) printf("%lld\\n", (long long)label[i]);
  return 0;
}
""")
    program = tmp_path / "main"
    command: list[str | Path] = [
        "gcc",
        "-Werror",
        "-I",
        tmp_path / "out",
        tmp_path / "main.c",
        tmp_path / "out" / "labels.o",
        "-o",
        program,
    ]
    subprocess.run(command, check=True)
    output = subprocess.run([program, tmp_path / "rows"], check=True, capture_output=True, text=True).stdout
    assert [int(line) for line in output.split()] == q.predict(rows)[0].tolist()


def test_extremes_with_ties(tmp_path: Path) -> None:
    weights = np.array([[1.0, 1.0, -1.0, -1.0], [2.0, 2.0, -2.0, -2.0]], np.float32)
    names = ["first", "last", "least"]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["s"]),
        helper.make_node("ArgMax", ["s"], ["first"], axis=1, keepdims=0),
        helper.make_node("ArgMax", ["s"], ["last"], axis=-1, keepdims=1, select_last_index=1),
        helper.make_node("ArgMin", ["s"], ["least"], axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info(name, TensorProto.INT64, None) for name in names],
        [numpy_helper.from_array(weights, "w")],
    )
    model = tmp_path / "m.onnx"
    opset = [helper.make_opsetid("", 17)]
    model.write_bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())
    rows = np.array([[1.0, 1.0], [-1.0, -1.0], [0.0, 0.0]], np.float32)
    first, last, least = quantc.quantize(model, rows).predict(rows)
    assert first.tolist() == [0, 2, 0]
    assert last.tolist() == [[1], [3], [3]]
    assert least.tolist() == [2, 0, 0]


def scaled_network(model: Path, scaled: Sequence[onnx.NodeProto], constants: dict[str, NDArray[np.float32]]) -> Path:
    """Write "x" of 12 features to "s" by the nodes, and then 12-16-3."""
    generator = np.random.default_rng(7)
    features = 12
    constants = constants | {
        "w0": generator.normal(size=(features, 16)).astype(np.float32),
        "w1": generator.normal(size=(16, 3)).astype(np.float32),
    }
    nodes = [
        *scaled,
        helper.make_node("MatMul", ["s", "w0"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MatMul", ["b", "w1"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", features])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 1)]
    model.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    return model


@pytest.mark.parametrize("how", ["Div", "Scaler"])
def test_scaling_of_one_range_costs_nothing(tmp_path: Path, how: str) -> None:
    """Pixels over 255: the step goes into the first layer, and no float op is left."""
    scaled = {
        "Div": helper.make_node("Div", ["x", "most"], ["s"]),
        "Scaler": helper.make_node("Scaler", ["x"], ["s"], domain=ML, offset=[127.5], scale=[1 / 127.5]),
    }[how]
    model = scaled_network(tmp_path / "m.onnx", [scaled], {"most": np.array([255.0], np.float32)})
    rows = np.random.default_rng(8).integers(0, 256, (300, 12)).astype(np.float32)
    q = quantc.quantize(model, rows, require_int=True)
    assert q.manifest["ledger"] == []
    assert [layer["op"] for layer in q.manifest["layers"]] == ["quantize", "qdense", "qdense"]


def test_features_of_unlike_ranges_keep_their_resolution(tmp_path: Path) -> None:
    """One from -27,000 to 15,000 beside others of about 1: an offset and a factor for each, in the quantization."""
    generator = np.random.default_rng(9)
    spread = np.full(12, 0.5, np.float32)
    spread[3] = 7000.0
    mean = np.linspace(-2, 2, 12).astype(np.float32)
    mean[3] = -6000.0
    nodes = [helper.make_node("Sub", ["x", "mean"], ["c"]), helper.make_node("Div", ["c", "spread"], ["s"])]
    model = scaled_network(tmp_path / "m.onnx", nodes, {"mean": mean, "spread": spread})
    rows = (generator.normal(size=(600, 12)) * spread + mean).astype(np.float32)
    q = quantc.quantize(model, rows[:300], require_int=True)
    assert {line["reason"] for line in q.manifest["ledger"]} == {
        "part of the input's quantization: an offset or a factor for each feature"
    }
    exact = onnxruntime.InferenceSession(model).run(None, {"x": rows})[0]
    got = q.predict(rows)
    np.testing.assert_array_equal(got, quantc.reference(q, rows))
    assert 10 * np.log10(np.square(exact).sum() / np.square(got - exact).sum()) > 40


POWERS = [[3.0], [-2.0], [2.0, 0.5, 1.5], [0.0, 1.0, 3.0], [-1.0, -3.0, 4.0], [70.0, 70.0, 70.0]]


@pytest.mark.parametrize("exponents", POWERS, ids=str)
def test_powers(tmp_path: Path, exponents: list[float]) -> None:
    """By one exponent or one for each feature, of negative numbers and 0 too."""
    nodes = [helper.make_node("Pow", ["x", "e"], ["p"], name="power"), helper.make_node("MatMul", ["p", "w"], ["y"])]
    constants = {"e": np.array(exponents, np.float32), "w": np.eye(3, dtype=np.float32)}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in ("y", "p")],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = tmp_path / "m.onnx"
    opsets = [helper.make_opsetid("", 17)]
    model.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    x = np.array([[-1.5, 0.5, -2.0], [2.0, 1.0, 0.25], [-0.5, 3.0, 1.5]], np.float32)
    if min(exponents) >= 0:
        x = np.concatenate([x, np.zeros((1, 3), np.float32)])
    with np.errstate(invalid="ignore"):
        exact = np.power(x.astype(np.float64), np.asarray(exponents))
    known = np.concatenate([x, np.random.default_rng(11).random((100, 3)).astype(np.float32) + np.float32(0.5)])
    q = quantc.quantize(model, known)
    got = q.predict(x)[1]
    np.testing.assert_array_equal(got, quantc.reference(q, x)[1])
    if len(set(exponents)) > 1 or exponents[0] > 64:  # computed in float, before the quantization
        np.testing.assert_allclose(got, exact, rtol=1e-4, atol=1e-37)  # exp of less is 0
    else:
        assert np.square(got - exact).sum() < 1e-3 * np.square(exact).sum()
