"""If these fail, the ledger says an error of an op that is not the one it makes, or no reason for its bits."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import two_layers
from numpy.typing import NDArray
from quantc.tool import find_tool


def compile_network(folder: Path, name: str, *flags: str) -> dict[str, dict[str, Any]]:
    """The layers' records by name; the program is in `folder`/`name`, its graph of integers in `folder`/graph."""
    model, rows = folder / "net.onnx", folder / "rows.npy"
    command: list[str | Path] = [find_tool(), "compile", model, "--calibration", rows, "--name=net", *flags]
    subprocess.run([*command, "-o", folder / name], check=True)
    subprocess.run([*command, "-o", folder / "graph", "--to=quantize"], check=True)
    layers = json.loads((folder / name / "net.json").read_text())["layers"]
    return {layer["name"]: layer for layer in layers}


def ledger_lines(folder: Path) -> list[str]:
    done = subprocess.run([find_tool(), "inspect", folder, "--ledger"], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def decibels(signal: NDArray[np.float64], error: NDArray[np.float64]) -> float:
    return float(10 * np.log10((signal**2).sum() / (error**2).sum()))


def stored(values: NDArray[np.float64], layer: dict[str, Any]) -> NDArray[np.float64]:
    """What comes back of values that are stored as the layer stores its result."""
    scale, zero = layer["output_scale"], layer["output_zero_point"]
    return np.asarray((np.clip(np.rint(values / scale) + zero, 0, 255) - zero) * scale)


def test_figures_are_what_numpy_measures(tmp_path: Path) -> None:
    path, rows = two_layers.save(tmp_path, rows=600)
    layers = compile_network(tmp_path, "out", "--activations=int8", "--method=minmax", "--effort=default")
    assert "storage_sqnr_db" not in layers["x"]  # nobody asked, so nothing was measured
    layers = compile_network(tmp_path, "out", "--activations=int8", "--effort=default")
    w1, w2 = two_layers.float_weights(path)
    x = rows.astype(np.float64)
    hidden = np.maximum(x @ w1.T, 0)
    y = hidden @ w2.T
    # Of the input, and of the hidden layer: stored alone, all else in float.
    for name, outputs in (
        ("x", np.maximum(stored(x, layers["x"]) @ w1.T, 0) @ w2.T),
        ("relu1", stored(hidden, layers["relu1"]) @ w2.T),
    ):
        assert layers[name]["storage_sqnr_db"] == pytest.approx(decibels(y, outputs - y), abs=0.5), name
    assert "storage_sqnr_db" not in layers["fc2"]  # its result is float
    # Of weights: their scale is that of the largest one of each channel, or what compensation left it.
    integers = two_layers.integer_weights((tmp_path / "graph/net.mlir").read_text())
    for name, w, q, data in (("relu1", w1, integers[0], x), ("fc2", w2, integers[1], hidden)):
        scale = np.abs(w).max(1, keepdims=True) / 127
        error = data @ (q * scale - w).T
        error -= error.mean(0)  # which the bias takes up
        expected = decibels(data @ w.T, error)
        assert layers[name]["weights_sqnr_db"] == pytest.approx(expected, abs=0.1), name
    lines = ledger_lines(tmp_path / "out")
    for name in ("x", "relu1"):
        line = next(line for line in lines if name in line.split("  ")[0])
        assert f"{layers[name]['storage_sqnr_db']:.1f}" in re.split(r"  +", line)
    assert f"{layers['fc2']['weights_sqnr_db']:.1f}" in re.split(r"  +", next(n for n in lines if n.startswith("fc2")))


def test_a_widened_layer_says_why(tmp_path: Path) -> None:
    two_layers.save(tmp_path, rows=600)
    narrow = compile_network(tmp_path, "narrow", "--activations=int8")
    wide = compile_network(tmp_path, "wide")
    assert wide["relu1"]["input_bits"] == 16
    in_bytes = wide["x"]["storage_sqnr_db"]
    assert in_bytes == pytest.approx(narrow["x"]["storage_sqnr_db"], abs=0.01), "the figure is that of 8 bits"
    assert wide["relu1"]["input_note"] == f"15 bits: in 8 its input alone would leave {in_bytes:.1f} dB"
    assert "input_note" not in narrow["relu1"]
    lines = ledger_lines(tmp_path / "wide")
    assert f"{in_bytes:.1f} in 8 bits" in next(line for line in lines if line.startswith("x "))
    assert wide["relu1"]["input_note"] in next(line for line in lines if "relu1" in line.split("  ")[0])


def test_frozen_and_nearest_weights_have_no_less_error(tmp_path: Path) -> None:
    two_layers.save(tmp_path, rows=600)
    compensated = compile_network(tmp_path, "compensated", "--activations=int8")
    frozen = compile_network(tmp_path, "frozen", "--activations=int8", "--freeze=*")
    for name in ("relu1", "fc2"):
        assert frozen[name]["weights_sqnr_db"] < compensated[name]["weights_sqnr_db"]
