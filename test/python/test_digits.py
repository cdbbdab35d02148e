"""If these fail, the demo tests on digits that training or calibration saw, or the committed network has drifted."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "digits"
sys.path.insert(0, str(EXAMPLE))

import data  # noqa: E402 - an example's modules are no package
import train  # noqa: E402


@pytest.fixture(scope="session")
def digits() -> data.Digits:
    return data.load_digits()


def test_split_sizes(digits: data.Digits) -> None:
    for part, rows in ((digits.train, 350), (digits.calibration, 50), (digits.test, 100)):
        np.testing.assert_array_equal(np.bincount(part.labels), np.full(10, rows))
        assert part.pixels.shape == (10 * rows, 784) and part.pixels.dtype == np.float32
        assert part.pixels.min() == 0 and part.pixels.max() == 1


def test_no_row_is_in_two_parts(digits: data.Digits) -> None:
    rows = np.concatenate([digits.train.pixels, digits.calibration.pixels, digits.test.pixels])
    assert len(np.unique(rows, axis=0)) == len(rows) == 5000


def test_split_rule() -> None:
    labels = np.array([1, 0, 1, 1, 0, 1, 1, 1, 0])
    training, calibration, test = data.split_by_class_order(labels)
    np.testing.assert_array_equal(test, [0, 1, 7])  # the 0th and 5th of class 1, the 0th of class 0
    np.testing.assert_array_equal(calibration, [2, 4])
    np.testing.assert_array_equal(training, [3, 5, 6, 8])


def test_arrays_for_the_tool(digits: data.Digits, tmp_path: Path) -> None:
    data.write_arrays(tmp_path / "new", digits)
    np.testing.assert_array_equal(np.load(tmp_path / "new" / "test.npy"), digits.test.pixels)
    assert len(np.load(tmp_path / "new" / "calibration.npy")) == 500
    assert len(np.load(tmp_path / "new" / "labels.npy")) == 1000


def test_committed_network(digits: data.Digits) -> None:
    model = onnx.load(EXAMPLE / "digits.onnx")
    onnx.checker.check_model(model, full_check=True)
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    layers = [train.Layer(values[f"dense{i}.weight"], values[f"dense{i}.bias"]) for i in (1, 2, 3)]
    assert tuple(layer.weight.shape[1] for layer in layers) == train.WIDTHS[:3]
    assert train.accuracy(layers, digits.test) >= 0.975


def test_gradients_are_those_of_the_loss() -> None:
    random = np.random.default_rng(0)
    shapes = [(4, 6), (3, 4)]
    layers = [
        train.Layer(random.standard_normal(s, dtype=np.float32), random.standard_normal(s[0], dtype=np.float32))
        for s in shapes
    ]
    layers[-1] = train.Layer(
        random.standard_normal((10, 4), dtype=np.float32), random.standard_normal(10, dtype=np.float32)
    )
    x, labels = random.standard_normal((5, 6), dtype=np.float32), random.integers(0, 10, 5)

    def loss() -> float:
        scores = train.forward(layers, x)[-1].astype(np.float64)
        return float((np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(5), labels]).mean())

    got = train.gradients(layers, train.forward(layers, x), labels)
    parameters = [array for layer in layers for array in (layer.weight, layer.bias)]
    step = 1e-3  # small, so that no ReLU changes sides
    for parameter, gradient in zip(parameters, got, strict=True):
        index = tuple(0 for _ in parameter.shape)
        kept = parameter[index]
        parameter[index] = kept + step
        above = loss()
        parameter[index] = kept - step
        below = loss()
        parameter[index] = kept
        assert gradient[index] == pytest.approx((above - below) / (2 * step), abs=2e-3)


def test_shift_keeps_the_ink(digits: data.Digits) -> None:
    rows = digits.train.pixels[:50]
    moved = train.shifted(rows, np.random.default_rng(1))
    assert moved.shape == rows.shape
    assert not np.array_equal(moved, rows)
    # MNIST leaves four pixels of paper around each digit, so that no ink is lost.
    np.testing.assert_allclose(np.sort(moved, axis=1), np.sort(rows, axis=1))


def test_training_is_repeatable(digits: data.Digits) -> None:
    few = data.Split(digits.train.pixels[:200], digits.train.labels[:200])
    first, second = (train.to_onnx(train.train(few, 1, 7)).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second
