"""If these fail, a network that Brevitas trained for integers runs with other integers than it was trained for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import quantc
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from quantc.quantized import run_interpreter

DOMAIN = "qonnx.custom_op.general"
Doubles = NDArray[np.float64]


class Network:
    """8-32-3 with ReLU: Quant behind the input, the weights and the ReLU, as `export_qonnx` writes it, and in numpy."""

    def __init__(
        self, input_bits: int, weight_bits: int, hidden_bits: int, per_channel: bool = False, mode: str = "ROUND"
    ) -> None:
        random = np.random.default_rng(7)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._biases = [random.normal(size=n).astype(np.float32) * np.float32(0.1) for n in (32, 3)]
        self._weights = [random.normal(size=shape).astype(np.float32) for shape in ((32, 8), (3, 32))]
        self._bits = (input_bits, weight_bits, hidden_bits)
        self._mode = mode  # of the hidden values
        most = 2 ** (weight_bits - 1) - 1
        self._steps = [np.abs(w).max(axis=1 if per_channel else None, keepdims=True) / most for w in self._weights]
        self._steps = [step.astype(np.float32) for step in self._steps]
        self._input_step = np.float32(4 / 2 ** (input_bits - 1))
        self.hidden_step: Any = np.float32(12 / 2**hidden_bits)

    def _constant(self, name: str, value: Any) -> str:
        self._constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def _quant(self, value: str, step: Any, bits: int, signed: bool, narrow: bool, mode: str = "ROUND") -> str:
        names = [
            self._constant(f"{value}_{what}", number) for what, number in (("step", step), ("zero", 0), ("bits", bits))
        ]
        flags = {"signed": int(signed), "narrow": int(narrow), "rounding_mode": mode}
        self._nodes.append(helper.make_node("Quant", [value, *names], [f"{value}_q"], domain=DOMAIN, **flags))
        return f"{value}_q"

    def write(self, path: Path) -> Path:
        input_bits, weight_bits, hidden_bits = self._bits
        value = self._quant("x", self._input_step, input_bits, signed=True, narrow=False)
        for layer, (weights, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            w = self._constant(f"w{layer}", weights)
            w = self._quant(w, self._steps[layer], weight_bits, signed=True, narrow=True)
            b, y = self._constant(f"b{layer}", bias), f"y{layer}"
            self._nodes.append(helper.make_node("Gemm", [value, w, b], [y], name=f"fc{layer}", transB=1))
            if layer == 0:
                self._nodes.append(helper.make_node("Relu", [y], ["h"], name="relu"))
                value = self._quant("h", self.hidden_step, hidden_bits, False, False, self._mode)
        graph = helper.make_graph(
            self._nodes,
            "brevitas",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 8])],
            [helper.make_tensor_value_info("y1", onnx.TensorProto.FLOAT, ["N", 3])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 2)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
        return path

    def largest_step(self) -> float:
        """The most that one step of a hidden value changes an output."""
        return float(self.hidden_step * np.abs(self._weights[1]).max())

    def __call__(self, x: Doubles) -> Doubles:
        """Round to the nearest, clip to the integers of the bits, scale back: in f64."""

        def grid(values: Any, step: Any, least: int, most: int) -> Doubles:
            return np.asarray(np.clip(np.round(np.asarray(values, np.float64) / step), least, most) * step)

        input_bits, weight_bits, hidden_bits = self._bits
        half, most = 2 ** (input_bits - 1), 2 ** (weight_bits - 1) - 1
        value = grid(x, np.float64(self._input_step), -half, half - 1)
        first, second = (
            grid(w, step.astype(np.float64), -most, most) for w, step in zip(self._weights, self._steps, strict=True)
        )
        hidden = np.maximum(value @ first.T + self._biases[0], 0)
        if self._mode == "FLOOR":
            hidden -= self.hidden_step / 2
        hidden = grid(hidden, np.float64(self.hidden_step), 0, 2**hidden_bits - 1)
        return np.asarray(hidden @ second.T + self._biases[1])


NETWORKS = [(8, 8, 8, False), (8, 4, 4, False), (8, 4, 8, True), (3, 2, 2, False), (4, 3, 5, True)]


@pytest.mark.parametrize(("input_bits", "weight_bits", "hidden_bits", "per_channel"), NETWORKS)
def test_the_same_integers(
    tmp_path: Path, input_bits: int, weight_bits: int, hidden_bits: int, per_channel: bool
) -> None:
    network = Network(input_bits, weight_bits, hidden_bits, per_channel)
    model = network.write(tmp_path / "m.onnx")
    x = np.random.default_rng(8).normal(size=(500, 8)).astype(np.float32) * 2
    expected = network(x.astype(np.float64))
    np.testing.assert_allclose(run_interpreter(model, [x], ["x"], 1), expected, rtol=1e-4, atol=1e-4)
    q = quantc.quantize(model, x, require_int=True)
    # Biases are integers of the accumulator: a hidden value next to halfway between two integers may go either way.
    error = np.abs(q.predict(x) - expected).max(axis=1)
    assert np.mean(error > 1e-4) <= 0.1
    assert error.max() <= 2 * network.largest_step()
    layers = [layer for layer in q.manifest["layers"] if layer["op"] == "qdense"]
    assert [layer["input_bits"] for layer in layers] == [8, 8]
    assert layers[1]["input_scale"] == pytest.approx(12 / 2**hidden_bits)


@pytest.mark.parametrize(("hidden_bits", "mode"), [(12, "ROUND"), (8, "FLOOR")])
def test_other_grids_are_looked_up(tmp_path: Path, hidden_bits: int, mode: str) -> None:
    network = Network(8, 8, hidden_bits, mode=mode)
    x = np.random.default_rng(8).normal(size=(500, 8)).astype(np.float32)
    q = quantc.quantize(network.write(tmp_path / "m.onnx"), x)
    assert [layer["op"] for layer in q.manifest["layers"]] == ["quantize", "qdense", "lookup", "qdense"]
    expected = network(x.astype(np.float64))
    assert np.square(q.predict(x) - expected).sum() < 1e-3 * np.square(expected).sum()


def test_a_step_for_each_channel_between_layers_is_an_error(tmp_path: Path) -> None:
    network = Network(8, 8, 8)
    network.hidden_step = np.linspace(0.03, 0.06, 32).astype(np.float32)
    with pytest.raises(quantc.QuantcError, match=r"h_q: .* has no integer form and stands between dense layers"):
        quantc.quantize(network.write(tmp_path / "m.onnx"), np.ones((50, 8), np.float32))


def test_bytes_down_to_the_lowest_stay_as_they_are(tmp_path: Path) -> None:
    """Weights from -128 to 127, as PyTorch's exporters write them: a grid to -127 would move all of them."""
    random = np.random.default_rng(9)
    weights = random.integers(-128, 128, (4, 16)).astype(np.float32)
    weights[:, 0] = -128
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w"], ["y"], name="fc", transB=1)],
        "bytes",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 16])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 4])],
        [numpy_helper.from_array(weights * np.float32(0.013), "w")],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "m.onnx")
    x = random.integers(-127, 128, (64, 16)).astype(np.float32)  # on a grid too
    x[0], x[1] = 127, -127
    fixed = {"x": (-127.0, 128.0)}
    got = quantc.quantize(tmp_path / "m.onnx", x, activations="int8", fix_range=fixed, effort="low").predict(x)
    np.testing.assert_allclose(got, x @ weights.T * np.float32(0.013), rtol=1e-5, atol=1e-4)
