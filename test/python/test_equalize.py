"""If these fail, equalization gains nothing where channels differ in size, or `compare` misreads its programs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
import quantc
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIZES = (24, 64, 64, 5)
SPREAD = 4  # hidden channels are 2^-4 to 2^4 times what they would be
Array = NDArray[np.float32]


def rows(count: int, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((count, SIZES[0])).astype(np.float32)


def save(path: Path, spread: int) -> Path:
    """Three layers, ReLU and LeakyReLU between them; the function is the same, to the bit, whatever the spread."""
    random = np.random.default_rng(1)
    scales = [np.ones(SIZES[0])] + [2.0 ** random.integers(-spread, spread + 1, n) for n in SIZES[1:-1]]
    scales.append(np.ones(SIZES[-1]))
    random = np.random.default_rng(2)
    constants, nodes, value = [], [], "x"
    for i, (a, b) in enumerate(pairwise(SIZES)):
        weights = (random.standard_normal((a, b)) / np.sqrt(a / 2)).astype(np.float32)
        bias = (random.standard_normal(b) / 4).astype(np.float32)
        weights = (weights / scales[i][:, None] * scales[i + 1]).astype(np.float32)
        constants += [numpy_helper.from_array(weights, f"w{i}")]
        constants += [numpy_helper.from_array((bias * scales[i + 1]).astype(np.float32), f"b{i}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [f"h{i}"], f"fc{i}"))
        value = f"h{i}"
        if b != SIZES[-1]:
            nodes.append(helper.make_node(("Relu", "LeakyRelu")[i], [value], [f"r{i}"], f"act{i}"))
            value = f"r{i}"
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [tensor("x", TensorProto.FLOAT, ["n", SIZES[0]])],
        [tensor(value, TensorProto.FLOAT, ["n", SIZES[-1]])],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("equalize")
    return {"even": save(folder / "even.onnx", 0), "spread": save(folder / "spread.onnx", SPREAD)}


def sqnr(network: Path, equalize: str) -> float:
    q = quantc.quantize(network, rows(500, 3), activations="int8", equalize=equalize)
    assert q.manifest["methods"]["equalize"] == equalize
    return float(q.compare(rows(500, 4))["layers"][-1]["sqnr_db"])


def test_channels_of_unlike_size_cost_nothing_when_equalized(networks: dict[str, Path]) -> None:
    even, spread = sqnr(networks["even"], "none"), sqnr(networks["spread"], "none")
    assert spread < even - 6, "the network has nothing to gain"
    for how in ("weights", "activations"):
        assert sqnr(networks["spread"], how) > spread + 6, how
        assert sqnr(networks["even"], how) > even - 3, how


def test_high_effort_finds_out_by_itself(networks: dict[str, Path]) -> None:
    x, y = rows(500, 3), rows(500, 4)
    for name, chosen in (("spread", {"weights", "activations"}), ("even", {"none"})):
        high = quantc.quantize(networks[name], x, activations="int8", effort="high")
        assert high.manifest["methods"]["equalize"] in chosen
    plain = quantc.quantize(networks["spread"], x, activations="int8", effort="high", equalize="none")
    assert plain.manifest["methods"]["equalize"] == "none"
    best = quantc.quantize(networks["spread"], x, activations="int8", effort="high")
    assert best.compare(y)["layers"][-1]["sqnr_db"] > plain.compare(y)["layers"][-1]["sqnr_db"] + 6


@pytest.mark.parametrize("equalize", ["weights", "activations"])
def test_compare_knows_the_scales(networks: dict[str, Path], equalize: str) -> None:
    """Each value is compared with the float network's of the same scale, and undoing all gives that network."""
    q = quantc.quantize(networks["spread"], rows(500, 3), activations="int8", equalize=equalize)
    found = q.compare(rows(500, 4), culprits=True)
    layers = {layer["name"]: layer["sqnr_db"] for layer in found["layers"]}
    assert all(layers[name] > 30 for name in ("act0", "act1")), layers
    assert found["bits_equal"]
    culprits = found["culprits"]
    assert culprits["undone_db"] is None or culprits["undone_db"] > 100
    assert not culprits["not_undone"]


def test_repairs_try_it(networks: dict[str, Path]) -> None:
    q = quantc.quantize(networks["spread"], rows(500, 3), activations="int8")
    x = rows(500, 4)
    repairs = {r["flag"]: r for r in q.compare(x, culprits=True, calibration=rows(500, 3))["repairs"]}
    for how in ("weights", "activations"):
        assert repairs[f"--equalize={how}"]["gain_db"] > 6
    done = quantc.quantize(networks["spread"], rows(500, 3), activations="int8", equalize="weights")
    assert done.compare(x)["layers"][-1]["sqnr_db"] == pytest.approx(repairs["--equalize=weights"]["sqnr_db"], abs=0.01)
    again = done.compare(x, culprits=True, calibration=rows(500, 3))["repairs"]
    assert not any("--equalize" in r["flag"] for r in again)


def test_what_cannot_be_asked_for(networks: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="equalize"):
        quantc.quantize(networks["even"], rows(9, 1), equalize="both")
