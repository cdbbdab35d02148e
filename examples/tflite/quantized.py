"""Compile an 8-bit TensorFlow Lite file as it is, and compare the program with TensorFlow's interpreter.

Needs ``./run setup --all``.

    python examples/tflite/quantized.py --out out
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import quantc
import tensorflow as tf
from keras.layers import Dense
from numpy.typing import NDArray
from sklearn.datasets import load_digits

Rows = NDArray[np.float32]


def trained(x: Rows, y: NDArray[np.int64]) -> keras.Model:
    """A small network for handwritten digits of 64 pixels."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((64,)), Dense(64, activation="relu"), Dense(32, activation="relu"), Dense(10)]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=20, verbose=0)
    return model


def in_8_bits(model: keras.Model, x: Rows) -> bytes:
    """The file that TensorFlow's converter makes of a model: integers everywhere, inputs and outputs included."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row[None]] for row in x[:200])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def interpreted(file: bytes, x: Rows) -> Rows:
    """What TensorFlow's interpreter makes of the rows, in real numbers."""
    warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated.*")
    interpreter = tf.lite.Interpreter(model_content=file)
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(source["index"], x.shape)
    interpreter.allocate_tensors()
    scale, zero = source["quantization"]
    interpreter.set_tensor(source["index"], np.clip(np.round(x / scale) + zero, -128, 127).astype(np.int8))
    interpreter.invoke()
    scale, zero = result["quantization"]
    return np.asarray((interpreter.get_tensor(result["index"]).astype(np.float32) - zero) * scale, np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the program")
    out = parser.parse_args().out
    digits = load_digits()
    x = (digits.data / 16).astype(np.float32)
    y = digits.target.astype(np.int64)
    train, test = slice(None, 1200), slice(1200, None)

    file = in_8_bits(trained(x[train], y[train]), x[train])
    q = quantc.quantize(file, x[train])
    library = q.save(out, name="digits")
    result, wanted = q.predict(x[test]), interpreted(file, x[test])

    print(q)
    print(f"{library}: {100 * (result.argmax(1) == y[test]).mean():.1f}% of {len(result)} digits are right")
    print(f"same label as TensorFlow Lite: {100 * (result.argmax(1) == wanted.argmax(1)).mean():.1f}%")


if __name__ == "__main__":
    main()
