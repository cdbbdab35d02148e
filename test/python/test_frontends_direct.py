"""If these fail, `quantize` does not take a Keras model or a PyTorch module as it is."""

from __future__ import annotations

import os

import numpy as np
import pytest
import quantc

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import torch

ROWS = np.random.default_rng(0).standard_normal((100, 4)).astype(np.float32)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_a_keras_model() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
    np.testing.assert_allclose(quantc.quantize(model, ROWS).predict(ROWS), np.asarray(model(ROWS)), atol=0.05)


def test_a_pytorch_module() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    wanted = module(torch.tensor(ROWS)).detach().numpy()
    np.testing.assert_allclose(quantc.quantize(module, ROWS).predict(ROWS), wanted, atol=0.05)
