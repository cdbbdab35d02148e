"""If these fail, a user of the Python package does not get the network that the compiler promises, on real digits."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import quantc
from numpy.typing import NDArray
from onnx import numpy_helper
from quantc.tool import run_tool

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "digits"
sys.path.insert(0, str(EXAMPLE))

import data  # noqa: E402 - an example's modules are no package

MODEL = EXAMPLE / "digits.onnx"
LEAST_SQNR_DB = 40
MOST_ACCURACY_LOST = 0.001


@pytest.fixture(scope="module")
def digits() -> data.Digits:
    return data.load_digits()


@pytest.fixture(scope="module")
def q(digits: data.Digits) -> quantc.Quantized:
    return quantc.quantize(MODEL, digits.calibration.pixels)


@pytest.fixture(scope="module")
def float_scores(digits: data.Digits) -> NDArray[np.float64]:
    """The float network in numpy, in double precision."""
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(MODEL).graph.initializer}
    x: NDArray[Any] = digits.test.pixels.astype(np.float64)
    for index in (1, 2, 3):
        x = x @ values[f"dense{index}.weight"].T + values[f"dense{index}.bias"]
        x = np.maximum(x, 0) if index < 3 else x
    return x


def hostile_rows() -> NDArray[np.float32]:
    values = [0, -0.0, np.nan, np.inf, -np.inf, 1e-45, np.finfo(np.float32).max, -1, 255, 0.5]
    return np.asarray(np.resize(np.array(values, np.float32), (23, 784)))


def test_accuracy_and_sqnr(q: quantc.Quantized, digits: data.Digits, float_scores: NDArray[np.float64]) -> None:
    scores = q(digits.test.pixels)
    lost = (float_scores.argmax(1) == digits.test.labels).mean() - (scores.argmax(1) == digits.test.labels).mean()
    assert lost <= MOST_ACCURACY_LOST
    noise = np.square(float_scores - scores).sum()
    assert 10 * np.log10(np.square(float_scores).sum() / noise) >= LEAST_SQNR_DB


@pytest.mark.parametrize("batch", [1, 3, 5, 23, 256])
def test_bits_are_the_reference_interpreters(q: quantc.Quantized, digits: data.Digits, batch: int) -> None:
    rows = digits.test.pixels[:batch]
    assert q(rows).tobytes() == quantc.reference(q, rows).tobytes()


def test_bits_with_nan_and_infinities(q: quantc.Quantized) -> None:
    rows = hostile_rows()
    scores = q(rows)
    assert np.isfinite(scores).all()
    assert scores.tobytes() == quantc.reference(q, rows).tobytes()


def test_a_row_has_the_same_bits_in_every_batch(q: quantc.Quantized, digits: data.Digits) -> None:
    rows = digits.test.pixels[:37]
    together = q(rows)
    for index in range(len(rows)):
        assert q(rows[index : index + 1]).tobytes() == together[index : index + 1].tobytes()


def test_path_bytes_and_proto_give_the_same_bits(q: quantc.Quantized, digits: data.Digits) -> None:
    rows = digits.test.pixels[:16]
    for model in (MODEL.read_bytes(), onnx.load(MODEL)):
        assert quantc.quantize(model, digits.calibration.pixels)(rows).tobytes() == q(rows).tobytes()


def test_save_load_and_rename(q: quantc.Quantized, digits: data.Digits, tmp_path: Path) -> None:
    rows = digits.test.pixels[:16]
    same, renamed = q.save(tmp_path), q.save(tmp_path, name="mnist")
    assert "void mnist_run(" in renamed.with_suffix(".h").read_text()
    for path in (same, renamed):
        loaded = quantc.load(path)
        assert loaded(rows).tobytes() == q(rows).tobytes() == quantc.reference(loaded, rows).tobytes()


def test_compiling_twice_gives_the_same_files(q: quantc.Quantized, digits: data.Digits) -> None:
    again = quantc.quantize(MODEL, digits.calibration.pixels)
    for suffix in (".o", ".h", ".so", ".json"):
        assert again.path.with_suffix(suffix).read_bytes() == q.path.with_suffix(suffix).read_bytes(), suffix


def test_print(q: quantc.Quantized) -> None:
    lines = str(q).splitlines()
    assert lines[0].startswith("Quantized network 'digits', target ")
    assert any("pixels  float32 (rows, 784), scale 0.00392" in line for line in lines)
    assert sum("qdense" in line for line in lines) == 3


def test_compare(q: quantc.Quantized, digits: data.Digits) -> None:
    rows = slice(0, 200)
    comparison = q.compare(digits.test.pixels[rows], labels=digits.test.labels[rows])
    assert comparison["rows"] == 200
    assert comparison["bits_equal"] is True
    assert comparison["integer_accuracy"] >= comparison["float_accuracy"] - MOST_ACCURACY_LOST * 5
    assert comparison["layers"][-1]["sqnr_db"] >= LEAST_SQNR_DB
    assert "SQNR dB" in str(comparison)


def test_progress(digits: data.Digits) -> None:
    seen: list[tuple[str, int, int]] = []
    quantc.quantize(MODEL, digits.calibration.pixels, progress=lambda *event: seen.append(event))
    assert seen
    assert all(stage and 0 <= done <= total for stage, done, total in seen if total)


@pytest.mark.parametrize(
    ("change", "calibration"),
    [
        (lambda model: model[:1000], np.zeros((4, 784), np.float32)),
        (lambda model: b"", np.zeros((4, 784), np.float32)),
        (lambda model: b"\xff" * 100, np.zeros((4, 784), np.float32)),
        (lambda model: model, np.zeros((4, 783), np.float32)),
        (lambda model: model, np.zeros((4, 28, 27), np.float32)),
        (lambda model: model, np.full((4, 784), np.nan, np.float32)),
    ],
    ids=["cut", "empty", "noise", "width", "rank", "nan"],
)
def test_bad_models_and_data_are_one_clear_error(change: Any, calibration: NDArray[np.float32]) -> None:
    with pytest.raises(quantc.QuantcError) as caught:
        quantc.quantize(change(MODEL.read_bytes()), calibration)
    assert caught.value.exit_code == 1
    assert len(str(caught.value).strip()) > 20


def test_wrong_flag_is_wrong_usage(digits: data.Digits) -> None:
    with pytest.raises(quantc.QuantcError) as caught:
        quantc.quantize(MODEL, digits.calibration.pixels, cpu="no-such-cpu")
    assert caught.value.exit_code in (1, 2)
    assert "no-such-cpu" in str(caught.value)


@pytest.mark.parametrize(("cpu", "largest"), [("haswell", 148), ("cascadelake", 255), ("neoverse-n1", 255)])
def test_speed_narrows_activations_only_where_it_helps(
    digits: data.Digits, tmp_path: Path, cpu: str, largest: int
) -> None:
    np.save(tmp_path / "rows.npy", digits.calibration.pixels)
    arguments: list[str | Path] = ["--calibration", tmp_path / "rows.npy", "-o", tmp_path / "out"]
    arguments += ["--name", "digits", "--emit=object"]
    target = "--target=aarch64-linux-gnu" if cpu.startswith("neoverse") else "--target=x86_64-linux-gnu"
    run_tool(["compile", MODEL, *arguments, target, f"--cpu={cpu}", "--prefer=speed", "--progress=json"])
    layers = json.loads((tmp_path / "out" / "digits.json").read_text())["layers"]
    assert {layer["input_range"][1] for layer in layers if layer["op"] == "qdense"} == {largest}


@pytest.mark.parametrize(
    ("target", "slower"),
    [
        ("--target=x86_64-linux-gnu --cpu=haswell", 0),
        ("--target=aarch64-linux-gnu --cpu=cortex-a53", 0),
        # 784 inputs become 13 groups of 64, by code without any instruction for them.
        ("--target=riscv64-linux-gnu --cpu=portable --weights=int4", 1),
    ],
)
def test_ledger_names_layers_slower_than_float(digits: data.Digits, tmp_path: Path, target: str, slower: int) -> None:
    np.save(tmp_path / "rows.npy", digits.calibration.pixels)
    arguments: list[str | Path] = ["--calibration", tmp_path / "rows.npy", "-o", tmp_path / "out"]
    arguments += ["--name", "digits", "--emit=object"]
    run_tool(["compile", MODEL, *arguments, *target.split(), "--progress=json"])
    ledger = json.loads((tmp_path / "out" / "digits.json").read_text())["ledger"]
    assert [entry["op"] for entry in ledger] == ["qdense"] * slower
    assert all("times the time of a float layer" in entry["reason"] for entry in ledger)
