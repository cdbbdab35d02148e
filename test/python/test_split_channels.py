"""If these fail, splitting channels gains nothing where a weight or a value stands out, or `compare` misreads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import quantc
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

INPUTS, HIDDEN, OUTPUTS = 24, 64, 5
OUTLIERS = 2  # channels that stand out: fewer than the share that is split
SHARE = 0.05
Array = NDArray[np.float32]


def rows(count: int, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((count, INPUTS)).astype(np.float32)


def save(path: Path, function: str) -> Path:
    """Two layers. After tanh, two columns of the second are 6 times the others; after ReLU, two channels' values."""
    random = np.random.default_rng(2)
    first = random.uniform(-1, 1, (INPUTS, HIDDEN)) / np.sqrt(INPUTS)
    second = random.uniform(-1, 1, (HIDDEN, OUTPUTS)) / np.sqrt(HIDDEN)
    if function == "Tanh":
        second[:OUTLIERS] *= 6
    else:
        first[:, :OUTLIERS] *= 6
    bias = random.standard_normal(HIDDEN) / 4
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "w0", "b0"], ["h"], "fc0"),
            helper.make_node(function, ["h"], ["r"], "act"),
            helper.make_node("Gemm", ["r", "w1"], ["y"], "fc1"),
        ],
        "g",
        [tensor("x", TensorProto.FLOAT, ["n", INPUTS])],
        [tensor("y", TensorProto.FLOAT, ["n", OUTPUTS])],
        [
            numpy_helper.from_array(array.astype(np.float32), name)
            for name, array in (("w0", first), ("b0", bias), ("w1", second))
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("split")
    return {"weights": save(folder / "weights.onnx", "Tanh"), "activations": save(folder / "values.onnx", "Relu")}


def compiled(network: Path, split: str | None, **options: str) -> quantc.Quantized:
    given = {"activations": "int8", "effort": "low", **options}
    q = quantc.quantize(network, rows(500, 3), split_channels=split, **given)  # type: ignore[arg-type]
    assert q.manifest["methods"]["split_channels"] == (split or "none")
    return q


def sqnr(q: quantc.Quantized) -> float:
    return float(q.compare(rows(500, 4))["layers"][-1]["sqnr_db"])


@pytest.mark.parametrize("by", ["weights", "activations"])
def test_what_stands_out_costs_less_in_two_halves(networks: dict[str, Path], by: str) -> None:
    whole, split = compiled(networks[by], None), compiled(networks[by], f"{by}:{SHARE}")
    assert sqnr(split) > sqnr(whole) + 1.5
    channels = HIDDEN + int(np.ceil(SHARE * HIDDEN))
    assert split.manifest["layers"][-1]["inputs"] == channels
    # Every channel, again and again: still the same function.
    assert sqnr(compiled(networks[by], f"{by}:1")) > 30


@pytest.mark.parametrize("by", ["weights", "activations"])
@pytest.mark.parametrize("equalize", ["none", "weights"])
def test_compare_knows_the_copies(networks: dict[str, Path], by: str, equalize: str) -> None:
    """Each value is compared with the float network's of the same channels, and undoing all gives that network."""
    q = compiled(networks[by], f"{by}:{SHARE}", equalize=equalize)
    found = q.compare(rows(500, 4), culprits=True)
    assert all(layer["sqnr_db"] > 30 for layer in found["layers"]), found["layers"]
    assert found["bits_equal"]
    assert found["culprits"]["undone_db"] is None or found["culprits"]["undone_db"] > 100
    assert not found["culprits"]["not_undone"]


@pytest.mark.parametrize("by", ["weights", "activations"])
def test_repairs_try_it(networks: dict[str, Path], by: str) -> None:
    q = compiled(networks[by], None, effort="default")
    flag = f"--split-channels={by}:{SHARE}"
    found = {r["flag"]: r for r in q.compare(rows(500, 4), culprits=True, calibration=rows(500, 3))["repairs"]}
    assert {flag, f"--split-channels={'weights' if by == 'activations' else 'activations'}:{SHARE}"} <= found.keys()
    assert found[flag]["gain_db"] > (1 if by == "activations" else 0)
    done = compiled(networks[by], f"{by}:{SHARE}", effort="default")
    assert sqnr(done) == pytest.approx(found[flag]["sqnr_db"], abs=0.01)
    again = done.compare(rows(500, 4), culprits=True, calibration=rows(500, 3))["repairs"]
    assert not any("--split-channels" in r["flag"] for r in again)


def test_a_search_over_bits_knows_the_copies(networks: dict[str, Path]) -> None:
    q = quantc.quantize(
        networks["weights"], rows(500, 3), weights="mixed", accuracy_budget="25dB", split_channels=f"weights:{SHARE}"
    )
    assert sqnr(q) > 24


@pytest.mark.parametrize("split", ["both:0.1", "weights", "weights:0", "weights:1.5", "weights:nan", "activations:x"])
def test_what_cannot_be_asked_for(networks: dict[str, Path], split: str) -> None:
    with pytest.raises(quantc.QuantcError, match="--split-channels"):
        quantc.quantize(networks["weights"], rows(9, 1), split_channels=split)
    with pytest.raises(TypeError, match="split_channels"):
        quantc.quantize(networks["weights"], rows(9, 1), split_channels=0.1)  # type: ignore[arg-type]
