"""The networks that are timed: random-weight ReLU networks, their rows, their float results, and their ONNX files.

Weights are random because the time of a dense network does not depend on them; widths are what people deploy, from a
sensor's to a transformer's feed-forward block. A network is written to a folder once a run, and each contender reads it
from there, so that all have the same weights, the same rows to calibrate on and the same rows to run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTHS: dict[str, tuple[int, ...]] = {
    "seed": (2, 64, 32, 1),
    "mnist": (784, 512, 256, 10),
    "tinyad": (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640),
    "ffn": (1024, 4096, 1024),
    "big": (2048, 2048, 2048, 2048, 2048),
}
CALIBRATION_ROWS = 256
ROWS = 1024  # to run on: the first ones are timed, all of them tell the accuracy. None was calibrated on.
SEED = 1
MODEL_FILE = "model.onnx"
ARRAYS_FILE = "network.npz"
CALIBRATION_FILE = "calibration.npy"

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """A multilayer perceptron: dense layers with ReLU between them, none after the last.

    Attributes
    ----------
    name : str
        Its name, also that of its folder.
    weights : tuple of float32 arrays, each of shape (outputs, inputs)
    biases : tuple of float32 arrays, each of shape (outputs,)
    calibration : float32 array, shape (CALIBRATION_ROWS, inputs)
        Rows that a contender may look at to choose its ranges.
    rows : float32 array, shape (ROWS, inputs)
        Other rows of the same distribution, to run on.
    """

    name: str
    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    calibration: Floats
    rows: Floats

    @property
    def products(self) -> int:
        """Multiply-accumulate operations a row."""
        return sum(weight.size for weight in self.weights)

    def activations(self, x: Floats) -> Iterator[Floats]:
        """Give each layer's result on rows `x`, in float32, of shape (rows, outputs)."""
        value = x
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), start=1):
            value = value @ weight.T + bias
            if index < len(self.weights):
                value = np.maximum(value, np.float32(0))
            yield value

    def exact(self) -> Doubles:
        """Give the float network's result on `rows` in double precision: what accuracy is measured against."""
        value = self.rows.astype(np.float64)
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), start=1):
            value = value @ weight.T.astype(np.float64) + bias
            if index < len(self.weights):
                value = np.maximum(value, 0)
        return value


def random_network(name: str, widths: Sequence[int] | None = None) -> Network:
    """Make a network of these widths, or of those in `WIDTHS`: the same one in every run.

    Its weights are He-scaled and normal, its biases small, its rows normal.
    """
    random = np.random.default_rng(SEED)
    widths = widths or WIDTHS[name]
    weights, biases = [], []
    for inputs, outputs in pairwise(widths):
        scale = np.float32(np.sqrt(2 / inputs))
        weights.append(random.standard_normal((outputs, inputs), dtype=np.float32) * scale)
        biases.append(random.standard_normal(outputs, dtype=np.float32) * np.float32(0.1))
    inputs = widths[0]
    calibration = random.standard_normal((CALIBRATION_ROWS, inputs), dtype=np.float32)
    rows = random.standard_normal((ROWS, inputs), dtype=np.float32)
    return Network(name, tuple(weights), tuple(biases), calibration, rows)


def write_network(network: Network, folder: Path) -> None:
    """Write the arrays, the ONNX model and the calibration rows into `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {f"weight{index}": weight for index, weight in enumerate(network.weights)}
    arrays |= {f"bias{index}": bias for index, bias in enumerate(network.biases)}
    np.savez(folder / ARRAYS_FILE, calibration=network.calibration, rows=network.rows, **arrays)
    np.save(folder / CALIBRATION_FILE, network.calibration)
    _write_onnx(network, folder / MODEL_FILE)


def read_network(folder: Path) -> Network:
    """Read what `write_network` wrote; the folder's name is the network's."""
    with np.load(folder / ARRAYS_FILE) as arrays:
        layers = sum(key.startswith("weight") for key in arrays)
        return Network(
            folder.name,
            tuple(arrays[f"weight{index}"] for index in range(layers)),
            tuple(arrays[f"bias{index}"] for index in range(layers)),
            arrays["calibration"],
            arrays["rows"],
        )


def _write_onnx(network: Network, path: Path) -> None:
    import onnx  # noqa: PLC0415 - only who writes a network needs it
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    nodes, initializers, value = [], [], "x"
    for index, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True), start=1):
        initializers += [numpy_helper.from_array(weight, f"w{index}"), numpy_helper.from_array(bias, f"b{index}")]
        last = index == len(network.weights)
        result = "y" if last else f"h{index}"
        nodes.append(helper.make_node("Gemm", [value, f"w{index}", f"b{index}"], [result], f"dense{index}", transB=1))
        value = result
        if not last:
            nodes.append(helper.make_node("Relu", [value], [f"r{index}"], f"relu{index}"))
            value = f"r{index}"
    inputs, outputs = network.weights[0].shape[1], network.weights[-1].shape[0]
    graph = helper.make_graph(
        nodes,
        "random",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", outputs])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
