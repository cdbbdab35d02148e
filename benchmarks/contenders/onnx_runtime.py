"""ONNX Runtime, as the digits example uses it: its own static quantizer, its default optimizations, one thread."""

from __future__ import annotations

import sys
from pathlib import Path

from networks import MODEL_FILE, read_network

from contenders import Predict

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "digits"))

from peers import onnxruntime_predict, quantize_with_onnxruntime

QDQ_FILE = "qdq.onnx"


def prepare(folder: Path, form: str) -> None:
    """Quantize, for the integer form."""
    if form != "float":
        write_qdq(folder, folder / QDQ_FILE)


def write_qdq(folder: Path, path: Path) -> None:
    """Write ONNX Runtime's QDQ model of the network in `folder`."""
    quantize_with_onnxruntime(folder / MODEL_FILE, read_network(folder).calibration, path)


def load(folder: Path, form: str, _batch: int) -> Predict:
    """Open a session; it takes any number of rows."""
    return onnxruntime_predict(folder / (MODEL_FILE if form == "float" else QDQ_FILE))
