"""The rows that Keras's `fit` and `predict` are given, as numpy arrays in the order of a model's inputs."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .errors import QuantcError
from .keras_layers import functional

__all__ = ["batches_of", "flat_rows", "sample_rows"]

SAMPLE_ROWS = 512
SAMPLE_VALUES = 1 << 22  # of one input


def sample_rows(model: Any, x: Any) -> tuple[Any, list[NDArray[np.float32]]]:
    """Take rows to observe values on.

    Parameters
    ----------
    model : keras.Model
    x : what `fit` takes: arrays, a dataset, a generator

    Returns
    -------
    x : object
        What to train on in its place: a generator begins again with what was taken from it.
    rows : list of ndarray of float32
        At most 512, one array for each input; from all over the data where it is in memory, else its first.

    Raises
    ------
    QuantcError
        If a value is not finite, or there is no row.
    """
    if isinstance(x, types.GeneratorType):
        taken = []
        count = 0
        for batch in x:
            taken.append(batch)
            count += len(flat_rows(model, _inputs(batch))[0])
            if count >= SAMPLE_ROWS:
                break
        return _chained(taken, x), _joined(model, map(_inputs, taken))
    if _is_arrays(x):
        arrays = flat_rows(model, x)
        return x, _checked([array[_spread(array)] for array in arrays], model)
    return x, _joined(model, _some_batches(model, x))


def batches_of(model: Any, x: Any, steps: int | None = None) -> Iterator[list[NDArray[np.float32]]]:
    """All rows, in the batches that a dataset gives, or at once where they are arrays."""
    if _is_arrays(x):
        yield flat_rows(model, x)
        return
    for number, batch in enumerate(_each(x)):
        if number == steps:
            return
        yield flat_rows(model, _inputs(batch))


def flat_rows(model: Any, x: Any) -> list[NDArray[np.float32]]:
    """One float32 array for each of the model's inputs.

    Raises
    ------
    ValueError
        If there are more or fewer arrays than inputs, or a name is none of theirs.
    """
    source = functional(model)
    if isinstance(x, dict):
        named = source._inputs_struct
        keys = list(named) if isinstance(named, dict) else [tensor.name for tensor in source.inputs]
        missing = [key for key in keys if key not in x]
        if missing:
            raise ValueError(f"x: has no {', '.join(map(repr, missing))}; the model's inputs are {', '.join(keys)}")
        x = {key: x[key] for key in keys} if isinstance(named, dict) else [x[key] for key in keys]
        leaves = keras.tree.flatten(x)
    else:
        leaves = list(x) if isinstance(x, (list, tuple)) else [x]
    if len(leaves) != len(source.inputs):
        raise ValueError(f"x: the model has {len(source.inputs)} inputs, got {len(leaves)} arrays")
    arrays = [np.asarray(keras.ops.convert_to_numpy(leaf), np.float32) for leaf in leaves]
    return [
        array[..., None] if array.ndim == len(tensor.shape) - 1 and tensor.shape[-1] == 1 else array
        for array, tensor in zip(arrays, source.inputs, strict=True)
    ]


def _is_arrays(x: Any) -> bool:
    leaves = list(x.values()) if isinstance(x, dict) else list(x) if isinstance(x, (list, tuple)) else [x]
    return bool(leaves) and all(hasattr(leaf, "__array__") or keras.ops.is_tensor(leaf) for leaf in leaves)


def _inputs(batch: Any) -> Any:
    """The inputs of a batch, which may come with targets and weights."""
    return batch[0] if isinstance(batch, tuple) else batch


def _each(x: Any) -> Iterable[Any]:
    return (x[index] for index in range(x.num_batches)) if isinstance(x, keras.utils.PyDataset) else iter(x)


def _some_batches(model: Any, x: Any) -> Iterator[Any]:
    count = 0
    for batch in _each(x):
        inputs = _inputs(batch)
        yield inputs
        count += len(flat_rows(model, inputs)[0])
        if count >= SAMPLE_ROWS:
            return


def _chained(taken: list[Any], rest: Iterator[Any]) -> Iterator[Any]:
    yield from taken
    yield from rest


def _joined(model: Any, batches: Iterable[Any]) -> list[NDArray[np.float32]]:
    parts = [flat_rows(model, batch) for batch in batches]
    arrays = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return _checked([array[_spread(array)] for array in arrays], model)


def _spread(array: NDArray[Any]) -> NDArray[np.int64]:
    """Indices of rows from all over an array."""
    width = max(int(np.prod(array.shape[1:])), 1)
    wanted = min(len(array), SAMPLE_ROWS, max(SAMPLE_VALUES // width, 1))
    return np.linspace(0, max(len(array) - 1, 0), wanted).astype(np.int64)


def _checked(arrays: list[NDArray[np.float32]], model: Any) -> list[NDArray[np.float32]]:
    if not arrays or not len(arrays[0]):
        raise QuantcError("x: there is no row to observe values on", remedy="give at least one")
    for array, tensor in zip(arrays, functional(model).inputs, strict=True):
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            raise QuantcError(
                f"x: a row of input '{tensor.name}' has the value {array[tuple(bad[0])]} "
                f"at {tuple(map(int, bad[0][1:]))}",
                remedy="ranges are observed on finite values: clean the data first",
            )
    return arrays
