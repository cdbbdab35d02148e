"""Arguments of `quantize` and `tune` as options of the tool, each checked."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["EQUALIZE", "MINIMIZE", "one_of", "parameter_options", "range_options", "tool_options", "word"]

METHODS = ("auto", "minmax", "percentile", "mse", "entropy")
WEIGHTS = ("int8", "int4", "mixed")
ACTIVATIONS = ("auto", "mixed", "int8", "int16")
EFFORTS = ("low", "default", "high")
EQUALIZE = ("auto", "none", "weights", "activations")
MINIMIZE = ("time", "size")
PREFER = ("accuracy", "speed")
LARGEST_FLOAT32 = 3.4028234663852886e38


def tool_options(
    method: str,
    weights: str,
    activations: str,
    effort: str,
    prune: str | None,
    accuracy_budget: float | str | None,
    target: str | None,
    cpu: str,
    threads: int,
) -> list[str]:
    """The tool's options; what is left at its default is not written, so that the tool's own default holds."""
    one_of("method", method, METHODS)
    one_of("weights", weights, WEIGHTS)
    one_of("activations", activations, ACTIVATIONS)
    one_of("effort", effort, EFFORTS)
    if type(threads) is not int or threads < 1:
        raise ValueError(f"threads: needs a positive integer, got {threads!r}")
    words = (
        ("method", method, "auto"),
        ("weights", weights, "int8"),
        ("activations", activations, "auto"),
        ("effort", effort, "default"),
    )
    options = [f"--{flag}={value}" for flag, value, default in words if value != default]
    if prune is not None:
        options.append(f"--prune={word('prune', prune)}")
    if accuracy_budget is not None:
        options.append(f"--accuracy-budget={_budget(accuracy_budget)}")
    if target is not None:
        options.append(f"--target={word('target', target)}")
    if cpu != "native":
        options.append(f"--cpu={word('cpu', cpu)}")
    if threads != 1:
        options.append(f"--threads={threads}")
    return options


def range_options(
    method: str, percentile: float | None, prefer: str, fix_range: Mapping[str, tuple[float, float]] | None
) -> list[str]:
    """The tool's options that say in which range, and in how many steps, a value is stored."""
    one_of("prefer", prefer, PREFER)
    options = [] if prefer == "accuracy" else [f"--prefer={prefer}"]
    if percentile is not None:
        if method != "percentile":
            raise ValueError(f"percentile: is of method='percentile', and the method is {method!r}")
        share = _number("percentile", percentile)
        if not 50 < share <= 100:
            raise ValueError(f"percentile: needs a share in percent, above 50 and up to 100, got {percentile!r}")
        options.append(f"--percentile={share!r}")
    for name, value in _items("fix_range", fix_range, "(lo, hi)"):
        what = f"fix_range[{name!r}]"
        if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
            raise ValueError(f"{what}: needs two numbers (lo, hi), got {value!r}")
        lo, hi = (_number(what, bound) for bound in value)
        if not -LARGEST_FLOAT32 <= lo < hi <= LARGEST_FLOAT32:
            raise ValueError(f"{what}: needs two numbers of float32, the smaller first, got {value!r}")
        options.append(f"--fix-range={name}={lo!r}:{hi!r}")
    return options


def parameter_options(freeze: str | Iterable[str], fold: Mapping[str, float | str] | None) -> list[str]:
    """The tool's options that name what stays as it is, and what becomes a constant."""
    names = [freeze] if isinstance(freeze, str) else list(freeze) if isinstance(freeze, Iterable) else [""]
    if not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"freeze: needs names of layers, or patterns such as 'fc*', got {freeze!r}")
    options = [f"--freeze={name}" for name in names]
    for name, value in _items("fold", fold, "a number or 'mean'"):
        if value == "mean":
            options.append(f"--fold={name}=mean")
            continue
        number = _number(f"fold[{name!r}]", value, otherwise=" or 'mean'")
        if not abs(number) <= LARGEST_FLOAT32:
            raise ValueError(f"fold[{name!r}]: needs a number of float32, got {value!r}")
        options.append(f"--fold={name}={number!r}")
    return options


def _items(name: str, mapping: object, values: str) -> list[tuple[str, Any]]:
    if mapping is None:
        return []
    if not isinstance(mapping, Mapping) or not all(isinstance(key, str) and key for key in mapping):
        raise ValueError(f"{name}: needs a mapping of names to {values}, got {mapping!r}")
    return list(mapping.items())


def _number(name: str, value: Any, otherwise: str = "") -> float:
    try:
        number = math.nan if isinstance(value, (str, bool)) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name}: needs a finite number{otherwise}, got {value!r}")
    return number


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise ValueError unless the argument `name` is one of those."""
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(map(repr, allowed))}")


def word(name: str, value: object) -> str:
    """The argument, which has to be a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name}: needs a text, got {value!r}")
    return value


def _budget(value: float | str) -> str:
    if isinstance(value, str):
        if not re.fullmatch(r"\d+(\.\d+)?(%|dB)", value):
            raise ValueError(f"accuracy_budget: {value!r} is not of the form '0.1%' or '40dB'")
        return value
    if not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise ValueError(f"accuracy_budget: needs a share from 0 up to 1, or a text like '0.1%', got {value!r}")
    return f"{value * 100:.10g}%"
