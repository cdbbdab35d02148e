"""What stands between a user's rows and a program made from a fitted estimator, and between its results and labels.

It is kept in the manifest as plain JSON, so that a program that is loaded takes and gives what the estimator did. The
manifest may come from anywhere, so all of it is checked. No framework is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import as_numbers
from .batches import batches, is_sparse
from .columns import TextColumn, column_codes, column_numbers
from .errors import QuantcError

__all__ = ["Frontend", "Result"]

MANIFEST_KEY = "frontend"
KINDS = ("labels", "values")
SCORES = ("", "probability", "decision")
LABEL_KINDS = "biufUO"  # numpy's kinds that classes can have


@dataclass(frozen=True)
class Result:
    """What the program's outputs mean.

    Attributes
    ----------
    kind : {"labels", "values"}
        Whether the first output is a class, or numbers that are the result.
    dtype : str
        Of labels: numpy's name of the type that the estimator gives.
    classes : tuple, optional
        Of labels: the classes, where the program gives the index of one.
    is_vector : bool
        Of values: whether each row's result is one number without an axis of its own.
    scores : {"", "probability", "decision"}
        What the second output is.
    decision_column : int
        Of decisions between two classes: the column of the second output that the estimator gives.
    """

    kind: str
    dtype: str = "float32"
    classes: tuple[Any, ...] | None = None
    is_vector: bool = False
    scores: str = ""
    decision_column: int = -1


@dataclass(frozen=True)
class Frontend:
    """Encodes rows of a table as the program's one input, and decodes its outputs.

    Attributes
    ----------
    features : int
        How many columns a row has.
    result : Result
    names : tuple of str, optional
        The columns' names, if the estimator was fitted on a data frame; a frame's columns are matched by them.
    text : mapping of int to TextColumn
        Columns that the program takes as codes of categories.
    unused : frozenset of int
        Columns that the estimator drops; they may hold anything.
    """

    features: int
    result: Result
    names: tuple[str, ...] | None = None
    text: Mapping[int, TextColumn] = field(default_factory=dict)
    unused: frozenset[int] = frozenset()

    def encode_blocks(self, rows: Any, name: str = "X") -> Iterator[NDArray[np.float32]]:
        """Rows of any kind (`quantc.batches.batches`) as float32 blocks of shape (rows, features).

        Raises
        ------
        QuantcError
            If columns are missing or too many, or a value is no number or no known category; it names them.
        """
        if isinstance(rows, Mapping) and not hasattr(rows, "columns"):
            raise TypeError(f"{name}: an estimator takes one table of rows, an array or a data frame, not a mapping")
        for block in batches(rows, name):
            yield self._encode(block, name)

    def encode(self, rows: Any, name: str = "X") -> NDArray[np.float32]:
        """The same as one array."""
        blocks = list(self.encode_blocks(rows, name))
        if not blocks:
            raise ValueError(f"{name}: there is no row in it")
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def encode_labels(self, labels: ArrayLike) -> NDArray[Any]:
        """Classes as the program gives them: themselves, or the index of each.

        Raises
        ------
        ValueError
            If one is none of the estimator's classes.
        """
        compute: Callable[[], Any] | None = getattr(labels, "compute", None)  # Dask's
        values = np.asarray(compute() if compute is not None else labels)
        if self.result.kind != "labels" or self.result.classes is None:
            return as_numbers(values, "labels")
        index = {value: position for position, value in enumerate(self.result.classes)}
        flat = values.reshape(-1).tolist()
        unknown = next((value for value in flat if value not in index), None)
        if unknown is not None:
            raise ValueError(f"labels: {unknown!r} is none of the estimator's classes, {_some(self.result.classes)}")
        return np.array([index[value] for value in flat], np.int64)

    def predict(self, call: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
        """What the estimator's predict (a transformer's transform) gives, by the program `call`."""
        return self._decode(self._outputs(call, inputs)[0])

    def scores(self, call: Callable[..., Any], inputs: tuple[Any, ...], kind: str, method: str) -> NDArray[Any]:
        """What the estimator's predict_proba or decision_function gives."""
        if self.result.scores != kind:
            raise QuantcError(f"this network's estimator has no {method}")
        scores: NDArray[Any] = self._outputs(call, inputs)[1]
        is_binary = kind == "decision" and scores.ndim == 2 and scores.shape[1] <= 2
        decision: NDArray[Any] = scores[:, self.result.decision_column].copy()
        return decision if is_binary else scores

    def _outputs(self, call: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[NDArray[Any], ...]:
        if len(inputs) != 1:
            raise TypeError(f"this network takes one table of rows, got {len(inputs)}")
        rows = inputs[0]
        if isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.dtype.kind in "biuf" and not self.text:
            self._check_count(rows.shape[1], "X")
            given = call(np.ascontiguousarray(rows, np.float32))  # one row takes less time than to look at it closer
            return given if isinstance(given, tuple) else (given,)
        results = [call(block) for block in self.encode_blocks(rows)]
        if not results:
            raise ValueError("X: there is no row in it")
        parts = [result if isinstance(result, tuple) else (result,) for result in results]
        return parts[0] if len(parts) == 1 else tuple(np.concatenate(output) for output in zip(*parts, strict=True))

    def _decode(self, first: NDArray[Any]) -> NDArray[Any]:
        if self.result.kind == "values":
            return first.reshape(first.shape[0]) if self.result.is_vector else first
        labels = first.reshape(first.shape[0])
        dtype = np.dtype(self.result.dtype)
        if self.result.classes is None:
            return labels.astype(dtype)
        classes = np.empty(len(self.result.classes), dtype)
        classes[:] = self.result.classes
        named: NDArray[Any] = classes[labels]
        return named

    def _encode(self, block: Any, name: str) -> NDArray[np.float32]:
        if hasattr(block, "columns") and hasattr(block, "__getitem__"):
            columns = self._frame_columns(block, name)
        else:
            table = np.asarray(block.toarray() if is_sparse(block) else block, dtype=object if self.text else None)
            if table.ndim != 2:
                raise ValueError(f"{name}: needs shape (rows, {self.features}), got shape {table.shape}")
            self._check_count(table.shape[1], name)
            if table.dtype.kind in "biuf":
                return np.ascontiguousarray(table, np.float32)
            columns = [table[:, j] for j in range(self.features)]
        rows = len(columns[0]) if columns else 0
        encoded = np.zeros((rows, self.features), np.float32)
        for j, column in enumerate(columns):
            what = f"column {self.names[j]!r}" if self.names else f"column {j}"
            if j in self.text:
                encoded[:, j] = column_codes(column, self.text[j], what)
            elif j not in self.unused:
                encoded[:, j] = column_numbers(column, what)
        return encoded

    def _frame_columns(self, frame: Any, name: str) -> list[Any]:
        present = list(frame.columns)
        if self.names is None:
            self._check_count(len(present), name)
            wanted = present
        else:
            wanted = list(self.names)
            missing = [column for column in wanted if column not in present]
            extra = [column for column in present if column not in wanted]
            faults = [f"lacks {_some(missing)}"] * bool(missing) + [f"has {_some(extra)} too many"] * bool(extra)
            if faults:
                raise QuantcError(
                    f"{name}: the frame {' and '.join(faults)}",
                    remedy="give the columns that the estimator was fitted on",
                )
        if len(set(present)) != len(present):
            twice = next(column for column in present if present.count(column) > 1)
            raise QuantcError(f"{name}: the frame has several columns {twice!r}", remedy="rename or drop them")
        return [frame[column] for column in wanted]

    def _check_count(self, columns: int, name: str) -> None:
        if columns != self.features:
            raise ValueError(f"{name}: the estimator was fitted on {self.features} columns, the rows have {columns}")

    def record(self) -> dict[str, Any]:
        """As JSON, for the manifest."""
        result = self.result
        return {
            "features": self.features,
            "names": None if self.names is None else list(self.names),
            "text": {
                str(j): {"categories": list(column.categories), "unknown": column.unknown, "missing": column.missing}
                for j, column in self.text.items()
            },
            "unused": sorted(self.unused),
            "result": {
                "kind": result.kind,
                "dtype": result.dtype,
                "classes": None if result.classes is None else list(result.classes),
                "is_vector": result.is_vector,
                "scores": result.scores,
                "decision_column": result.decision_column,
            },
        }

    @staticmethod
    def of_manifest(manifest: Mapping[str, Any], features: int, outputs: int) -> Frontend | None:
        """What a manifest records of a front end, if anything, for a program of that many features and outputs.

        Raises
        ------
        QuantcError
            If it is no record that quantc has written.
        """
        record = manifest.get(MANIFEST_KEY)
        if record is None:
            return None
        try:
            frontend = _read(record)
            if frontend.features != features or (frontend.result.scores and outputs < 2):
                raise ValueError("it is another program's")
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise QuantcError(
                f"the manifest's record of the front end is broken ({error})", remedy="compile the model again"
            ) from error
        return frontend


def _read(record: Any) -> Frontend:
    result, names, text = record["result"], record["names"], record["text"]
    classes = result["classes"]
    features = record["features"]
    dtype = np.dtype(result["dtype"])
    unused = frozenset(record["unused"])
    text_columns = {int(j): TextColumn.of(column) for j, column in text.items()}
    checks = {
        "features": type(features) is int and features > 0,
        "names": names is None or (len(names) == features and all(isinstance(name, str) for name in names)),
        "columns": all(type(j) is int and 0 <= j < features for j in (*text_columns, *unused)),
        "kind": result["kind"] in KINDS and result["scores"] in SCORES,
        "dtype": dtype.kind in LABEL_KINDS,
        "classes": classes is None or (isinstance(classes, list) and len(classes) > 0),
        "is_vector": isinstance(result["is_vector"], bool),
        "decision_column": result["decision_column"] in {0, -1},
    }
    for what, holds in checks.items():
        if not holds:
            raise ValueError(what)
    known = None if classes is None else tuple(classes)
    meaning = Result(result["kind"], dtype.str, known, result["is_vector"], result["scores"], result["decision_column"])
    return Frontend(features, meaning, None if names is None else tuple(names), text_columns, unused)


def _some(values: Any) -> str:
    """The first few of many."""
    shown = [repr(value) for value in values[:5]]
    return ", ".join(shown) + (f" and {len(values) - 5} more" if len(values) > 5 else "")
