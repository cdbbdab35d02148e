"""Rows as they come: whole tables, sparse matrices, iterators of batches, Dask collections; read block by block.

Nothing is imported here: what brings its own kind of table has imported what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .arrays import as_numbers

__all__ = [
    "batches",
    "comes_in_batches",
    "dask_parts",
    "dense",
    "is_dask",
    "is_iterator",
    "is_sparse",
    "write_batches",
]

BLOCK_BYTES = 16 << 20  # of a sparse matrix, once dense


def is_sparse(value: object) -> bool:
    """Whether it is a scipy sparse matrix or array."""
    return hasattr(value, "tocsr") and hasattr(value, "shape")


def is_iterator(value: object) -> bool:
    """Whether it yields batches: an iterator, or an iterable that is no table, such as a data loader."""
    if isinstance(value, (str, bytes, bytearray, memoryview)):
        return False
    is_table = any(hasattr(value, name) for name in ("__array__", "__getitem__", "keys", "shape", "columns"))
    return hasattr(value, "__next__") or (hasattr(value, "__iter__") and not is_table)


def comes_in_batches(value: object) -> bool:
    """Whether `batches` gives more than the value itself."""
    if isinstance(value, (np.ndarray, list, tuple)):
        return False
    return is_sparse(value) or is_dask(value) or is_iterator(value)


def batches(value: Any, name: str) -> Iterator[Any]:
    """The value's rows in blocks: numpy arrays, data frames, or whatever the user's iterator yields.

    Parameters
    ----------
    value : table, sparse matrix, Dask array or frame, or iterable of batches
        A batch of an iterator is a table of rows, or a tuple that begins with one, as data loaders give them.
    name : str
        For messages.

    Raises
    ------
    TypeError
        If an iterator yields something that is no table of rows.
    ValueError
        If a sparse matrix or a Dask array has another number of dimensions than two, or no dimension.
    """
    if is_sparse(value):
        yield from _sparse_blocks(value, name)
    elif is_dask(value):
        yield from _dask_blocks(value, name)
    elif is_iterator(value):
        for index, batch in enumerate(value):
            table = _table_of(batch)
            if is_sparse(table):
                yield from _sparse_blocks(table, f"{name}, batch {index}")
            elif np.ndim(table) == 0 and not hasattr(table, "columns"):
                raise TypeError(f"{name}: batch {index} is no table of rows, but a {type(batch).__name__}")
            else:
                yield table
    else:
        yield value


def dense(value: Any, name: str) -> Any:
    """One array of all rows, where they come in batches; anything else as it is."""
    if not comes_in_batches(value):
        return value
    blocks = [as_numbers(block, name) for block in batches(value, name)]
    if not blocks:
        raise ValueError(f"{name}: the iterator yields no batch")
    return np.concatenate(list(_same_rows(blocks, name)))


def write_batches(path: Path, blocks: Iterable[NDArray[Any]], name: str) -> Path:
    """Write blocks of rows, one after the other, as one .npy file of float32 numbers.

    Raises
    ------
    ValueError
        If there is no row, or blocks differ in the shape of a row.
    """
    rows = 0
    shape: tuple[int, ...] | None = None
    with path.open("wb") as file:
        for block in _same_rows(blocks, name):
            if shape is None:
                shape = block.shape[1:]
                size = _write_header(file, (0, *shape))
            np.ascontiguousarray(block, np.float32).tofile(file)
            rows += block.shape[0]
        if shape is None or rows == 0:
            raise ValueError(f"{name}: there is no row in it")
        file.seek(0)
        if _write_header(file, (rows, *shape)) != size:  # numpy leaves room for a number of rows that grows
            raise AssertionError("numpy's .npy header has grown with the number of rows")
    return path


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> int:
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.tell()


def _same_rows(blocks: Iterable[NDArray[Any]], name: str) -> Iterator[NDArray[Any]]:
    """The blocks, as long as their rows have the shape of the first one's."""
    shape: tuple[int, ...] | None = None
    for index, block in enumerate(blocks):
        if block.ndim == 0:
            raise ValueError(f"{name}: batch {index} is a single number, not rows")
        if shape is None:
            shape = block.shape[1:]
        elif block.shape[1:] != shape:
            raise ValueError(f"{name}: batch {index} has rows of shape {block.shape[1:]}, those before it of {shape}")
        yield block


def _table_of(batch: Any) -> Any:
    """The rows of a batch: its own, or the first of a tuple (rows, labels)."""
    if isinstance(batch, (tuple, list)) and batch and (is_sparse(batch[0]) or len(getattr(batch[0], "shape", ())) > 1):
        return batch[0]
    return batch


def _sparse_blocks(matrix: Any, name: str) -> Iterator[NDArray[Any]]:
    if len(matrix.shape) != 2:
        raise ValueError(f"{name}: a sparse matrix needs two dimensions, rows and features, got shape {matrix.shape}")
    rows, features = matrix.shape
    compressed = matrix.tocsr()
    step = max(1, BLOCK_BYTES // (4 * max(1, features)))
    for start in range(0, max(rows, 1), step):
        yield compressed[start : start + step].toarray()


def is_dask(value: object) -> bool:
    """Whether it is one of Dask's collections."""
    return "dask" in {cls.__module__.partition(".")[0] for cls in type(value).__mro__} and hasattr(value, "compute")


def dask_parts(collection: Any, name: str) -> list[Any]:
    """The partitions of a frame, or an array's blocks of whole rows, as Dask's delayed objects.

    Raises
    ------
    TypeError, ValueError
        As `batches`.
    """
    return list(np.ravel(_whole_rows(collection, name).to_delayed()))


def _whole_rows(collection: Any, name: str) -> Any:
    """A frame, or an array whose blocks are divided between rows alone."""
    if hasattr(collection, "numblocks"):
        if collection.ndim == 0:
            raise ValueError(f"{name}: a Dask array needs a dimension of rows")
        return collection.rechunk(dict.fromkeys(range(1, collection.ndim), -1))
    if not hasattr(collection, "partitions"):
        raise TypeError(f"{name}: of Dask's collections arrays and frames are read, got a {type(collection).__name__}")
    return collection


def _dask_blocks(collection: Any, name: str) -> Iterator[Any]:
    """The same, each computed when it is asked for."""
    whole = _whole_rows(collection, name)
    if hasattr(whole, "numblocks"):
        parts: Iterable[Callable[[], Any]] = (whole.blocks[i].compute for i in range(whole.numblocks[0]))
    else:
        parts = (part.compute for part in whole.partitions)
    for compute in parts:
        block = compute()
        if len(block):  # filters leave empty partitions
            yield block
