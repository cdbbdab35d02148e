"""The user's rows and labels as files for the tool's command line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import as_numbers, write_npy, write_npz
from .batches import batches, comes_in_batches, dense, write_batches
from .errors import QuantcError

__all__ = ["Rows", "checked_rows", "data_argument"]

Rows: TypeAlias = Any
"""An array, a mapping of input name to array, a path, or rows as `quantc.batches.batches` reads them."""

FILE_SUFFIXES = (".npy", ".npz", ".csv", ".parquet")
LABELS = "labels"  # the name of what is classes, not rows


class Encoder(Protocol):
    """What turns a user's rows and labels into the program's (`quantc.frontend.Frontend`)."""

    @property
    def text(self) -> Mapping[int, Any]: ...

    def encode_blocks(self, rows: Any, name: str = "X") -> Iterator[NDArray[np.float32]]: ...

    def encode_labels(self, labels: Any) -> NDArray[Any]: ...


def data_argument(
    value: Rows,
    folder: Path,
    name: str,
    encoder: Encoder | None = None,
) -> Path:
    """The file that stands for `value` on the tool's command line.

    Parameters
    ----------
    value : array, mapping of tensor name to array, or path of a .npy, .npz, .csv or .parquet file
        A file is passed on as it is; arrays are written, floating ones as float32.
    folder : Path
        Where to write arrays.
    name : str
        What the data is, for the file's name and for messages: "calibration", "labels".
    encoder : Encoder, optional
        What rows and labels go through before they are written.

    Raises
    ------
    FileNotFoundError
        If a path leads to no file.
    TypeError
        If an array holds anything but real numbers.
    ValueError
        If a file is of another kind, or there is no row.
    """
    if isinstance(value, (str, os.PathLike)):
        path = Path(os.path.abspath(value))
        if not path.is_file():
            raise FileNotFoundError(f"{name}: no file at {path}")
        if path.suffix.lower() not in FILE_SUFFIXES:
            raise ValueError(f"{name}: {path.name} is none of {', '.join(FILE_SUFFIXES)}")
        if encoder is not None and encoder.text and name != LABELS:
            raise QuantcError(
                f"{name}: the model has columns of categories, which a file's rows are not read for",
                remedy="read it with pandas and give the data frame",
            )
        return path
    if encoder is not None and name != LABELS:
        return write_batches(folder / f"{name}.npy", encoder.encode_blocks(value, name), name)
    if name == LABELS:
        value = dense(value, name) if encoder is None else encoder.encode_labels(value)
    if comes_in_batches(value):
        blocks = (as_numbers(block, name) for block in batches(value, name))
        return write_batches(folder / f"{name}.npy", blocks, name)
    if isinstance(value, Mapping):
        arrays = {str(key): checked_rows(array, f"{name} {key!r}") for key, array in value.items()}
        if not arrays:
            raise ValueError(f"{name}: the mapping holds no array")
        return write_npz(folder / f"{name}.npz", arrays, name)
    return write_npy(folder / f"{name}.npy", checked_rows(value, name), name)


def checked_rows(value: ArrayLike, what: str) -> NDArray[Any]:
    """`value` as an array of one row or more, floating numbers as float32.

    Raises
    ------
    TypeError, ValueError
        If it is none.
    """
    array = as_numbers(value, what)
    if array.ndim == 0 or array.shape[0] == 0:
        raise ValueError(f"{what}: needs at least one row, got shape {array.shape}")
    return array.astype(np.float32, copy=False) if array.dtype.kind == "f" else array
