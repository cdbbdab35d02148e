"""quantc's programs: the C function itself, in a loop of C, and the same called through quantc's Python module."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import quantc
from networks import CALIBRATION_FILE, MODEL_FILE, Floats, read_network
from plain_c import COMPILER
from quantc.tool import run_tool

from contenders import DEFAULT_FORM, PYTHON_FORM, SPEED_FLAG, Predict

LOOP = """
#include <stddef.h>
typedef void (*Run)(const float *, float *, size_t, void *);
void repeat(Run run, const float *x, float *y, size_t rows, void *workspace, size_t calls) {
  for (size_t i = 0; i < calls; ++i) run(x, y, rows, workspace);
}
"""
ALIGNMENT = 64


def program_folder(folder: Path, form: str) -> Path:
    """Give the folder of a form's program; the form called from Python has the same program as that called from C."""
    return folder / ("quantc" if form == DEFAULT_FORM else "quantc-speed")


def compile_network(folder: Path, form: str, flags: Sequence[str]) -> Path:
    """Compile the network in `folder` and give its library; its object, header and integer network lie beside it."""
    return compile_program(
        folder, program_folder(folder, form), [*flags, *([] if form == DEFAULT_FORM else [SPEED_FLAG])]
    )


def compile_program(folder: Path, into: Path, flags: Sequence[str]) -> Path:
    """Compile the network in `folder` into another, and give its library."""
    command: list[str | Path] = ["compile", folder / MODEL_FILE, "--calibration", folder / CALIBRATION_FILE, *flags]
    run_tool([*command, "-o", into, "--name", folder.name, "--progress=json"])
    return into / f"{folder.name}.so"


def library(folder: Path, form: str) -> Path:
    """Give the path of the library that `compile_network` makes."""
    return program_folder(folder, form) / f"{folder.name}.so"


class CFunction:
    """`NAME_run` of a program on a batch of a fixed size: one call, or many in a loop of C."""

    def __init__(self, program: Path, loop: Path, batch: int, outputs: int) -> None:
        self._program, loops = ctypes.CDLL(str(program)), ctypes.CDLL(str(loop))
        self._run = self._program[f"{program.stem}_run"]
        size = self._program[f"{program.stem}_workspace_size"]
        size.restype, size.argtypes = ctypes.c_size_t, [ctypes.c_size_t]
        self._repeat = loops.repeat
        self._repeat.restype = None
        self._repeat.argtypes = [*[ctypes.c_void_p] * 3, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t]
        self._results: Floats = np.empty((batch, outputs), np.float32)
        self._memory = np.empty(size(batch) + ALIGNMENT, np.uint8)
        self._workspace = -(-self._memory.ctypes.data // ALIGNMENT) * ALIGNMENT

    def __call__(self, rows: Floats) -> Floats:
        """Run once."""
        self.repeat(rows, 1)
        return self._results[: len(rows)]

    def repeat(self, rows: Floats, calls: int) -> None:
        """Run `calls` times."""
        run = ctypes.cast(self._run, ctypes.c_void_p)
        self._repeat(run, rows.ctypes.data, self._results.ctypes.data, len(rows), self._workspace, calls)


def prepare(folder: Path, form: str) -> None:
    """See that the library is there, and make the loop that calls it."""
    if not library(folder, form).is_file():
        raise FileNotFoundError(f"no compiled network at {library(folder, form)}")
    if form == PYTHON_FORM:
        return
    make_loop(program_folder(folder, form))


def make_loop(folder: Path) -> Path:
    """Compile the loop that calls a program, and give its library."""
    source = folder / "loop.c"
    source.write_text(LOOP)
    command: list[str | Path] = [COMPILER, "-O2", "-shared", "-fPIC", source, "-o", source.with_suffix(".so")]
    subprocess.run(command, check=True, capture_output=True)
    return source.with_suffix(".so")


def load(folder: Path, form: str, batch: int) -> Predict:
    """Open the library; it takes any number of rows."""
    program = library(folder, form)
    if form == PYTHON_FORM:
        return quantc.load(program).predict
    outputs = len(read_network(folder).biases[-1])
    return CFunction(program, program_folder(folder, form) / "loop.so", batch, outputs)
