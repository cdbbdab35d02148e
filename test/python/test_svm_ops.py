"""If these fail, a support vector machine gives other labels or values than where it was trained, or loses too much."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import quantc
from numpy.typing import NDArray
from onnx import TensorProto, helper
from quantc.errors import QuantcError
from quantc.quantized import run_interpreter

ML = "ai.onnx.ml"
FEATURES = 6
KERNELS = {
    "LINEAR": [0.0, 0.0, 0.0],
    "RBF": [0.2, 0.0, 0.0],
    "POLY": [0.25, 0.5, 3.0],
    "SIGMOID": [0.1, -0.25, 0.0],
}
Attributes = dict[str, Any]


def machine_model(path: Path, op: str, attributes: Attributes, label: int = TensorProto.INT64) -> Path:
    classifier = op == "SVMClassifier"
    outputs = [("label", label), ("scores", TensorProto.FLOAT)] if classifier else [("y", TensorProto.FLOAT)]
    graph = helper.make_graph(
        [helper.make_node(op, ["x"], [name for name, _ in outputs], name="machine", domain=ML, **attributes)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", FEATURES])],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 1)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    return path


def regressor(kernel: str, count: int = 40) -> Attributes:
    generator = np.random.default_rng(11)
    return {
        "kernel_type": kernel,
        "kernel_params": KERNELS[kernel],
        "support_vectors": generator.normal(size=count * FEATURES).astype(np.float32).tolist(),
        "coefficients": generator.normal(size=count).astype(np.float32).tolist(),
        "rho": [0.75],
        "n_supports": count,
    }


def classifier(kernel: str, classes: int, probabilities: bool = False) -> Attributes:
    """Vectors around a center for each class, so that the classes can be told apart."""
    generator = np.random.default_rng(12)
    per_class = [8 + 3 * c for c in range(classes)]
    centers = generator.normal(size=(classes, FEATURES)) * 1.5
    vectors = np.concatenate([centers[c] + generator.normal(size=(n, FEATURES)) for c, n in enumerate(per_class)])
    coefficients = np.abs(generator.normal(size=(classes - 1, sum(per_class)))) + 0.1
    starts = np.cumsum([0, *per_class])
    for c, j in itertools.product(range(classes), range(classes - 1)):
        if j < c:  # against an earlier class, which is the pair's first
            coefficients[j, starts[c] : starts[c + 1]] *= -1
    pairs = classes * (classes - 1) // 2
    attributes: Attributes = {
        "kernel_type": kernel,
        "kernel_params": KERNELS[kernel],
        "support_vectors": vectors.astype(np.float32).ravel().tolist(),
        "coefficients": coefficients.astype(np.float32).ravel().tolist(),
        "rho": (generator.normal(size=pairs) * 0.05).astype(np.float32).tolist(),
        "vectors_per_class": per_class,
        "classlabels_ints": [10 * c - 5 for c in range(classes)],
    }
    if probabilities:
        attributes |= {"prob_a": [-1.5] * pairs, "prob_b": [0.25] * pairs}
    return attributes


def rows(count: int, seed: int = 13) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).normal(size=(count, FEATURES)) * 1.5).astype(np.float32)


def by_onnxruntime(model: Path, x: NDArray[np.float32]) -> list[NDArray[Any]]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return [np.asarray(result) for result in session.run(None, {"x": x})]


def sqnr(result: NDArray[np.float32], exact: NDArray[np.float32]) -> float:
    noise = np.square(result.astype(np.float64) - exact).sum()
    return float(10 * np.log10(np.square(exact.astype(np.float64)).sum() / max(noise, 1e-30)))


CLASSIFIERS = [(kernel, classes, False) for kernel in KERNELS for classes in (2, 3, 4)]
CLASSIFIERS += [("RBF", classes, True) for classes in (2, 3, 5)]


@pytest.mark.parametrize("kernel", KERNELS)
def test_regressor_as_onnxruntime_has_it(tmp_path: Path, kernel: str) -> None:
    model = machine_model(tmp_path / "m.onnx", "SVMRegressor", regressor(kernel))
    x = rows(50)
    np.testing.assert_allclose(run_interpreter(model, [x], ["x"], 1), by_onnxruntime(model, x)[0], rtol=2e-4, atol=2e-4)


def test_weights_without_vectors(tmp_path: Path) -> None:
    attributes = {"coefficients": [1.0, -2.0, 0.5, 0.0, 3.0, 1.0], "rho": [0.5], "n_supports": 0}
    model = machine_model(tmp_path / "m.onnx", "SVMRegressor", attributes)
    x = rows(9)
    expected = x @ np.array(attributes["coefficients"], np.float32) + np.float32(0.5)
    np.testing.assert_allclose(run_interpreter(model, [x], ["x"], 1)[:, 0], expected, rtol=1e-5, atol=1e-5)


def test_one_class_gives_a_sign(tmp_path: Path) -> None:
    model = machine_model(tmp_path / "m.onnx", "SVMRegressor", regressor("RBF") | {"one_class": 1, "rho": [0.0]})
    x = rows(50)
    result = run_interpreter(model, [x], ["x"], 1)
    assert set(np.unique(result)) == {-1.0, 1.0}
    np.testing.assert_array_equal(result, by_onnxruntime(model, x)[0])


@pytest.mark.parametrize(("kernel", "classes", "probabilities"), CLASSIFIERS)
def test_classifier_as_onnxruntime_has_it(tmp_path: Path, kernel: str, classes: int, probabilities: bool) -> None:
    model = machine_model(tmp_path / "m.onnx", "SVMClassifier", classifier(kernel, classes, probabilities))
    x = rows(60)
    label, scores = run_interpreter(model, [x], ["x"], 2)
    exact_label, exact_scores = by_onnxruntime(model, x)
    np.testing.assert_array_equal(label, exact_label)
    assert len(np.unique(label)) > 1, "rows of one class test little"
    # ONNX Runtime stops looking for probabilities once they are 0.005 / classes from balance.
    tolerance = 5e-3 if probabilities else 2e-4
    np.testing.assert_allclose(scores, exact_scores, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kernel", KERNELS)
def test_quantized_regressor(tmp_path: Path, kernel: str) -> None:
    model = machine_model(tmp_path / "m.onnx", "SVMRegressor", regressor(kernel))
    q = quantc.quantize(model, rows(400), require_int=True)
    x = rows(200, seed=14)
    result = q.predict(x)
    np.testing.assert_array_equal(result.view(np.uint32), quantc.reference(q, x).view(np.uint32))
    assert sqnr(result, by_onnxruntime(model, x)[0]) > 35


@pytest.mark.parametrize(("kernel", "classes", "probabilities"), CLASSIFIERS)
def test_quantized_classifier(tmp_path: Path, kernel: str, classes: int, probabilities: bool) -> None:
    model = machine_model(tmp_path / "m.onnx", "SVMClassifier", classifier(kernel, classes, probabilities))
    q = quantc.quantize(model, rows(400))
    x = rows(1000, seed=14)
    label, scores = q.predict(x)
    same_label, same_scores = quantc.reference(q, x)
    np.testing.assert_array_equal(label, same_label)
    np.testing.assert_array_equal(scores.view(np.uint32), same_scores.view(np.uint32))
    assert np.mean(label == by_onnxruntime(model, x)[0]) >= 0.99


def pairwise_coupling(pairs: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
    """The minimum that Wu, Lin and Weng (2004) define in equation 21, by its conditions of optimality (their 22)."""
    first = np.zeros((len(pairs), classes, classes))
    for position, (i, j) in enumerate(itertools.combinations(range(classes), 2)):
        first[:, i, j], first[:, j, i] = pairs[:, position], 1 - pairs[:, position]
    bordered = np.zeros((len(pairs), classes + 1, classes + 1))
    bordered[:, :classes, :classes] = -first * first.transpose(0, 2, 1)
    bordered[:, range(classes), range(classes)] = np.square(first).sum(axis=1)
    bordered[:, classes, :classes] = bordered[:, :classes, classes] = 1
    wanted = np.zeros((len(pairs), classes + 1, 1))
    wanted[:, classes] = 1
    return np.asarray(np.linalg.solve(bordered, wanted)[:, :classes, 0], np.float64)


@pytest.mark.parametrize(("classes", "slope"), [(3, -1.5), (5, -0.2), (12, -4.0), (64, -1.0)])
def test_probabilities_are_the_minimum(tmp_path: Path, classes: int, slope: float) -> None:
    """Where a machine is so sure that its pairs contradict each other, too."""
    attributes = classifier("RBF", classes) | {
        "prob_a": [slope] * (classes * (classes - 1) // 2),
        "prob_b": [0.25] * (classes * (classes - 1) // 2),
    }
    without = machine_model(tmp_path / "without.onnx", "SVMClassifier", classifier("RBF", classes))
    model = machine_model(tmp_path / "m.onnx", "SVMClassifier", attributes)
    x = rows(40)
    scores = run_interpreter(without, [x], ["x"], 2)[1].astype(np.float64)
    pairs = np.clip(1 / (1 + np.exp(slope * scores + 0.25)), 1e-7, 1 - 1e-7)
    found = run_interpreter(model, [x], ["x"], 2)[1]
    np.testing.assert_allclose(found, pairwise_coupling(pairs, classes), atol=2e-5)
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_probabilities_of_too_many_classes(tmp_path: Path) -> None:
    attributes = classifier("LINEAR", 65) | {"prob_a": [1.0] * 2080, "prob_b": [0.0] * 2080}
    model = machine_model(tmp_path / "m.onnx", "SVMClassifier", attributes)
    with pytest.raises(QuantcError, match=r"probabilities of 65 classes; they are supported for up to 64"):
        run_interpreter(model, [rows(3)], ["x"], 2)


def test_labels_by_name(tmp_path: Path) -> None:
    attributes = classifier("RBF", 3)
    del attributes["classlabels_ints"]
    attributes["classlabels_strings"] = ["ash", "birch", "cedar"]
    model = machine_model(tmp_path / "m.onnx", "SVMClassifier", attributes, TensorProto.STRING)
    x = rows(300)
    label = quantc.quantize(model, x).predict(x)[0]
    assert np.mean(label == by_onnxruntime(model, x)[0]) >= 0.99


def test_distances_far_from_zero(tmp_path: Path) -> None:
    """Rows at 1,000 that differ by 1: squares of lengths leave nothing of their distances in f32."""
    attributes = regressor("RBF")
    moved = np.asarray(attributes["support_vectors"], np.float32) + np.float32(1000)
    model = machine_model(tmp_path / "m.onnx", "SVMRegressor", attributes | {"support_vectors": moved.tolist()})
    x = rows(400) + np.float32(1000)
    assert sqnr(quantc.quantize(model, x).predict(x), by_onnxruntime(model, x)[0]) > 35


def test_few_large_values_in_the_input(tmp_path: Path) -> None:
    """8 bits in a range of 60 would leave distances of 1 nothing to differ by."""
    model = machine_model(tmp_path / "m.onnx", "SVMRegressor", regressor("RBF"))
    x = rows(600)
    x[::100, 2] *= 20
    assert sqnr(quantc.quantize(model, x).predict(x), by_onnxruntime(model, x)[0]) > 35


@pytest.mark.parametrize(
    ("op", "changed", "said"),
    [
        ("SVMRegressor", {"support_vectors": [1.0]}, "has 1 numbers for 40 support vectors of 6 features"),
        ("SVMRegressor", {"n_supports": -1}, "for -1 support vectors"),
        ("SVMRegressor", {"coefficients": [1.0]}, "has 1 coefficients and 1 numbers in 'rho'; it needs 40 and 1"),
        ("SVMRegressor", {"kernel_type": "CHI2"}, "kernel_type 'CHI2' is none of LINEAR, POLY, RBF and SIGMOID"),
        ("SVMRegressor", {"kernel_params": [1.0]}, "has 1 numbers; a RBF kernel needs gamma, coef0 and degree"),
        ("SVMRegressor", {"kernel_params": [-1.0, 0.0, 0.0]}, "gamma positive for rbf"),
        ("SVMRegressor", {"kernel_type": "POLY", "kernel_params": [1.0, 0.0, 2.5]}, "degree 2.5"),
        ("SVMRegressor", {"rho": [float("nan")]}, "'rho' holds NaN or infinity at 0"),
        ("SVMRegressor", {"post_transform": "LOGISTIC"}, "post_transform 'LOGISTIC' is not supported"),
        ("SVMClassifier", {"rho": [1.0]}, "'rho' has 1 numbers; a machine of 3 classes and 33 vectors needs 3"),
        ("SVMClassifier", {"prob_a": [1.0], "prob_b": [1.0]}, "'prob_a' has 1 numbers"),
        ("SVMClassifier", {"vectors_per_class": [33]}, "support vectors of each of its 3 classes"),
        ("SVMClassifier", {"vectors_per_class": [40, -7, 0]}, "support vectors of each of its 3 classes"),
        ("SVMClassifier", {"coefficients": [1.0]}, "'coefficients' has 1 numbers"),
        ("SVMClassifier", {"classlabels_ints": [1]}, "needs two or more labels"),
    ],
)
def test_wrong_attributes(tmp_path: Path, op: str, changed: Attributes, said: str) -> None:
    attributes = (regressor("RBF") if op == "SVMRegressor" else classifier("RBF", 3)) | changed
    model = machine_model(tmp_path / "m.onnx", op, attributes)
    with pytest.raises(QuantcError, match=r"node 'machine'") as caught:
        run_interpreter(model, [rows(3)], ["x"], 1 if op == "SVMRegressor" else 2)
    assert said in str(caught.value)
