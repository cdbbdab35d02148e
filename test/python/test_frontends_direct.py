"""If these fail, `quantize` does not take a Keras model or a PyTorch module as it is."""

from __future__ import annotations

import importlib
import importlib.util

import numpy as np
import pytest
import quantc

ROWS = np.random.default_rng(0).standard_normal((100, 4)).astype(np.float32)


def framework(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"not installed: {name} (`./run setup --all`)")


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_a_keras_model() -> None:
    framework("tensorflow")
    keras = importlib.import_module("keras")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
    np.testing.assert_allclose(quantc.quantize(model, ROWS).predict(ROWS), np.asarray(model(ROWS)), atol=0.05)


def test_a_pytorch_module() -> None:
    framework("torch")
    torch = importlib.import_module("torch")
    module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    wanted = module(torch.tensor(ROWS)).detach().numpy()
    np.testing.assert_allclose(quantc.quantize(module, ROWS).predict(ROWS), wanted, atol=0.05)
