"""The manifest: the JSON file beside a compiled network that says what it is.

It may come from anywhere, and the native module trusts the shapes in it, so everything used is checked.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import QuantcError

__all__ = ["Manifest", "Tensor", "add_to_manifest", "read_manifest"]

LARGEST_MANIFEST = 256 << 20  # bytes
MOST_VALUES = 1 << 40  # in a row
DTYPES = {"f32": "float32", "i32": "int32", "i64": "int64"}
C_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True)
class Tensor:
    """An input or output.

    Attributes
    ----------
    name : str
        The name it has in the model.
    row_shape : tuple of int
        Its dimensions without the first, the batch.
    dtype : str
        "float32"; of an output also "int32" or "int64": classes, say.
    classes : tuple of str
        Of an output whose values are indices of classes with names: the names. `Quantized.predict` gives the names
        in place of the indices.
    columns : tuple of str
        Of an output of scores where the model has a map of class to score: the class of each column.
    categories : tuple of tuple of str
        Of an input that is text in the model: of each column the names of its categories. The network takes their
        indices; any other number is an unknown category.
    """

    name: str
    row_shape: tuple[int, ...]
    dtype: str = "float32"
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()

    def decoded(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of the network as `Quantized.predict` gives them: names where they are indices of classes.

        Parameters
        ----------
        values : ndarray, shape (rows, ...)

        Returns
        -------
        ndarray of str, shape (rows, ...), or `values` where the classes have no names
        """
        return np.asarray(self.classes)[values] if self.classes else values


@dataclass(frozen=True)
class Manifest:
    """What a compiled network says of itself.

    Attributes
    ----------
    name : str
        The prefix of its C symbols, and its files' name.
    inputs, outputs : tuple of Tensor
        In the order in which ``N_run`` takes them.
    target : str
        The target triple, or "" where the manifest names none.
    data : dict
        The whole file, as JSON gave it.
    """

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    target: str
    data: dict[str, Any]

    @property
    def clipped(self) -> list[str]:
        """Names of what the network counts clipped values of, in the order of its counts."""
        names = self.data.get("clipped")
        return [str(name) for name in names] if isinstance(names, list) else []

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The layers' records, in order of execution."""
        layers = self.data.get("layers")
        return [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    QuantcError
        If it is not a manifest.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_MANIFEST:
            raise _broken(path, f"{size} bytes is too large for a manifest")
        data = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"no manifest at {path}; `quantc compile` writes it beside the library, keep them together"
        ) from error
    except (ValueError, RecursionError) as error:
        raise _broken(path, f"not JSON: {error}") from error
    except OSError as error:
        raise QuantcError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    if not isinstance(data, dict):
        raise _broken(path, "the file holds no JSON object")
    name = data.get("name")
    if not isinstance(name, str) or not C_NAME.fullmatch(name):
        raise _broken(path, f"'name' is {name!r}, which is no C name")
    target = data.get("target")
    return Manifest(
        name=name,
        inputs=_tensors(path, data, "inputs"),
        outputs=_tensors(path, data, "outputs"),
        target=target if isinstance(target, str) else "",
        data=data,
    )


def add_to_manifest(path: Path, key: str, record: dict[str, Any]) -> None:
    """Add what the compiler does not know of a network to its manifest."""
    data = json.loads(path.read_bytes())
    data[key] = record
    path.write_text(json.dumps(data, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _broken(path: Path, reason: str) -> QuantcError:
    return QuantcError(f"not a manifest of quantc: {reason}", where=str(path), remedy="compile the model again")


def _tensors(path: Path, data: dict[str, Any], key: str) -> tuple[Tensor, ...]:
    records = data.get(key)
    if not isinstance(records, list) or not records:
        raise _broken(path, f"'{key}' is no list of tensors")
    return tuple(_tensor(path, f"{key}[{index}]", record) for index, record in enumerate(records))


def _tensor(path: Path, where: str, record: object) -> Tensor:
    if not isinstance(record, dict):
        raise _broken(path, f"'{where}' is no object")
    name, shape = record.get("name"), record.get("shape")
    if not isinstance(name, str):
        raise _broken(path, f"'{where}' has no name")
    if not isinstance(shape, list) or not shape:
        raise _broken(path, f"'{where}.shape' is no list that starts with the batch")
    row_shape = tuple(shape[1:])
    if not all(type(n) is int and 0 <= n <= MOST_VALUES for n in row_shape) or math.prod(row_shape) > MOST_VALUES:
        raise _broken(path, f"'{where}.shape' is {shape}, which is no shape")
    values = record.get("values")
    if values is not None and values != math.prod(row_shape):
        raise _broken(path, f"'{where}' has {values} values a row, but shape {shape}")
    kind = record.get("type", "f32")
    if kind not in DTYPES:
        raise _broken(path, f"'{where}.type' is {kind!r}, which is none of {', '.join(DTYPES)}")
    classes, columns = _names(path, where, record, "classes"), _names(path, where, record, "columns")
    categories = record.get("categories", [])
    if not isinstance(categories, list):
        raise _broken(path, f"'{where}.categories' is no list")
    return Tensor(
        name,
        row_shape,
        DTYPES[kind],
        classes,
        columns,
        tuple(_names(path, where, {"categories": column}, "categories") for column in categories),
    )


def _names(path: Path, where: str, record: dict[str, Any], key: str) -> tuple[str, ...]:
    names = record.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _broken(path, f"'{where}.{key}' is no list of strings")
    return tuple(names)
