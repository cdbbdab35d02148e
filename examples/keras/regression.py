"""Train a small Keras network for integers, and compare it with its float form.

Needs ``./run setup --all``.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import quantc
from keras.layers import Dense


def r2(predicted: np.ndarray, wanted: np.ndarray) -> float:
    return float(1 - np.square(predicted.ravel() - wanted).sum() / np.square(wanted - wanted.mean()).sum())


def main() -> None:
    keras.utils.set_random_seed(1)
    x = np.random.default_rng(0).integers(0, 256, (8000, 2)).astype(np.float32)
    y = np.sin(x[:, 0] / 85) * np.cos(x[:, 1] / 85)
    model = keras.Sequential([keras.Input((2,)), Dense(64, activation="relu"), Dense(32, activation="relu"), Dense(1)])

    model_quant = quantc.keras.QuantileModel(model, [0.01, 0.05, 0.1])
    model_quant.fit(x / 255.0, y, epochs=5, verbose=2)
    y_pred = model_quant.predict(x / 255.0)

    print(model_quant.to_quantized())
    print(f"R2: {r2(y_pred, y):.4f} in integers, {r2(model.predict(x / 255.0, verbose=0), y):.4f} in float")


if __name__ == "__main__":
    main()
