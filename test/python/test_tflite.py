"""If these fail, a TensorFlow Lite file is compiled as another network than the one its interpreter runs.

TensorFlow's own conversion of variables warns under numpy 2.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantc
from numpy.typing import NDArray
from quantc.errors import QuantcError
from quantc.quantized import run_interpreter

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from keras import layers

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated.*:UserWarning"),
    pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected:UserWarning"),
]

ROOT = Path(__file__).resolve().parents[2]
Array = NDArray[Any]
FLOAT_ERROR = 1e-5  # of the largest output
QUANTIZED_STEPS = 2.01  # of the output's scale
COARSE = {"leaky_relu": 5.01}  # functions that TFLite itself rounds to 8 bits of a slope
ACTIVATIONS = [
    "relu",
    "relu6",
    "tanh",
    "sigmoid",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "softplus",
    "softsign",
    "hard_sigmoid",
    "hard_silu",
    "leaky_relu",
    "exponential",
    "celu",
    "log_softmax",
    "softmax",
]


@pytest.fixture(autouse=True)
def seed() -> None:
    keras.utils.set_random_seed(5)


def rows(*shape: int) -> Array:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def sequential(*parts: Any, inputs: tuple[int, ...] = (12,)) -> Any:
    return keras.Sequential([keras.Input(inputs), *parts])


def mlp(activation: str = "relu", last: str | None = None) -> Any:
    return sequential(
        layers.Dense(32, activation=activation),
        layers.Dense(24, activation=activation),
        layers.Dense(5, activation=last),
    )


def converted(converter: Any, kind: str, data: Array | None) -> bytes:
    """The file that TensorFlow's converter writes; `kind` is its quantization."""
    converter.optimizations = [] if kind == "float" else [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind in {"int8", "uint8", "int8 inside", "int16x8"}:
        assert data is not None
        converter.representative_dataset = lambda: ([row[None]] for row in data)
        operators = tf.lite.OpsSet
        converter.target_spec.supported_ops = [
            operators.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            if kind == "int16x8"
            else operators.TFLITE_BUILTINS_INT8
        ]
    if kind in {"int8", "uint8"}:
        converter.inference_input_type = converter.inference_output_type = getattr(tf, kind)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it exports
        return bytes(converter.convert())


def of_keras(model: Any, kind: str = "float", data: Array | None = None) -> bytes:
    return converted(tf.lite.TFLiteConverter.from_keras_model(model), kind, data)


def of_function(function: Callable[..., Any], *shapes: Sequence[int | None], dtype: Any = tf.float32) -> bytes:
    concrete = tf.function(function).get_concrete_function(*(tf.TensorSpec(shape, dtype) for shape in shapes))
    return converted(tf.lite.TFLiteConverter.from_concrete_functions([concrete]), "float", None)


def interpreted(file: bytes, *inputs: Array) -> tuple[list[Array], list[float]]:
    """What TensorFlow's interpreter gives, in real numbers, and the outputs' scales (0 of floats)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(model_content=file)
    details = interpreter.get_input_details()
    for detail, values in zip(details, inputs, strict=True):
        interpreter.resize_tensor_input(detail["index"], values.shape)
    interpreter.allocate_tensors()
    for detail, values in zip(details, inputs, strict=True):
        scale, zero = detail["quantization"]
        if scale:
            limits = np.iinfo(detail["dtype"])
            stored = np.clip(np.round(values / scale) + zero, limits.min, limits.max)
        else:
            stored = values
        interpreter.set_tensor(detail["index"], stored.astype(detail["dtype"]))
    interpreter.invoke()
    results, scales = [], []
    for detail in interpreter.get_output_details():
        scale, zero = detail["quantization"]
        result = interpreter.get_tensor(detail["index"])
        results.append((result.astype(np.float32) - zero) * scale if scale else result)
        scales.append(scale)
    return results, scales


def reference(folder: Path, file: bytes, *inputs: Array, outputs: int = 1) -> list[Array]:
    """What quantc's interpreter makes of the file."""
    path = folder / "model.tflite"
    path.write_bytes(file)
    result = run_interpreter(path, inputs, [str(i) for i in range(len(inputs))], outputs)
    return [result] if outputs == 1 else list(result)


def assert_same(
    folder: Path, file: bytes, *inputs: Array, error: float = FLOAT_ERROR, steps: float = QUANTIZED_STEPS
) -> None:
    wanted, scales = interpreted(file, *inputs)
    results = reference(folder, file, *inputs, outputs=len(wanted))
    for result, value, scale in zip(results, wanted, scales, strict=True):
        assert result.shape == value.shape
        assert value.size
        limit = scale * steps if scale else error * float(np.abs(value).max())
        np.testing.assert_allclose(result.astype(np.float64), value, rtol=0, atol=limit)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(tmp_path: Path, activation: str) -> None:
    assert_same(tmp_path, of_keras(mlp(activation)), rows(40, 12))


@pytest.mark.parametrize(
    "activation", [name for name in ACTIVATIONS if name != "softsign"]
)  # TFLite divides by 0 in it
def test_activations_in_8_bits(tmp_path: Path, activation: str) -> None:
    data = rows(200, 12)
    steps = COARSE.get(activation, QUANTIZED_STEPS)
    assert_same(tmp_path, of_keras(mlp(activation), "int8", data), data, steps=steps)


@pytest.mark.parametrize("kind", ["float", "float16", "int8", "uint8"])
def test_quantization(tmp_path: Path, kind: str) -> None:
    data = rows(200, 12)
    model = sequential(layers.Dense(128, "relu"), layers.Dense(64, "relu"), layers.Dense(5, "softmax"))
    assert_same(tmp_path, of_keras(model, kind, data), data)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("dynamic range", 0.02),  # TFLite rounds each row to 8 bits, quantc does not
        ("int8 inside", 0.004),
        ("int16x8", 0.001),  # 16-bit activations are taken as real numbers
    ],
)
def test_quantization_inside(tmp_path: Path, kind: str, error: float) -> None:
    data = rows(200, 12)
    model = sequential(layers.Dense(128, "relu"), layers.Dense(64, "relu"), layers.Dense(5))
    assert_same(tmp_path, of_keras(model, kind, data), data, error=error)


def normalization() -> Any:
    layer = layers.Normalization()
    layer.adapt(rows(100, 12) * 3 + 1)
    return layer


STACKS: dict[str, Callable[[], tuple[Any, tuple[int, ...]]]] = {
    "image": lambda: (sequential(layers.Flatten(), layers.Dense(10, "softmax"), inputs=(28, 28)), (28, 28)),
    "image of a channel": lambda: (
        sequential(layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(10), inputs=(28, 28, 1)),
        (28, 28, 1),
    ),
    "batch normalization": lambda: (
        sequential(
            layers.Dense(16, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.Dropout(0.5),
            layers.Dense(3),
        ),
        (12,),
    ),
    "normalization": lambda: (sequential(normalization(), layers.Dense(8, "relu"), layers.Dense(2)), (12,)),
    "layer normalization": lambda: (sequential(layers.LayerNormalization(), layers.Dense(3)), (12,)),
    "unit normalization": lambda: (sequential(layers.UnitNormalization(), layers.Dense(3)), (12,)),
    "prelu": lambda: (
        sequential(layers.Dense(8), layers.PReLU(alpha_initializer="random_normal"), layers.Dense(2)),
        (12,),
    ),
    "rows of rows": lambda: (
        sequential(
            layers.Reshape((3, 4)), layers.Dense(6, "relu"), layers.Permute((2, 1)), layers.Flatten(), layers.Dense(2)
        ),
        (12,),
    ),
    "pooled rows": lambda: (
        sequential(layers.Dense(7, "relu"), layers.GlobalAveragePooling1D(), layers.Dense(3), inputs=(4, 5)),
        (4, 5),
    ),
}


@pytest.mark.parametrize("kind", ["float", "int8"])
@pytest.mark.parametrize("name", STACKS)
def test_layers(tmp_path: Path, name: str, kind: str) -> None:
    model, shape = STACKS[name]()
    data = rows(30, *shape)
    assert_same(tmp_path, of_keras(model, kind, data), data)


def several() -> tuple[bytes, Array, Array]:
    """A network of two inputs and two outputs, and rows in the order of the file's inputs."""
    first, second = keras.Input((6,), name="first"), keras.Input((4,), name="second")
    joined = layers.Concatenate()([layers.Dense(8, "relu")(first), layers.Dense(8, "tanh")(second)])
    added = layers.Add()([layers.Dense(16)(joined), joined])
    model = keras.Model([first, second], [layers.Dense(3, "softmax")(added), layers.Dense(1)(added)])
    return of_keras(model), rows(25, 6), rows(25, 4)


def in_order(file: bytes, *inputs: Array) -> list[Array]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        details = tf.lite.Interpreter(model_content=file).get_input_details()
    by_size = {values.shape[1]: values for values in inputs}
    return [by_size[int(detail["shape"][1])] for detail in details]


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    file, first, second = several()
    assert_same(tmp_path, file, *in_order(file, first, second))


W = np.random.default_rng(3).standard_normal((12, 8)).astype(np.float32)
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "arg": lambda x: (tf.argmax(x @ W, -1), tf.argmin(x @ W, -1, output_type=tf.int32)),
    "slices": lambda x: tf.concat([x[:, :5], x[:, 5:11:2], x[:, ::-1], tf.slice(x, [0, 3], [-1, 4])], -1),
    "columns": lambda x: tf.stack([x[:, 0], x[:, 3] * 2, tf.exp(x[:, -4])], 1),
    "parts": lambda x: tf.concat([tf.add_n(tf.split(x, 4, 1)), *tf.split(x, [5, 7], 1)], 1),
    "unstacked": lambda x: tf.stack(tf.unstack(x, axis=1)[2:7], 1),
    "gather": lambda x: tf.gather(x, [3, 1, 7], axis=1),
    "functions": lambda x: (
        tf.math.rsqrt(tf.square(x) + 1.0)
        + tf.pow(tf.abs(x) + 0.1, 1.7)
        + tf.sqrt(tf.abs(x))
        + tf.math.log(tf.abs(x) + 1.0)
        - tf.exp(-x)
        + tf.sin(x) * tf.cos(x)
        + tf.sign(x) / (tf.abs(tf.floor(x) + tf.math.ceil(x)) + 2.0)
        + tf.round(x)
    ),
    "reductions": lambda x: tf.stack(
        [
            tf.reduce_sum(x, 1),
            tf.reduce_max(x, 1),
            tf.reduce_min(x, -1),
            tf.reduce_mean(x, 1),
            tf.reduce_prod(x, 1),
        ],
        1,
    ),
    "norm": lambda x: tf.nn.l2_normalize(x, -1),
    "difference": lambda x: tf.math.squared_difference(x, W[:, 0]) + tf.maximum(x, W[:, 1]) - tf.minimum(x, W[:, 2]),
    "clips": lambda x: tf.clip_by_value(x, -1.0, 1.0) + tf.nn.relu6(x) + tf.clip_by_value(x, 0.0, 1.0),
    "choices": lambda x: (
        tf.where(x > 0, x * 2, x - 1)
        + tf.where(tf.logical_and(x < 1, tf.logical_not(tf.not_equal(x, 2.0))), 1.0, 0.0)
        + tf.cast(tf.cast(x * 10, tf.int32), tf.float32)
    ),
    "dimensions": lambda x: tf.squeeze(tf.expand_dims(x, 1) @ W[None], 1),
    "transposed product": lambda x: tf.matmul(tf.reshape(x, [-1, 3, 4]), W[:5, :4], transpose_b=True),
    "transposition": lambda x: tf.reshape(tf.transpose(tf.reshape(x, [-1, 3, 4]), [0, 2, 1]), [-1, 12]) @ W,
    "input as output": lambda x: (x, x @ W),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_operators(tmp_path: Path, name: str) -> None:
    assert_same(tmp_path, of_function(FUNCTIONS[name], [None, 12]), rows(40, 12))


def test_batch_that_the_file_fixes(tmp_path: Path) -> None:
    file = of_function(lambda x: tf.reshape(tf.nn.relu(tf.reshape(x, [1, 12]) @ W), [1, 2, 4]), [1, 12])
    data = rows(20, 12)
    wanted = np.concatenate([interpreted(file, row[None])[0][0] for row in data])
    (result,) = reference(tmp_path, file, data)
    np.testing.assert_allclose(result, wanted, rtol=0, atol=FLOAT_ERROR * np.abs(wanted).max())


@pytest.fixture(scope="module")
def classifier() -> Iterator[tuple[Any, Array, Array]]:
    """A trained classifier, rows and their classes."""
    keras.utils.set_random_seed(5)
    random_numbers = np.random.default_rng(3)
    centres = random_numbers.standard_normal((10, 20))
    labels = random_numbers.integers(0, 10, 2000)
    data = (centres[labels] + random_numbers.standard_normal((2000, 20)) * 0.6).astype(np.float32)
    model = sequential(layers.Dense(64, "relu"), layers.Dense(32, "tanh"), layers.Dense(10), inputs=(20,))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(data, labels, epochs=5, verbose=0)
    yield model, data, labels


def signal_to_noise(result: Array, wanted: Array) -> float:
    return float(10 * np.log10(np.square(wanted).mean() / np.square(result - wanted).mean()))


@pytest.mark.parametrize("kind", ["float", "dynamic range", "float16", "int16x8"])
def test_compiled_from_float(tmp_path: Path, classifier: tuple[Any, Array, Array], kind: str) -> None:
    model, data, _ = classifier
    file = of_keras(model, kind, data)
    path = tmp_path / "model.tflite"
    path.write_bytes(file)
    q = quantc.quantize(path, data[:500])
    ((wanted,), _) = interpreted(file, data)
    result = q.predict(data)
    assert (result.argmax(1) == wanted.argmax(1)).mean() >= 0.995
    assert signal_to_noise(result, wanted) > 40
    assert np.array_equal(result, quantc.reference(q, data))


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_compiled_with_the_scales_of_the_file(classifier: tuple[Any, Array, Array], kind: str) -> None:
    model, data, _ = classifier
    file = of_keras(model, kind, data)
    q = quantc.quantize(file, data[:500])
    ((wanted,), (scale,)) = interpreted(file, data)
    result = q.predict(data)
    assert (result.argmax(1) == wanted.argmax(1)).mean() >= 0.995
    # Within a step, but for the values that TFLite cuts off at the end of the output's range.
    inside = (wanted > wanted.min()) & (wanted < wanted.max())
    assert inside.mean() > 0.99
    assert np.abs(result - wanted)[inside].max() <= 1.01 * scale
    interpreter = tf.lite.Interpreter(model_content=file)
    scales = {np.float32(detail["quantization"][0]) for detail in interpreter.get_tensor_details()}
    kept = {np.float32(layer["output_scale"]) for layer in q.manifest["layers"] if layer.get("output_bits") == 8}
    assert len(kept) >= 3
    assert kept <= scales


def test_compare_and_inspect(tmp_path: Path, classifier: tuple[Any, Array, Array]) -> None:
    model, data, _ = classifier
    path = tmp_path / "model.tflite"
    path.write_bytes(of_keras(model))
    q = quantc.quantize(path, data[:500])
    assert q.compare(data[:200]) is not None
    tool = ROOT / "build" / "bin" / "quantc"
    said = subprocess.run([tool, "inspect", path], capture_output=True, text=True, check=True).stdout
    assert "20" in said
    assert "dense" in said.lower()


def refusal(folder: Path, content: bytes) -> str:
    path = folder / "model.tflite"
    path.write_bytes(content)
    out = folder / "out"
    with pytest.raises(QuantcError) as caught:
        quantc.quantize(path, rows(10, 12)).save(out)
    assert not out.exists()
    return str(caught.value)


def test_convolution_is_refused_by_name(tmp_path: Path) -> None:
    model = sequential(layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3), inputs=(8, 8, 1))
    message = refusal(tmp_path, of_keras(model))
    assert "operator 0 (CONV_2D) of '" in message
    assert "dense networks" in message


def test_cut_and_random_files_are_refused(tmp_path: Path) -> None:
    file = of_keras(mlp())
    for length in (8, 100, len(file) // 2, len(file) - 1):
        assert "TensorFlow Lite" in refusal(tmp_path, file[:length])
    noise = random.Random(4).randbytes(4000)  # noqa: S311 - repeatable, not secret
    assert "TensorFlow Lite" in refusal(tmp_path, noise[:4] + b"TFL3" + noise[8:])


def test_example_runs(tmp_path: Path) -> None:
    script = ROOT / "examples" / "tflite" / "quantized.py"
    done = subprocess.run(
        [sys.executable, script, "--out", tmp_path / "out"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    share = float(done.stdout.rsplit("same label as TensorFlow Lite: ", 1)[1].split("%")[0])
    assert share >= 99.5
