"""If these fail, a Keras model means something else as ONNX, or one trained for integers is not what then runs.

TensorFlow's own conversion of variables warns under numpy 2.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantc
from numpy.typing import NDArray

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import onnxruntime
from keras import layers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

Array = NDArray[Any]


@pytest.fixture(autouse=True)
def seed() -> None:
    keras.utils.set_random_seed(5)


def rows(*shape: int) -> Array:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def sequential(*parts: Any, inputs: int = 12) -> Any:
    return keras.Sequential([keras.Input((inputs,)), *parts])


def shake(model: Any) -> None:
    """Give each weight values that no initializer gives, so that each matters."""
    random = np.random.default_rng(2)
    for variable in model.weights:
        if len(variable.shape):
            values = random.standard_normal(variable.shape) * 0.4
            variable.assign(np.abs(values) + 0.3 if "variance" in variable.path else values)


def run(model: Any, *inputs: Array) -> list[Array]:
    session = onnxruntime.InferenceSession(quantc.keras.to_onnx(model))
    names = [value.name for value in session.get_inputs()]
    results: list[Array] = session.run(None, dict(zip(names, inputs, strict=True)))
    return results


def r2(y: Array, wanted: Array) -> float:
    return float(1 - np.square(y.ravel() - wanted).sum() / np.square(wanted - wanted.mean()).sum())


def sqnr(y: Array, wanted: Array) -> float:
    return float(10 * np.log10(np.square(wanted).sum() / np.square(y - wanted).sum()))


ACTIVATIONS = (
    "celu elu exponential gelu hard_sigmoid hard_silu hard_tanh leaky_relu linear log_sigmoid log_softmax mish relu "
    "relu6 selu sigmoid silu softmax softplus softsign tanh tanh_shrink"
).split()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_in_float(name: str) -> None:
    model = sequential(layers.Dense(7, activation=name), layers.Dense(3))
    shake(model)
    x = rows(40, 12)
    np.testing.assert_allclose(run(model, x)[0], np.asarray(model(x)), rtol=1e-4, atol=2e-5)


def normalized() -> Any:
    layer = layers.Normalization()
    layer.adapt(rows(50, 12) * 3 + 1)
    return layer


CHAINS: dict[str, list[Any]] = {
    "batch norm": [layers.Dense(16), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.2), layers.Dense(3)],
    "batch norm after": [layers.Dense(16, activation="relu"), layers.BatchNormalization(scale=False), layers.Dense(3)],
    "layer norm": [layers.Dense(16), layers.LayerNormalization(), layers.Dense(3)],
    "rescaling": [layers.Rescaling(1 / 4, offset=-0.5), layers.Dense(8), layers.Dense(3)],
    "relu": [
        layers.Dense(16),
        layers.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.3),
        layers.Dense(8),
        layers.ReLU(negative_slope=0.2, max_value=1.5),
        layers.Dense(8),
        layers.LeakyReLU(),
        layers.ELU(0.7),
        layers.PReLU(),
        layers.Dense(3),
    ],
    "reshape": [
        layers.Reshape((3, 4)),
        layers.Dense(6, activation="relu"),
        layers.BatchNormalization(),
        layers.Permute((2, 1)),
        layers.Flatten(),
        layers.Dense(3),
        layers.Softmax(),
    ],
}


@pytest.mark.parametrize("name", CHAINS)
def test_layers_in_float(name: str) -> None:
    model = sequential(*CHAINS[name])
    shake(model)
    x = rows(40, 12)
    np.testing.assert_allclose(run(model, x)[0], np.asarray(model(x)), rtol=1e-4, atol=2e-5)


def branches() -> Any:
    """Two inputs and three outputs, a layer called twice, a model inside, arithmetic between layers."""
    a, b = keras.Input((12,), name="a"), keras.Input((4,), name="b")
    shared = layers.Dense(8, activation="relu", name="shared")
    inner = keras.Sequential([keras.Input((8,)), layers.Dense(8, activation="tanh", name="d")], name="inner")
    first, second = shared(a), shared(layers.Multiply()([a, a]))
    total = layers.Add()([first, inner(second), second])
    classes = layers.Dense(3, activation="softmax", name="classes")(layers.Concatenate()([total, b]))
    number = layers.Dense(1, name="number")(layers.Average()([first, second]) * 2.0 - first)
    return keras.Model([a, b], [classes, number, keras.ops.tanh(total)])


def test_a_graph_in_float_and_in_integers() -> None:
    model = branches()
    x = [rows(200, 12), rows(200, 4)]
    wanted = [np.asarray(y) for y in model(x)]
    for y, w in zip(run(model, *x), wanted, strict=True):
        np.testing.assert_allclose(y, w, rtol=1e-4, atol=1e-5)
    q = quantc.quantize(quantc.keras.to_onnx(model), dict(zip("ab", x, strict=True)))
    assert [tensor.name for tensor in q.outputs][:2] == ["classes", "number"]
    assert {"shared", "shared_1", "inner/d"} <= {layer["name"] for layer in q.manifest["layers"]}
    assert min(sqnr(y, w) for y, w in zip(q.predict(*x), wanted, strict=True)) > 30


def test_preprocessing_is_compiled_too() -> None:
    model = sequential(normalized(), layers.Dense(16, activation="relu"), layers.Dense(2))
    x = rows(200, 12) * 3 + 1
    assert sqnr(quantc.quantize(quantc.keras.to_onnx(model), x).predict(x), np.asarray(model(x))) > 35


class Subclass(keras.Model):  # type: ignore[misc]
    def call(self, x: Any) -> Any:
        return x


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(2, 3, name="c1")]), r"layer 'c1' \(Conv2D\)"),
        (lambda: sequential(layers.Dense(2, name="d1", activation=lambda x: x * x)), "layer 'd1'.*activation"),
        (lambda: keras.Sequential([layers.Dense(2)], name="bare"), "model 'bare' does not know the shape"),
        (lambda: keras.Sequential([keras.Input((None, 4), name="seq"), layers.Dense(2)]), "input 'seq' has the shape"),
        (Subclass, "is a Subclass, whose layers are called by Python"),
    ],
)
def test_what_is_not_supported_is_named(model: Any, message: str) -> None:
    with pytest.raises(quantc.QuantcError, match=message):
        quantc.keras.to_onnx(model())


def surface() -> tuple[Array, Array]:
    x = np.random.default_rng(0).integers(0, 256, (2000, 2)).astype(np.float32) / 255
    return x, np.sin(3 * x[:, 0]) * np.cos(3 * x[:, 1]) + x[:, 0]


def regression() -> Any:
    return sequential(
        layers.Dense(64, activation="relu"), layers.Dense(32, activation="relu"), layers.Dense(1), inputs=2
    )


def test_training_for_integers(tmp_path: Path) -> None:
    x, y = surface()
    model = regression()
    trained = quantc.keras.QuantileModel(model, [0.01, 0.05, 0.1])
    history = trained.fit(x, y, epochs=8, verbose=0, validation_split=0.1, sample_weight=np.ones(len(y)))
    assert "val_loss" in history.history
    predicted = trained.predict(x)
    q = trained.to_quantized()
    np.testing.assert_array_equal(predicted, q.predict(x))
    assert r2(predicted, y) > 0.95
    assert r2(predicted, y) > r2(np.asarray(model(x)), y) - 0.002
    # What was trained is what runs: the simulation differs from it where a sum falls on the other side of a half.
    assert sqnr(np.asarray(trained(x)), predicted) > 40

    trained.save(tmp_path / "trained.keras")
    loaded = keras.models.load_model(tmp_path / "trained.keras")
    assert loaded.quantiles == trained.quantiles
    np.testing.assert_array_equal(loaded.predict(x), predicted)

    trained.fit(x, y, verbose=0)
    assert trained.to_quantized() is not q


def test_frozen_layers_keep_their_weights_and_named_outputs_their_structure() -> None:
    base = branches()
    model = keras.Model(dict(zip("ab", base.inputs, strict=True)), dict(zip("pq", base.outputs[:2], strict=True)))
    frozen = model.get_layer("shared")
    frozen.trainable = False
    before = [np.array(w) for w in frozen.get_weights()]
    trained = quantc.keras.QuantileModel(model, [0.01])
    trained.compile("adam", {"p": "categorical_crossentropy", "q": "mse"})
    x = {"a": rows(64, 12), "b": rows(64, 4)}
    targets = {"p": np.eye(3)[np.arange(64) % 3], "q": x["a"][:, :1]}
    trained.fit(x, targets, verbose=0)
    for old, new in zip(before, frozen.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    y = trained.predict(x)
    assert {name: part.shape for name, part in y.items()} == {"p": (64, 3), "q": (64, 1)}
    assert np.isfinite(trained.evaluate(x, targets, verbose=0)[0])


def test_quantiles_that_cut_off_outliers_are_chosen() -> None:
    x = rows(512, 12)
    x[0] = 1000.0  # one row that would take all the steps for itself
    trained = quantc.keras.QuantileModel(sequential(layers.Dense(4)), [0.01])
    trained.calibrate(x)
    assert float(np.asarray(trained.observed)[0, 1]) == 1000.0  # the row's own output would be lost
    x[0] = 40.0
    trained = quantc.keras.QuantileModel(sequential(layers.Dense(4)), [0.4, 0.0])
    trained.calibrate(x)
    assert float(np.asarray(trained.observed)[0, 1]) == 40.0  # and two fifths of the values even more


def test_without_training_or_rows() -> None:
    trained = quantc.keras.QuantileModel(regression(), [0.01])
    x, _ = surface()
    with pytest.raises(quantc.QuantcError, match="no ranges yet; fit it first"):
        trained.predict(x)
    q = trained.to_quantized(calibration=x)
    np.testing.assert_array_equal(trained.predict(x), q.predict(x))
    with pytest.raises(ValueError, match=r"quantiles: needs shares from 0 to below 0.5, got 5"):
        quantc.keras.QuantileModel(regression(), [5])
    x[3, 1] = np.nan
    with pytest.raises(quantc.QuantcError, match="has the value nan"):
        trained.calibrate(x)
