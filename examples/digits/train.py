"""Train the 784-256-128-10 ReLU network of the digits example with numpy, and write it as ``digits.onnx``.

    python examples/digits/train.py [--output digits.onnx] [--epochs 60] [--seed 20]

Adam with decoupled weight decay and a cosine learning rate, on the 3,500 training rows only; each epoch shows every
digit once, shifted by up to two pixels. The script prints the accuracy on the 1,000 test rows. A run on the same
machine with the same numpy gives the same file, byte for byte; another BLAS adds in another order, and gives a network
of the same quality with other last bits. ``digits.onnx`` in this folder is the run with the defaults.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from data import CLASSES, PIXELS, Split, load_digits
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

WIDTHS = (PIXELS, 256, 128, CLASSES)
OPSET = 17
IR_VERSION = 8  # the first that goes with opset 17, so that old readers can open the file
BATCH = 64
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.2
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
LARGEST_SHIFT = 2  # pixels

Floats = NDArray[np.float32]


@dataclass
class Layer:
    """One dense layer: ``y = x @ weight.T + bias``, with weight (outputs, inputs) as Gemm's transB=1 wants it."""

    weight: Floats
    bias: Floats


def initial_layers(random: np.random.Generator) -> list[Layer]:
    """He initialization: normal weights of variance 2 / inputs, zero biases."""
    layers = []
    for inputs, outputs in pairwise(WIDTHS):
        weight = random.standard_normal((outputs, inputs), dtype=np.float32) * np.float32(np.sqrt(2 / inputs))
        layers.append(Layer(weight, np.zeros(outputs, dtype=np.float32)))
    return layers


def forward(layers: Sequence[Layer], x: Floats) -> list[Floats]:
    """Return the input of every layer and, last, the network's scores."""
    values = [x]
    for index, layer in enumerate(layers):
        y = values[-1] @ layer.weight.T + layer.bias
        values.append(np.maximum(y, 0) if index + 1 < len(layers) else y)
    return values


def gradients(layers: Sequence[Layer], values: Sequence[Floats], labels: NDArray[np.int64]) -> list[Floats]:
    """Gradients of the mean cross-entropy, in the order weight, bias, weight, bias, ..."""
    scores = values[-1] - values[-1].max(axis=1, keepdims=True)
    probabilities = np.exp(scores)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    slope = probabilities / np.float32(len(labels))
    slope[np.arange(len(labels)), labels] -= np.float32(1 / len(labels))
    result: list[Floats] = []
    for index in reversed(range(len(layers))):
        result[:0] = [slope.T @ values[index], slope.sum(axis=0)]
        if index > 0:
            slope = (slope @ layers[index].weight) * (values[index] > 0)
    return result


def shifted(pixels: Floats, random: np.random.Generator) -> Floats:
    """Shift each image by its own offset of up to LARGEST_SHIFT pixels either way, paper coming in at the edge."""
    side = int(np.sqrt(PIXELS))
    margin = LARGEST_SHIFT
    padded = np.pad(pixels.reshape(-1, side, side), ((0, 0), (margin, margin), (margin, margin)))
    offsets = random.integers(0, 2 * margin + 1, size=(len(pixels), 2))
    down = offsets[:, :1] + np.arange(side)
    across = offsets[:, 1:] + np.arange(side)
    moved = padded[np.arange(len(pixels))[:, None, None], down[:, :, None], across[:, None, :]]
    return np.ascontiguousarray(moved.reshape(-1, PIXELS))


def train(data: Split, epochs: int, seed: int) -> list[Layer]:
    """Train a network on `data`.

    Parameters
    ----------
    data : Split
        The training rows.
    epochs : int
        How often each row is shown.
    seed : int
        Seed of the initial weights, the order of the rows and the shifts.

    Returns
    -------
    list of Layer
    """
    random = np.random.default_rng(seed)
    layers = initial_layers(random)
    parameters = [array for layer in layers for array in (layer.weight, layer.bias)]
    means = [np.zeros_like(p) for p in parameters]
    squares = [np.zeros_like(p) for p in parameters]
    steps = epochs * -(-len(data.labels) // BATCH)
    step = 0
    for epoch in range(epochs):
        pixels = shifted(data.pixels, random)
        order = random.permutation(len(data.labels))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            step += 1
            rate = np.float32(LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / steps)))
            values = forward(layers, pixels[rows])
            for p, g, mean, square in zip(
                parameters, gradients(layers, values, data.labels[rows]), means, squares, strict=True
            ):
                mean += (1 - BETA_1) * (g - mean)
                square += (1 - BETA_2) * (g * g - square)
                direction = (mean / (1 - BETA_1**step)) / (np.sqrt(square / (1 - BETA_2**step)) + EPSILON)
                p -= rate * (direction + (WEIGHT_DECAY * p if p.ndim == 2 else 0))
        if (epoch + 1) % 10 == 0 or epoch + 1 == epochs:
            print(f"epoch {epoch + 1:3d} of {epochs}: training accuracy {accuracy(layers, data):.2%}", flush=True)
    return layers


def accuracy(layers: Sequence[Layer], data: Split) -> float:
    """Share of rows whose largest score is the label's."""
    return float((forward(layers, data.pixels)[-1].argmax(axis=1) == data.labels).mean())


def to_onnx(layers: Sequence[Layer]) -> onnx.ModelProto:
    """The network as an ONNX model: Gemm and Relu, dynamic batch, input ``pixels``, output ``scores``."""
    nodes, initializers = [], []
    value = "pixels"
    for index, layer in enumerate(layers, start=1):
        last = index == len(layers)
        weight, bias, result = f"dense{index}.weight", f"dense{index}.bias", "scores" if last else f"dense{index}.out"
        initializers.append(numpy_helper.from_array(layer.weight, weight))
        initializers.append(numpy_helper.from_array(layer.bias, bias))
        nodes.append(helper.make_node("Gemm", [value, weight, bias], [result], f"dense{index}", transB=1))
        value = result
        if not last:
            value = f"relu{index}.out"
            nodes.append(helper.make_node("Relu", [result], [value], f"relu{index}"))
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", PIXELS])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", CLASSES])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="quantc digits")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the digits network and write it as ONNX.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("digits.onnx"))
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20)
    arguments = parser.parse_args()
    digits = load_digits()
    layers = train(digits.train, arguments.epochs, arguments.seed)
    arguments.output.write_bytes(to_onnx(layers).SerializeToString(deterministic=True))
    print(f"{arguments.output}: test accuracy {accuracy(layers, digits.test):.2%} ({len(digits.test.labels)} digits)")


if __name__ == "__main__":
    main()
