"""LiteRT with XNNPACK, on .tflite files that `tflite_file` writes.

Its interpreter, not its newer CompiledModel, which took three times as long for the smallest network and a third
longer for the next.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ai_edge_litert.interpreter import Interpreter
from networks import Floats, read_network

from contenders import Predict, tflite_file

WRITERS = {
    "float": tflite_file.write_float,
    "int8": tflite_file.write_int8,
    "int8 dynamic": tflite_file.write_dynamic,
}


def model_file(folder: Path, form: str) -> Path:
    """Where a form's model lies."""
    return folder / f"{form.replace(' ', '-')}.tflite"


def prepare(folder: Path, form: str) -> None:
    """Write the form's model."""
    WRITERS[form](read_network(folder), model_file(folder, form))


def load(folder: Path, form: str, batch: int) -> Predict:
    """Open an interpreter for exactly `batch` rows."""
    interpreter: Any = Interpreter(str(model_file(folder, form)), num_threads=1)
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(source, [batch, read_network(folder).rows.shape[1]])
    interpreter.allocate_tensors()

    def predict(x: Floats) -> Floats:
        interpreter.set_tensor(source, x)
        interpreter.invoke()
        result: Floats = interpreter.get_tensor(target)
        return result

    return predict
