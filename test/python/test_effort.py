"""If these fail, --effort does not make networks more accurate, or a compilation depends on the order of its rows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
import quantc
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

INPUTS, HIDDEN, OUTPUTS, SOURCES = 96, 80, 6, 12
Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three layers with relu between them."""
    generator = np.random.default_rng(1)
    nodes, constants, value = [], [], "x"
    widths = (INPUTS, HIDDEN, HIDDEN, OUTPUTS)
    for index, (columns, rows) in enumerate(pairwise(widths)):
        weights = generator.normal(0, 1.4 / columns**0.5, (columns, rows)).astype(np.float32)
        bias = generator.normal(0, 0.1, rows).astype(np.float32)
        constants += [numpy_helper.from_array(weights, f"w{index}"), numpy_helper.from_array(bias, f"b{index}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{index}", f"b{index}"], [f"h{index}"], f"fc{index}"))
        value = f"h{index}"
        if rows != OUTPUTS:
            nodes.append(helper.make_node("Relu", [value], [f"r{index}"], f"relu{index}"))
            value = f"r{index}"
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", INPUTS])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["n", OUTPUTS])],
        constants,
    )
    path = tmp_path_factory.mktemp("effort") / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), path)
    return path


def rows(count: int, seed: int) -> Array:
    """Correlated inputs: mixtures of a few sources."""
    mix = np.random.default_rng(2).normal(size=(SOURCES, INPUTS))
    return np.asarray(np.tanh(np.random.default_rng(seed).normal(size=(count, SOURCES)) @ mix / 3), np.float32)


def expected(network: Path, x: Array) -> Array:
    constants = {c.name: numpy_helper.to_array(c) for c in onnx.load(network).graph.initializer}
    value = x.astype(np.float64)
    for index in range(3):
        value = value @ constants[f"w{index}"] + constants[f"b{index}"]
        if index < 2:
            value = np.maximum(value, 0)
    return value.astype(np.float32)


def sqnr(network: Path, effort: str, weights: str) -> float:
    q = quantc.quantize(network, rows(1500, 3), weights=weights, effort=effort)
    x = rows(1000, 4)
    want = expected(network, x)
    return float(10 * np.log10((want**2).sum() / ((q.predict(x) - want) ** 2).sum()))


def test_errors_of_weights_cancel(network: Path) -> None:
    low, default, high = (sqnr(network, effort, "int4") for effort in ("low", "default", "high"))
    assert default > low + 5
    assert high > default + 0.1


def test_eight_bits_do_not_lose(network: Path) -> None:
    low, default, high = (sqnr(network, effort, "int8") for effort in ("low", "default", "high"))
    assert default > low
    assert high > low


@pytest.mark.parametrize("effort", ["default", "high"])
def test_order_of_rows_changes_nothing(network: Path, effort: str) -> None:
    calibration, x = rows(700, 3), rows(50, 4)
    order = np.random.default_rng(5).permutation(len(calibration))
    first, second = (
        quantc.quantize(network, data, weights="int4", effort=effort).predict(x)
        for data in (calibration, calibration[order])
    )
    np.testing.assert_array_equal(first, second)
