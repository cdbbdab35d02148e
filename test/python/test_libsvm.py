"""If these fail, a model that libsvm's svm-train wrote gives other labels, or a damaged one is not refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import quantc
from numpy.typing import NDArray
from quantc.errors import QuantcError
from quantc.quantized import run_interpreter
from test_svm_ops import Attributes, classifier, machine_model, regressor, rows

KERNELS = {"LINEAR": "linear", "POLY": "polynomial", "RBF": "rbf", "SIGMOID": "sigmoid"}
FEATURES = 6


def numbers(values: list[float]) -> str:
    return " ".join(f"{value:.17g}" for value in values)


def libsvm_text(kind: str, attributes: Attributes) -> str:
    """What svm-train writes of a machine; features that are 0 are left out."""
    vectors = np.asarray(attributes["support_vectors"]).reshape(-1, FEATURES)
    coefficients = np.asarray(attributes["coefficients"]).reshape(-1, len(vectors))
    gamma, coef0, degree = attributes["kernel_params"]
    lines = [
        f"svm_type {kind}",
        f"kernel_type {KERNELS[attributes['kernel_type']]}",
        f"degree {degree:.0f}",
        f"gamma {gamma:.17g}",
        f"coef0 {coef0:.17g}",
        f"nr_class {len(coefficients) + 1}",
        f"total_sv {len(vectors)}",
        "rho " + numbers([-value for value in attributes["rho"]]),
    ]
    if "classlabels_ints" in attributes:
        lines.append("label " + numbers(attributes["classlabels_ints"]))
    for key, name in (("prob_a", "probA"), ("prob_b", "probB")):
        if key in attributes:
            lines.append(f"{name} " + numbers(attributes[key]))
    if "vectors_per_class" in attributes:
        lines.append("nr_sv " + numbers(attributes["vectors_per_class"]))
    lines.append("SV")
    for column, vector in zip(coefficients.T, vectors, strict=True):
        cells = [f"{index + 1}:{value:.17g}" for index, value in enumerate(vector) if value != 0]
        lines.append(" ".join([numbers(column.tolist()), *cells]))
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", ["c_svc", "nu_svc", "epsilon_svr", "nu_svr", "one_class"])
def test_as_the_onnx_machine(tmp_path: Path, kind: str, kernel: str) -> None:
    is_classifier = kind.endswith("svc")
    attributes = classifier(kernel, 3) if is_classifier else regressor(kernel)
    text = libsvm_text(kind, attributes)
    if kind == "one_class":
        attributes |= {"one_class": 1}
    onnx_model = machine_model(tmp_path / "m.onnx", "SVMClassifier" if is_classifier else "SVMRegressor", attributes)
    x = rows(80)
    outputs = 2 if is_classifier else 1
    expected = run_interpreter(onnx_model, [x], ["x"], outputs)
    result = run_interpreter(write(tmp_path / "svm.model", text), [x], ["x"], outputs)
    for a, b in zip(result, expected, strict=True) if is_classifier else [(result, expected)]:
        np.testing.assert_array_equal(a, b)


def test_compiled(tmp_path: Path) -> None:
    model = write(tmp_path / "svm.model", libsvm_text("c_svc", classifier("RBF", 3)))
    q = quantc.quantize(model, rows(300))
    x = rows(200, seed=14)
    label: NDArray[np.int64] = q.predict(x)[0]
    assert np.mean(label == run_interpreter(model, [x], ["x"], 2)[0]) >= 0.99


@pytest.mark.parametrize("classes", [2, 4])
def test_probabilities(tmp_path: Path, classes: int) -> None:
    attributes = classifier("RBF", classes, probabilities=True)
    onnx_model = machine_model(tmp_path / "m.onnx", "SVMClassifier", attributes)
    model = write(tmp_path / "svm.model", libsvm_text("c_svc", attributes))
    x = rows(50)
    for a, b in zip(run_interpreter(model, [x], ["x"], 2), run_interpreter(onnx_model, [x], ["x"], 2), strict=True):
        np.testing.assert_array_equal(a, b)


def test_very_many_classes_have_labels_alone(tmp_path: Path) -> None:
    model = write(tmp_path / "svm.model", libsvm_text("c_svc", classifier("LINEAR", 65, probabilities=True)))
    plain = write(tmp_path / "plain.model", libsvm_text("c_svc", classifier("LINEAR", 65)))
    x = rows(50)
    label = run_interpreter(model, [x], ["x"], 1)
    np.testing.assert_array_equal(label, run_interpreter(plain, [x], ["x"], 2)[0])


LARGE = """svm_type c_svc
kernel_type rbf
total_sv 9999999
nr_class 2
rho 0
label 1 2
nr_sv 9999998 1
SV
1 1:1
"""
SOUND = libsvm_text("c_svc", classifier("RBF", 3))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SOUND[: SOUND.index("SV\n")], "the file ends before its line 'SV'"),
        (SOUND[: len(SOUND) // 2], "of 33 support vectors; it is cut"),
        (SOUND + "1 1 1:1\n", "line 45 of the libsvm model: there are more support vectors than 'total_sv', 33"),
        (SOUND.replace("rbf", "precomputed"), "kernel_type 'precomputed' is none of"),
        (SOUND.replace("c_svc", "svdd"), "svm_type 'svdd' is none of"),
        (SOUND.replace("total_sv 33", "total_sv 2000000000"), "'nr_sv' does not add up to 'total_sv'"),
        (SOUND.replace("nr_class 3", "nr_class 4"), "'rho' has 3 numbers; the model needs 6"),
        (SOUND.replace("nr_class 3", "nr_class 1"), "'1' is no whole number from 2 to 1024"),
        (SOUND.replace("label -5 5 15", "label -5 5"), "'label' has 2 numbers"),
        (SOUND.replace("gamma 0.", "gamma nan0."), "is no finite number"),
        (SOUND.replace(" 1:", " 0:", 1), "'0' is no whole number from 1 to 1048576"),
        (SOUND.replace(" 1:", " 1048577:", 1), "'1048577' is no whole number"),
        (SOUND.replace(" 1:", " 1:inf", 1), "is no finite number"),
        (SOUND.replace("gamma", "gama"), "'gama' is no key of a libsvm model"),
        (SOUND.replace("SV\n", "SV\n1\n", 1), "has fewer than 2 coefficients"),
        ("svm_type c_svc\nrho\n", "'rho' has no value"),
        ("svm_type \n", "'svm_type' has no value"),
        (LARGE, "the file ends before that many"),
    ],
)
def test_damaged_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(QuantcError, match=r"svm\.model") as caught:
        run_interpreter(write(tmp_path / "svm.model", text), [rows(2)], ["x"], 2)
    assert said in str(caught.value)
