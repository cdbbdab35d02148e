"""If these fail, a frozen layer's weights are not the nearest ones, or freezing one layer freezes others."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import two_layers
from numpy.typing import NDArray
from quantc.tool import find_tool


def weights(folder: Path, *flags: str) -> list[NDArray[np.int8]]:
    out = folder / ("out" + "".join(flags).replace("/", "_"))
    subprocess.run(
        [find_tool(), "compile", folder / "net.onnx", "--calibration", folder / "rows.npy", "-o", out, "--name=net",
         "--to=quantize", "--activations=int8", *flags],
        check=True,
    )  # fmt: skip
    found = two_layers.integer_weights((out / "net.mlir").read_text())
    assert [w.shape for w in found] == [(16, 12), (4, 16)]
    return found


@pytest.mark.parametrize("frozen", [0, 1])
@pytest.mark.parametrize("flags", [("--effort=default",), ("--effort=high",), ("--effort=default", "--prune=2:4")])
def test_one_layer_of_two(tmp_path: Path, frozen: int, flags: tuple[str, ...]) -> None:
    path, _ = two_layers.save(tmp_path, rows=300)
    nearest = weights(tmp_path, "--effort=low")
    for q, w in zip(nearest, two_layers.float_weights(path), strict=True):
        scale = np.abs(w).max(1, keepdims=True) / 127
        np.testing.assert_array_equal(q, np.rint(w / scale))
    made = weights(tmp_path, *flags, f"--freeze={('relu1', 'fc2')[frozen]}")
    np.testing.assert_array_equal(made[frozen], nearest[frozen])
    other = 1 - frozen
    assert (made[other] != nearest[other]).any()
    # Without the flag the layer is not as it is by chance.
    assert (weights(tmp_path, *flags)[frozen] != nearest[frozen]).any()
