"""Quantize a small PyTorch network, then train it for integers.

Needs ``./run setup --all``.
"""

from __future__ import annotations

import numpy as np
import quantc
import torch
from torch import nn


def r2(predicted: np.ndarray, wanted: np.ndarray) -> float:
    return float(1 - np.square(predicted - wanted).sum() / np.square(wanted - wanted.mean()).sum())


def train(module: nn.Module, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
    """Adam on the mean squared error."""
    rows, wanted = torch.tensor(x), torch.tensor(y)
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    for epoch in range(epochs):
        if isinstance(module, quantc.torch.QuantAware) and epoch <= epochs // 2:
            module.calibrate(x)
        for batch in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            nn.functional.mse_loss(module(rows[batch]), wanted[batch]).backward()
            optimizer.step()


def main() -> None:
    torch.manual_seed(1)
    x = np.random.default_rng(0).random((4000, 2)).astype(np.float32)
    y = np.sin(3 * x[:, :1]) * np.cos(3 * x[:, 1:])
    module = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    train(module, x, y, epochs=10)
    print(f"R2 in float: {r2(module(torch.tensor(x)).detach().numpy(), y):.5f}")

    q = quantc.quantize(module, x)
    print(f"R2 quantized: {r2(q.predict(x), y):.5f}")

    trained = quantc.torch.QuantAware(module, [0.0001, 0.001])
    train(trained, x, y, epochs=4)
    print(f"R2 trained for integers: {r2(trained.to_quantized(x).predict(x), y):.5f}")


if __name__ == "__main__":
    main()
