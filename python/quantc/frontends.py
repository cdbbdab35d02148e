"""Models as quantc gets them: files as they are, and frameworks' objects through the module that turns each into ONNX.

A framework is told by the modules that define a model's class, so none is imported but the one whose model is given.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .arrays import as_numbers
from .batches import batches, is_iterator, write_batches
from .errors import QuantcError
from .frontend import Frontend

__all__ = ["FALLBACK_NAME", "FRAMEWORKS", "Framework", "Imported", "import_model"]

FALLBACK_NAME = "model"


@dataclass(frozen=True)
class Framework:
    """A framework whose models can be given.

    Attributes
    ----------
    module : str
        quantc's module for it, with ``to_onnx(model, calibration) -> bytes``; a module that has ``frontend_of(model)``
        too says how rows and results are translated. "" where there is none yet.
    extra : str
        The extra of quantc's package that installs what the module needs.
    by_hand : str
        How the user gets to ONNX without the module.
    """

    module: str
    extra: str
    by_hand: str


FRAMEWORKS = {  # by the root of the module that defines a model's class
    "sklearn": Framework("quantc.sklearn", "sklearn", "export it with skl2onnx and give the file"),
    "keras": Framework("quantc.keras", "keras", "export it with model.export(PATH, format='onnx') and give the file"),
    "torch": Framework("quantc.torch", "torch", "export it with torch.onnx.export and give the file"),
    "tensorflow": Framework("", "", "convert it with tf.lite.TFLiteConverter and give the file"),
}


@dataclass(frozen=True)
class Imported:
    """A model that the tool can read.

    Attributes
    ----------
    path : Path
        The file, ONNX's or another that the tool reads.
    calibration : any
        The calibration rows, as given or, where they could be read but once, as the path of a file of them.
    frontend : Frontend or None
        How rows and results are translated; None where the program takes and gives arrays.
    """

    path: Path
    calibration: Any
    frontend: Frontend | None = None


def import_model(model: object, calibration: Any, folder: Path) -> Imported:
    """Turn whatever the user gave as `model` into a file that the tool reads, in `folder` where it is not one already.

    Raises
    ------
    FileNotFoundError
        If a path leads to no file.
    TypeError
        If it is nothing that quantc reads.
    QuantcError
        If it is a framework's model that cannot be turned into ONNX, or the package to do so is not installed.
    """
    if isinstance(model, (str, os.PathLike)):
        path = Path(os.path.abspath(os.fspath(model)))
        if not path.is_file():
            raise FileNotFoundError(f"model: no file at {path}")
        return Imported(path, calibration)
    roots = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    path = folder / f"{FALLBACK_NAME}.onnx"  # the tool knows other formats by their content
    if isinstance(model, (bytes, bytearray, memoryview)):
        path.write_bytes(bytes(model))
        return Imported(path, calibration)
    if "onnx" in roots and hasattr(model, "SerializeToString"):
        path.write_bytes(model.SerializeToString())
        return Imported(path, calibration)
    framework = next((row for root, row in FRAMEWORKS.items() if root in roots), None)
    module = _module_of(framework) if framework is not None else None
    if module is None:
        name = f"{type(model).__module__}.{type(model).__qualname__}"
        remedy = framework.by_hand if framework is not None else "give an ONNX model"
        wanted = "the path or bytes of an ONNX or TensorFlow Lite file, or an onnx.ModelProto"
        raise TypeError(f"model: needs {wanted}, got a {name}; {remedy}")
    if hasattr(module, "frontend_of"):
        path.write_bytes(module.to_onnx(model, None))
        return Imported(path, calibration, module.frontend_of(model))
    rows = calibration
    if is_iterator(calibration):  # both the exporter and the compiler read it
        blocks = (as_numbers(block, "calibration") for block in batches(calibration, "calibration"))
        calibration = write_batches(folder / "calibration.npy", blocks, "calibration")
        rows = np.load(calibration, mmap_mode="r", allow_pickle=False)
    path.write_bytes(module.to_onnx(model, rows))
    return Imported(path, calibration)


def _module_of(framework: Framework) -> ModuleType | None:
    """Quantc's module for a framework; None if this quantc has none.

    Raises
    ------
    QuantcError
        If the module needs a package that is not installed.
    """
    if not framework.module:
        return None
    try:
        return importlib.import_module(framework.module)
    except ModuleNotFoundError as error:
        if error.name == framework.module:
            return None
        raise QuantcError(
            f"this model needs the package {error.name}, which is not installed",
            remedy=f"`pip install quantc-mlir[{framework.extra}]`",
        ) from error
