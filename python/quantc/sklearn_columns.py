"""A fitted estimator with its columns resolved: names to positions, categories to codes.

skl2onnx wants an input for each type of column, and a compiled program takes one array of float32. So the estimator is
copied, as far as columns are concerned: column transformers select by position, and encoders know their categories by
code. The user's own estimator is never changed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import MISSING_CODE, TextColumn, is_missing
from .errors import QuantcError

__all__ = ["Source", "resolve"]


@dataclass
class Source:
    """A column of the user's table, and what the estimator does with it.

    Attributes
    ----------
    label : str
        How messages name it.
    codes : dict
        Categories that steps know, each with its code.
    is_text, is_number : bool
        Whether a step takes it as categories that need codes; as numbers.
    unknown_allowed, missing_allowed : bool
        Whether every step that takes it lets unknown categories, and empty cells, pass.
    """

    label: str
    codes: dict[Any, int] = field(default_factory=dict)
    is_text: bool = False
    is_number: bool = False
    unknown_allowed: bool = True
    missing_allowed: bool = True

    def code(self, value: Any) -> float:
        """The code of a category, a new one for a new category, that of an empty cell for one."""
        if is_missing(value):
            return MISSING_CODE
        return float(self.codes.setdefault(_plain(value), len(self.codes)))

    def text_column(self) -> TextColumn:
        """What encodes it when the program runs."""
        policies = ("error", "ignore")
        return TextColumn(tuple(self.codes), policies[self.unknown_allowed], policies[self.missing_allowed])


@dataclass(frozen=True)
class _Column:
    """A column of the table that a step sees: one of the user's, or (source None) a computed one."""

    source: Source | None = None
    is_filled: bool = False


def resolve(estimator: Any, sources: Sequence[Source]) -> Any:
    """A copy of a fitted estimator that takes one array of float32, categories as `Source.code` numbers them.

    Parameters
    ----------
    estimator : fitted scikit-learn estimator
    sources : sequence of Source
        The columns of its table; what is found out of them is written into these.

    Raises
    ------
    QuantcError
        If a step takes as numbers what another takes as categories.
    """
    copied, _ = _resolve(estimator, [_Column(source) for source in sources], "")
    for source in sources:
        if source.is_text and source.is_number:
            raise QuantcError(
                "one step takes this column as categories, another as numbers",
                where=source.label,
                remedy="give each its own column",
            )
    return copied


def _resolve(estimator: Any, columns: list[_Column], where: str) -> tuple[Any, list[_Column] | None]:
    """The copy, and the columns that it gives where they are known."""
    kind = type(estimator).__name__
    handler = _HANDLERS.get(kind)
    if handler is not None:
        return handler(estimator, columns, where)
    for column in columns:
        if column.source is not None:
            column.source.is_number = True
    return estimator, None


def _pipeline(pipeline: Any, columns: list[_Column], where: str) -> tuple[Any, list[_Column] | None]:
    steps: list[tuple[str, Any]] = []
    known: list[_Column] | None = columns
    for name, step in pipeline.steps:
        if step is None or isinstance(step, str):
            steps.append((name, step))
            continue
        seen = [_Column()] * int(getattr(step, "n_features_in_", 0)) if known is None else known
        resolved, known = _resolve(step, seen, f"{where}{name}.")
        steps.append((name, resolved))
    copied = copy.copy(pipeline)
    copied.steps = steps
    return copied, known


def _column_transformer(transformer: Any, columns: list[_Column], where: str) -> tuple[Any, list[_Column] | None]:
    names = getattr(transformer, "feature_names_in_", None)
    width = max([0, *(output.stop for output in transformer.output_indices_.values())])
    given = [_Column()] * width
    parts = []
    for name, part, selected in transformer.transformers_:
        positions = _positions(selected, None if names is None else list(names), len(columns))
        chosen = [columns[position] for position in positions]
        resolved: Any = part
        known: list[_Column] | None = chosen
        if not isinstance(part, str):
            resolved, known = _resolve(part, chosen, f"{where}{name}.")
        if part != "drop" and known is not None:
            for position, column in zip(_range(transformer.output_indices_[name]), known, strict=True):
                given[position] = column
        if positions or part == "drop":
            parts.append((name, resolved, positions))
    copied = copy.copy(transformer)
    copied.transformers_ = parts
    copied.transformers = [part for part in parts if part[0] != "remainder"]
    return copied, given


def _feature_union(union: Any, columns: list[_Column], where: str) -> tuple[Any, list[_Column] | None]:
    parts = []
    given: list[_Column] | None = []
    for name, part in union.transformer_list:
        if isinstance(part, str) and part == "drop":
            continue
        resolved, known = (part, columns) if isinstance(part, str) else _resolve(part, columns, f"{where}{name}.")
        parts.append((name, resolved))
        given = None if given is None or known is None else given + known
    copied = copy.copy(union)
    copied.transformer_list = parts
    return copied, given


def _encoder(encoder: Any, columns: list[_Column], where: str) -> tuple[Any, None]:
    copied = copy.copy(encoder)
    has_empty = any(is_missing(value) for categories in encoder.categories_ for value in categories.tolist())
    if has_empty and type(encoder).__name__ == "OrdinalEncoder":
        raise QuantcError(
            "empty cells are a category of an OrdinalEncoder, which is not supported",
            where=where[:-1],
            remedy="put a SimpleImputer before it",
        )
    copied.categories_ = [
        _category_codes(categories, column, encoder.handle_unknown != "error", where[:-1])
        for categories, column in zip(encoder.categories_, columns, strict=True)
    ]
    return copied, None


def _category_codes(categories: NDArray[Any], column: _Column, allows_unknown: bool, where: str) -> NDArray[Any]:
    """The categories as the program's numbers: themselves, if float32 tells them apart, or codes."""
    empty = [is_missing(value) for value in categories.tolist()]
    if sum(empty) > 1:
        raise QuantcError(
            "both None and NaN are categories of this column, which a program cannot tell apart",
            where=where,
            remedy="fill them with one value before fitting",
        )
    source = column.source
    is_text = categories.dtype.kind not in "biuf" or not _are_float32(categories)
    if source is None or (not is_text and not source.is_text):
        if is_text:
            raise QuantcError("categories of computed columns must be numbers of float32", where=where)
        if source is not None:
            source.is_number = True
        return categories
    source.is_text = True
    source.unknown_allowed &= allows_unknown
    source.missing_allowed &= column.is_filled or any(empty) or allows_unknown
    return np.array([source.code(value) for value in categories.tolist()], np.float64)


def _imputer(imputer: Any, columns: list[_Column], where: str) -> tuple[Any, list[_Column] | None]:
    """A column of categories: what is filled in becomes a code, and what stands for an empty cell."""
    statistics = np.asarray(imputer.statistics_)
    is_text = statistics.dtype.kind not in "biuf" and not all(_is_number(value) for value in statistics.tolist())
    copied = copy.copy(imputer)
    if is_text:
        missing = imputer.missing_values
        for column in columns:
            if column.source is None:
                raise QuantcError("imputes categories in a computed column", where=where[:-1])
            column.source.is_text = True
        pairs = [(column.source, value) for column, value in zip(columns, statistics.tolist(), strict=True)]
        copied.statistics_ = np.array([source.code(value) for source, value in pairs if source], np.float64)
        codes = [source.code(missing) for source, _ in pairs if source]
        copied.missing_values = np.array(codes)
    else:
        copied.statistics_ = statistics.astype(np.float64)
        for column in columns:
            if column.source is not None:
                column.source.is_number = True
    if imputer.add_indicator:
        return copied, None
    kept = np.ones(len(columns), bool) if imputer.keep_empty_features else ~np.isnan(copied.statistics_)
    return copied, [_Column(column.source, is_filled=True) for column, keep in zip(columns, kept, strict=True) if keep]


def _function(transformer: Any, columns: list[_Column], _where: str) -> tuple[Any, list[_Column] | None]:
    if transformer.func is None:
        return transformer, columns
    for column in columns:
        if column.source is not None:
            column.source.is_number = True
    return transformer, None


_HANDLERS: dict[str, Callable[[Any, list[_Column], str], tuple[Any, list[_Column] | None]]] = {
    "Pipeline": _pipeline,
    "ColumnTransformer": _column_transformer,
    "FeatureUnion": _feature_union,
    "OneHotEncoder": _encoder,
    "OrdinalEncoder": _encoder,
    "SimpleImputer": _imputer,
    "FunctionTransformer": _function,
}


def _positions(selected: Any, names: list[str] | None, count: int) -> list[int]:
    """The positions that a column transformer selects: by name, position, mask or slice, one or several."""
    if isinstance(selected, slice):
        bounds = [
            _positions(bound, names, count)[0] if isinstance(bound, str) else bound
            for bound in (selected.start, selected.stop)
        ]
        if isinstance(selected.stop, str):
            bounds[1] += 1  # a slice of names includes its end
        return list(range(count))[slice(bounds[0], bounds[1], selected.step)]
    if isinstance(selected, str) or np.ndim(selected) == 0:
        selected = [selected]
    values = list(selected)
    if values and all(isinstance(value, (bool, np.bool_)) for value in values):
        return [position for position, taken in enumerate(values) if taken]
    return [
        names.index(value) if names is not None and isinstance(value, str) else int(value) % count for value in values
    ]


def _range(output: slice) -> range:
    return range(output.start or 0, output.stop)


def _are_float32(categories: NDArray[Any]) -> bool:
    """Whether float32 tells these numbers apart."""
    return len(np.unique(categories.astype(np.float32))) == len(np.unique(categories))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number))


def _plain(value: Any) -> Any:
    """A category as JSON has it."""
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, (str, int, float, bool)):
        raise QuantcError(f"categories must be texts or numbers, got {value!r} of type {type(value).__name__}")
    return value
