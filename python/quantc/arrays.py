"""How arrays get to the tool and back: as .npy and .npz files that hold plain numbers, never pickled objects."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import QuantcError

__all__ = ["as_numbers", "read_npy", "write_npy", "write_npz"]

NUMBERS = "biuf"  # numpy's kinds: bool, signed, unsigned, floating


def as_numbers(value: ArrayLike, what: str) -> NDArray[Any]:
    """`value` as an array of real numbers, without a copy where it is one.

    Raises
    ------
    TypeError
        If it holds anything else: objects, text, complex numbers, rows of different lengths.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:  # ragged rows
        raise TypeError(f"{what} cannot be read as one array: {error}") from error
    if array.dtype.kind not in NUMBERS:
        raise TypeError(f"{what} needs real numbers, got dtype {array.dtype}")
    return array


def write_npy(path: Path, value: ArrayLike, what: str) -> Path:
    """Write `value` as a .npy file and return its path."""
    np.save(path, np.ascontiguousarray(as_numbers(value, what)).reshape(np.shape(value)), allow_pickle=False)
    return path


def write_npz(path: Path, values: Mapping[str, ArrayLike], what: str) -> Path:
    """Write named arrays as an uncompressed .npz file and return its path.

    numpy.savez takes the names as keywords, so a tensor named "file" would be an error; hence this function.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, value in values.items():
            array = np.ascontiguousarray(as_numbers(value, f"{what} {name!r}"))
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return path


def read_npy(path: Path) -> NDArray[Any]:
    """Read what the tool wrote."""
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise QuantcError(f"the compiler's result cannot be read: {error}", where=str(path)) from error
    return array
