"""ONNX Runtime on the same network and rows, on one thread, and fair timing of several contenders in one run."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Predict = Callable[[Floats], Floats]

SECONDS_A_TURN = 4e-3  # how long a contender runs before the next one has its turn
TURNS = 60


class Rows:
    """Calibration rows in the form that ONNX Runtime's quantizer reads: one batch, then the end."""

    def __init__(self, name: str, rows: Floats) -> None:
        self._batches: Iterator[dict[str, Floats]] = iter([{name: rows}])

    def get_next(self) -> dict[str, Floats] | None:
        """Give the next batch by input name, and None after the last."""
        return next(self._batches, None)


def quantize_with_onnxruntime(model: Path, rows: Floats, output: Path) -> None:
    """ONNX Runtime's static int8: QDQ, weights per channel, ranges by min-max over `rows`, all else its default."""
    from onnxruntime.quantization import (  # noqa: PLC0415 - half a second that only this function needs
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    name = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).get_inputs()[0].name
    CalibrationDataReader.register(Rows)
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)  # it advises a pre-processing step that changes nothing here
    try:
        quantize_static(
            model,
            output,
            Rows(name, rows),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    finally:
        logging.root.setLevel(level)


def onnxruntime_predict(model: Path) -> Predict:
    """A function of one array that runs `model` on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def predict(x: Floats) -> Floats:
        result: Any = session.run(None, {name: x})[0]
        return np.asarray(result)

    return predict


@dataclass(frozen=True)
class Timing:
    """Seconds a call: the best turn's and the median turn's mean."""

    best: float
    median: float


def time_side_by_side(contenders: Mapping[str, Predict], x: Floats) -> dict[str, Timing]:
    """Time all contenders on `x`, a few milliseconds each in turn, so that a busy moment hits them all alike."""
    repeats = {}
    for name, predict in contenders.items():
        predict(x)
        repeats[name] = max(1, int(SECONDS_A_TURN / _seconds(predict, x, 3)))
    turns: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(TURNS):
        for name, predict in contenders.items():
            turns[name].append(_seconds(predict, x, repeats[name]))
    return {name: Timing(min(values), statistics.median(values)) for name, values in turns.items()}


def _seconds(predict: Predict, x: Floats, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        predict(x)
    return (time.perf_counter() - start) / repeats
