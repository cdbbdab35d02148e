"""If these fail, a category or a label comes out as another one, or its name is lost on the way to the user."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import quantc
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from quantc.errors import QuantcError
from quantc.manifest import read_manifest
from quantc.quantized import run_interpreter

ML = "ai.onnx.ml"
NAN = float("nan")
KINDS = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "str": TensorProto.STRING}


def one_op(path: Path, op: str, kinds: tuple[str, str], shape: list[Any], opset: int = 4, **attributes: Any) -> Path:
    """Write a model of one op of the machine learning domain."""
    graph = helper.make_graph(
        [helper.make_node(op, ["x"], ["y"], name="node", domain=ML, **attributes)],
        "g",
        [helper.make_tensor_value_info("x", KINDS[kinds[0]], shape)],
        [helper.make_tensor_value_info("y", KINDS[kinds[1]], None)],
    )
    return write(path, graph, opset)


def write(path: Path, graph: onnx.GraphProto, opset: int = 4) -> Path:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, opset)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    return path


def tensor(values: list[Any], dtype: str) -> onnx.TensorProto:
    if dtype == "str":
        return helper.make_tensor("t", TensorProto.STRING, [len(values)], [value.encode() for value in values])
    return numpy_helper.from_array(np.array(values, dtype))


INTEGERS = np.array([[3], [1], [7], [-2], [0]], np.int64)
FLOATS = np.array([[3.0, 1.0], [0.5, NAN], [-2.0, 0.0]], np.float32)


@pytest.mark.parametrize(
    ("op", "rows", "gives", "attributes"),
    [
        ("OneHotEncoder", INTEGERS, "float32", {"cats_int64s": [1, 3, -2]}),
        ("OneHotEncoder", INTEGERS[:, 0], "float32", {"cats_int64s": [1, 3, -2]}),
        ("OneHotEncoder", np.array([[3.0, 1.0], [-2.0, 0.0]], np.float32), "float32", {"cats_int64s": [0, 1, -2]}),
        ("LabelEncoder", INTEGERS, "int64", {"keys_int64s": [1, 3], "values_int64s": [10, 30]}),
        (
            "LabelEncoder",
            INTEGERS,
            "float32",
            {"keys_int64s": [1, 3], "values_floats": [0.5, -1.5], "default_float": 9.0},
        ),
        (
            "LabelEncoder",
            FLOATS,
            "int64",
            {"keys_floats": [0.5, 3.0], "values_int64s": [5, 2**40], "default_int64": 7},
        ),
        (
            "LabelEncoder",
            INTEGERS,
            "float32",
            {
                "keys_tensor": tensor([7, 0], "int64"),
                "values_tensor": tensor([0.25, 1e30], "float32"),
                "default_tensor": tensor([-3.0], "float32"),
            },
        ),
    ],
)
def test_as_onnx_defines_it(
    tmp_path: Path, op: str, rows: NDArray[Any], gives: str, attributes: dict[str, Any]
) -> None:
    shape = ["n", *rows.shape[1:]]
    model = one_op(tmp_path / "m.onnx", op, (str(rows.dtype), gives), shape, **attributes)
    expected = ReferenceEvaluator(onnx.load(model)).run(None, {"x": rows})[0]
    result = run_interpreter(model, [rows], ["x"], 1)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


def test_float_is_cut_to_a_category_and_nan_is_none(tmp_path: Path) -> None:
    model = one_op(tmp_path / "m.onnx", "OneHotEncoder", ("float32", "float32"), ["n", 1], cats_int64s=[0, 1, -1])
    rows = np.array([[0.9], [1.9], [-1.9], [-0.9], [NAN], [np.inf], [2.0]], np.float32)
    result = run_interpreter(model, [rows], ["x"], 1)[:, 0]
    one = np.eye(3, dtype=np.float32)
    np.testing.assert_array_equal(result, [one[0], one[1], one[2], one[0], *np.zeros((3, 3))])


def test_nan_is_a_key(tmp_path: Path) -> None:
    """scikit-learn's OrdinalEncoder has a code for missing values, and ONNX Runtime finds it."""
    attributes: dict[str, Any] = {
        "keys_floats": [NAN, 0.0, 1.0],
        "values_floats": [4.0, 5.0, 6.0],
        "default_float": -1.0,
    }
    model = one_op(tmp_path / "m.onnx", "LabelEncoder", ("float32", "float32"), ["n", 2], **attributes)
    result = run_interpreter(model, [FLOATS], ["x"], 1)
    np.testing.assert_array_equal(result, [[-1.0, 6.0], [-1.0, 4.0], [-1.0, 5.0]])


def test_integers_are_imputed(tmp_path: Path) -> None:
    model = one_op(
        tmp_path / "m.onnx",
        "Imputer",
        ("int64", "int64"),
        ["n", 2],
        imputed_value_int64s=[2**40, -5],
        replaced_value_int64=-1,
    )
    rows = np.array([[-1, -1], [3, 4]], np.int64)
    np.testing.assert_array_equal(run_interpreter(model, [rows], ["x"], 1), [[2**40, -5], [3, 4]])


def test_a_map_is_its_scores(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("ZipMap", ["x"], ["y"], domain=ML, classlabels_int64s=[4, -2])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [
            helper.make_value_info(
                "y",
                helper.make_sequence_type_proto(
                    helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
                ),
            )
        ],
    )
    rows = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    np.testing.assert_array_equal(run_interpreter(write(tmp_path / "m.onnx", graph), [rows], ["x"], 1), rows)


@pytest.mark.parametrize(
    ("op", "kinds", "attributes", "said"),
    [
        ("OneHotEncoder", ("int64", "float32"), {}, "must have one of the attributes"),
        ("OneHotEncoder", ("int64", "float32"), {"cats_strings": ["a"]}, "its categories are text, but its input is"),
        ("OneHotEncoder", ("str", "float32"), {"cats_int64s": [1]}, "input 'x' is text"),
        ("LabelEncoder", ("int64", "int64"), {"keys_int64s": [1]}, "has 0 lists of values"),
        (
            "LabelEncoder",
            ("int64", "int64"),
            {"keys_int64s": [1], "keys_floats": [1.0], "values_int64s": [1]},
            "has 2 lists of keys",
        ),
        ("LabelEncoder", ("int64", "int64"), {"keys_int64s": [1, 2], "values_int64s": [1]}, "2 keys for 1 values"),
        ("LabelEncoder", ("int64", "int64"), {"keys_floats": [1.0], "values_int64s": [1]}, "another element type than"),
        (
            "LabelEncoder",
            ("int64", "int64"),
            {"keys_int64s": [1], "values_int64s": [1], "default_tensor": tensor([1.0], "float32")},
            "'default_tensor' must hold one element of the values' type",
        ),
        ("CategoryMapper", ("int64", "str"), {"cats_int64s": [1, 2], "cats_strings": ["a"]}, "2 keys for 1 values"),
        ("ZipMap", ("float32", "float32"), {"classlabels_int64s": [1, 2, 3]}, "has 3 labels, but its input is of 1"),
        ("Normalizer", ("str", "float32"), {}, "input 'x' is text"),
    ],
)
def test_wrong_attributes(
    tmp_path: Path, op: str, kinds: tuple[str, str], attributes: dict[str, Any], said: str
) -> None:
    model = one_op(tmp_path / "m.onnx", op, kinds, ["n", 1], **attributes)
    with pytest.raises(QuantcError, match=r"node 'node'") as caught:
        run_interpreter(model, [np.zeros((2, 1), np.float32)], ["x"], 1)
    assert said in str(caught.value)


# What an exporter makes of a table with columns of text and a network whose labels are text.

COLORS = ["blue", "green", 'r"ed\\?']
SIZES = ["S", "M", "L", "größer"]
LABELS = ["nein", "vielleicht", "j\u00e4"]


def table_model(path: Path) -> Path:
    generator = np.random.default_rng(3)
    constants = {
        "first": np.array([0], np.int64),
        "second": np.array([1], np.int64),
        "flat3": np.array([-1, 3], np.int64),
        "flat1": np.array([-1, 1], np.int64),
        "row": np.array([-1], np.int64),
        "w0": generator.normal(size=(6, 16)).astype(np.float32),
        "w1": generator.normal(size=(16, 3)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["c", "first"], ["c0"], axis=1),
        helper.make_node("Gather", ["c", "second"], ["c1"], axis=1),
        helper.make_node("OneHotEncoder", ["c0"], ["h"], domain=ML, cats_strings=COLORS),
        helper.make_node("Reshape", ["h", "flat3"], ["h0"]),
        helper.make_node(
            "LabelEncoder",
            ["c1"],
            ["s"],
            domain=ML,
            keys_strings=SIZES,
            values_floats=[0.0, 1.0, 2.0, 3.0],
            default_float=-1.0,
        ),
        helper.make_node("Reshape", ["s", "flat1"], ["s0"]),
        helper.make_node("Concat", ["n", "h0", "s0"], ["all"], axis=1),
        helper.make_node("MatMul", ["all", "w0"], ["a"]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("MatMul", ["r", "w1"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["p"], axis=1),
        helper.make_node("ArgMax", ["p"], ["best"], axis=1),
        helper.make_node("ArrayFeatureExtractor", ["classes", "best"], ["named"], domain=ML),
        helper.make_node("Reshape", ["named", "row"], ["label"]),
        helper.make_node("ZipMap", ["p"], ["map"], domain=ML, classlabels_strings=LABELS),
    ]
    one = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info("n", TensorProto.FLOAT, ["rows", 2]),
            helper.make_tensor_value_info("c", TensorProto.STRING, ["rows", 2]),
        ],
        [
            helper.make_tensor_value_info("label", TensorProto.STRING, ["rows"]),
            helper.make_value_info(
                "map", helper.make_sequence_type_proto(helper.make_map_type_proto(TensorProto.STRING, one))
            ),
        ],
        [
            *(numpy_helper.from_array(value, name) for name, value in constants.items()),
            helper.make_tensor("classes", TensorProto.STRING, [3], [label.encode() for label in LABELS]),
        ],
    )
    return write(path, graph, opset=2)


def exact_table(path: Path, numbers: NDArray[Any], words: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Labels and scores of the float network; ONNX's evaluator knows no ZipMap."""
    model = onnx.load(path)
    del model.graph.node[-1]
    model.graph.output[1].CopyFrom(helper.make_tensor_value_info("p", TensorProto.FLOAT, ["rows", 3]))
    label, scores = ReferenceEvaluator(model).run(None, {"n": numbers, "c": words.astype(object)})
    return label, scores


def table_rows(count: int) -> tuple[NDArray[np.float32], NDArray[np.str_], NDArray[np.float32]]:
    """Numbers, words (an unknown one among them) and the words' codes."""
    generator = np.random.default_rng(4)
    numbers = generator.normal(size=(count, 2)).astype(np.float32)
    codes = np.stack([generator.integers(-1, len(words), count) for words in (COLORS, SIZES)], axis=1)
    words = np.stack(
        [np.array([*names, "other"])[codes[:, i]] for i, names in enumerate((COLORS, SIZES))],
        axis=1,
    )
    return numbers, words, codes.astype(np.float32)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[quantc.Quantized, Path]:
    model = table_model(tmp_path_factory.mktemp("table") / "m.onnx")
    numbers, _, codes = table_rows(300)
    return quantc.quantize(model, {"n": numbers, "c": codes}), model


def test_table_of_words_to_names_of_classes(table: tuple[quantc.Quantized, Path]) -> None:
    q, model = table
    numbers, words, codes = table_rows(500)
    assert q.inputs[1].categories == (tuple(COLORS), tuple(SIZES))
    assert q.outputs[0].classes == tuple(LABELS)
    assert q.outputs[1].columns == tuple(LABELS)
    assert "classes nein, vielleicht" in repr(q)
    label, scores = q.predict(numbers, codes)
    assert label.dtype.kind == "U"
    same_label, same_scores = quantc.reference(q, numbers, codes)
    np.testing.assert_array_equal(label, same_label)
    np.testing.assert_array_equal(scores.view(np.uint32), same_scores.view(np.uint32))
    exact_label, exact_scores = exact_table(model, numbers, words)
    assert np.mean(label == exact_label) > 0.98
    assert np.square(scores - exact_scores).sum() / np.square(exact_scores).sum() < 1e-3


def test_float_network_gives_indices(table: tuple[quantc.Quantized, Path]) -> None:
    numbers, words, codes = table_rows(20)
    codes[0] = NAN  # unknown, as any number that is no category's
    words[0] = "other"
    label, _ = run_interpreter(table[1], [numbers, codes], ["n", "c"], 2)
    assert np.array(LABELS)[label].tolist() == list(exact_table(table[1], numbers, words)[0])


def test_names_in_c_and_cpp(table: tuple[quantc.Quantized, Path], tmp_path: Path) -> None:
    table[0].save(tmp_path / "out", name="named")
    (tmp_path / "main.c").write_text("""
#include "named.h"
#include <stdio.h>
static const char *const classes[] = named_OUTPUT_CLASSES;
static const char *const columns[] = named_OUTPUT_COLUMNS_1;
static const char *const colors[] = named_INPUT_CATEGORIES_1_COLUMN_0;
static const char *const sizes[] = named_INPUT_CATEGORIES_1_COLUMN_1;
int main() {
  for (int i = 0; i < named_OUTPUT_CLASSES_COUNT; ++i) puts(classes[i]);
  for (int i = 0; i < named_OUTPUT_COLUMNS_1_COUNT; ++i) puts(columns[i]);
  for (int i = 0; i < named_INPUT_CATEGORIES_1_COLUMN_0_COUNT; ++i) puts(colors[i]);
  for (int i = 0; i < named_INPUT_CATEGORIES_1_COLUMN_1_COUNT; ++i) puts(sizes[i]);
  return 0;
}
""")
    for language in ("c", "c++"):
        program = tmp_path / f"main-{len(language)}"
        command = ["gcc", "-x", language, "-Wall", "-Wextra", "-Werror", "-trigraphs", "-I", str(tmp_path / "out")]
        subprocess.run([*command, str(tmp_path / "main.c"), "-o", str(program)], check=True)
        printed = subprocess.run([program], check=True, capture_output=True).stdout.decode().splitlines()
        assert printed == [*LABELS, *LABELS, *COLORS, *SIZES]


def test_names_that_are_no_strings_are_refused(table: tuple[quantc.Quantized, Path], tmp_path: Path) -> None:
    data = dict(table[0].manifest)
    for key, value in (("classes", [1]), ("columns", "a"), ("categories", [["a"], [2]]), ("categories", 3)):
        where = "inputs" if key == "categories" else "outputs"
        broken = data | {where: [{**record, key: value} for record in data[where]]}
        (tmp_path / "m.json").write_text(json.dumps(broken))
        with pytest.raises(QuantcError, match=rf"'{where}\[0\]\.{key}' is no list"):
            read_manifest(tmp_path / "m.json")


def test_label_encoder_of_a_class_is_its_index(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ArgMax", ["x"], ["best"], axis=1, keepdims=0),
        helper.make_node(
            "LabelEncoder", ["best"], ["y"], domain=ML, keys_int64s=[0, 1, 2], values_strings=["a", "b", "c"]
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.STRING, ["n"])],
    )
    rows = np.eye(3, dtype=np.float32)[[2, 0, 1]]
    model = write(tmp_path / "m.onnx", graph)
    assert run_interpreter(model, [rows], ["x"], 1).tolist() == [2, 0, 1]
    model = one_op(
        tmp_path / "m.onnx", "LabelEncoder", ("int64", "str"), ["n"], keys_int64s=[5, 7], values_strings=["a", "b"]
    )
    assert run_interpreter(model, [np.array([7, 5, 6])], ["x"], 1).tolist() == [1, 0, 2]  # 2: the default


def test_integers_in_a_compiled_network(tmp_path: Path) -> None:
    """Casts out of range, comparisons and choices of integers are the same on every machine."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["s"]),
        helper.make_node("Cast", ["s"], ["narrow"], to=TensorProto.INT32),
        helper.make_node("Cast", ["s"], ["wide"], to=TensorProto.INT64),
        helper.make_node("ArgMax", ["s"], ["best"], axis=1, keepdims=1),
        helper.make_node("Less", ["best", "two"], ["isLow"]),
        helper.make_node("Where", ["isLow", "wide", "best"], ["chosen"]),
        helper.make_node("OneHotEncoder", ["best"], ["hot"], domain=ML, cats_int64s=[2, 0]),
    ]
    weights = np.diag([1.0, 1e4, 1e9, 1e17]).astype(np.float32)
    names = {"narrow": TensorProto.INT32, "chosen": TensorProto.INT64, "hot": TensorProto.FLOAT}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in names.items()],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.array([2], np.int64), "two")],
    )
    rows = np.random.default_rng(1).normal(size=(200, 4)).astype(np.float32) * 50
    rows[:3] = [[1, 0, 0, 0], [-1, -2, -3, -4], [0, 0, 0, 0]]
    q = quantc.quantize(write(tmp_path / "m.onnx", graph), rows)
    rows[3] = NAN
    results = q.predict(rows)
    for result, same in zip(results, quantc.reference(q, rows), strict=True):
        np.testing.assert_array_equal(result, same)
    assert results[0].max() == 2**31 - 1
    assert results[0].min() == -(2**31)
    assert results[1].min() == -(2**63)
    assert set(results[2].sum(axis=(1, 2))) == {0.0, 1.0}
