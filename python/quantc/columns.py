"""A table's columns as float32 numbers: numbers as they are, categories as codes, what is missing as NaN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import QuantcError

__all__ = ["MISSING_CODE", "TextColumn", "column_codes", "column_numbers", "is_missing"]

UNKNOWN_CODE, MISSING_CODE = -1.0, -2.0
LARGEST_CODE = 1 << 24  # float32 counts so far without a gap
POLICIES = ("error", "ignore")


@dataclass(frozen=True)
class TextColumn:
    """A column of categories, each of which the program knows by its position.

    Attributes
    ----------
    categories : tuple of str, int, float or bool
    unknown : {"error", "ignore"}
        What becomes of a value that is none of them: an error, or the code -1.
    missing : {"error", "ignore"}
        What becomes of None and NaN: an error, or the code -2.
    """

    categories: tuple[Any, ...]
    unknown: str = "error"
    missing: str = "error"

    @cached_property
    def codes(self) -> dict[Any, float]:
        """The code of each category."""
        return {category: float(code) for code, category in enumerate(self.categories)}

    @staticmethod
    def of(record: Mapping[str, Any]) -> TextColumn:
        """Read what a manifest says; ValueError if it is something else."""
        categories = record["categories"]
        if not isinstance(categories, list) or not 0 < len(categories) < LARGEST_CODE:
            raise ValueError("categories")
        if not all(isinstance(category, (str, int, float, bool)) for category in categories):
            raise ValueError("categories")
        if record["unknown"] not in POLICIES or record["missing"] not in POLICIES:
            raise ValueError("unknown, missing")
        return TextColumn(tuple(categories), record["unknown"], record["missing"])


def is_missing(value: Any) -> bool:
    """Whether a cell is empty: None, NaN, pandas' NA or NaT."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def column_codes(column: Any, text: TextColumn, what: str) -> NDArray[np.float32]:
    """The code of each cell.

    Raises
    ------
    QuantcError
        If a cell is none of the categories, or empty, and the estimator takes that for an error too.
    """
    values = np.asarray(column, dtype=object).tolist()
    codes = np.empty(len(values), np.float32)
    known = text.codes
    for row, value in enumerate(values):
        try:
            code = known.get(value)
        except TypeError:  # a list in a cell
            code = None
        if code is None:
            code = _code_of_stranger(value, text, f"{what}, row {row}")
        codes[row] = code
    return codes


def _code_of_stranger(value: Any, text: TextColumn, where: str) -> float:
    if is_missing(value):
        if text.missing == "error":
            raise QuantcError(
                "the cell is empty, and the estimator has learnt nothing for that",
                where=where,
                remedy="fill it, or put a SimpleImputer before the encoder",
            )
        return MISSING_CODE
    if text.unknown == "error":
        raise QuantcError(
            f"{value!r} is none of the {len(text.categories)} categories that the estimator was fitted on",
            where=where,
            remedy="drop such rows, or fit the encoder with a handle_unknown that allows them",
        )
    return UNKNOWN_CODE


def column_numbers(column: Any, what: str) -> NDArray[np.float32]:
    """The cells as numbers; those that are empty are NaN.

    Raises
    ------
    QuantcError
        If a cell is no number.
    """
    values = np.asarray(column)
    if values.ndim != 1:
        raise QuantcError(f"needs one number a row, got shape {values.shape}", where=what)
    if values.dtype.kind in "biuf":
        return values.astype(np.float32)
    if values.dtype.kind in "mM":
        raise QuantcError("dates and durations are no numbers", where=what, remedy="turn them into numbers before")
    numbers = np.empty(len(values), np.float32)
    for row, value in enumerate(values.tolist()):
        if is_missing(value):
            numbers[row] = np.nan
        elif isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
            raise QuantcError(f"{value!r} is no number", where=f"{what}, row {row}")
        else:
            numbers[row] = value
    return numbers
