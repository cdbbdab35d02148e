"""quantc, called through its own Python module. The parent compiles the network before, with the user's flags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import quantc
from networks import CALIBRATION_FILE, MODEL_FILE
from quantc.tool import run_tool

from contenders import Predict

PROGRAM_FOLDER = "quantc"


def compile_network(folder: Path, flags: Sequence[str]) -> Path:
    """Compile the network in `folder` and give its library; its object, header and integer network lie beside it."""
    program = folder / PROGRAM_FOLDER
    command: list[str | Path] = ["compile", folder / MODEL_FILE, "--calibration", folder / CALIBRATION_FILE, *flags]
    run_tool([*command, "-o", program, "--name", folder.name, "--progress=json"])
    return library(folder)


def library(folder: Path) -> Path:
    """Give the path of the library that `compile_network` makes."""
    return folder / PROGRAM_FOLDER / f"{folder.name}.so"


def prepare(folder: Path, _form: str) -> None:
    """See that the library is there."""
    if not library(folder).is_file():
        raise FileNotFoundError(f"no compiled network at {library(folder)}")


def load(folder: Path, _form: str, _batch: int) -> Predict:
    """Open the library; it takes any number of rows."""
    return quantc.load(library(folder)).predict
