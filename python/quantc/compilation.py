"""`quantize`: from a trained network and calibration rows to a compiled one; `tune`: which bits are worth it."""

from __future__ import annotations

import math
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from .data import Rows, data_argument
from .frontends import FALLBACK_NAME, Imported, import_model
from .quantized import Quantized, Source
from .tool import Progress, run_tool
from .tuning import Frontier, Plan, plan_argument, read_frontier

__all__ = ["quantize", "tune"]

METHODS = ("auto", "minmax", "percentile", "mse", "entropy")
WEIGHTS = ("int8", "int4", "mixed")
ACTIVATIONS = ("auto", "mixed", "int8", "int16")
EFFORTS = ("low", "default", "high")
EQUALIZE = ("auto", "none", "weights", "activations")
MINIMIZE = ("time", "size")
PREFER = ("accuracy", "speed")
LARGEST_FLOAT32 = 3.4028234663852886e38


def quantize(
    model: str | os.PathLike[str] | bytes | Any,
    calibration: Rows,
    method: str = "auto",
    weights: str = "int8",
    prune: str | None = None,
    accuracy_budget: float | str | None = None,
    target: str | None = None,
    cpu: str = "native",
    threads: int = 1,
    labels: ArrayLike | str | os.PathLike[str] | None = None,
    progress: bool | Progress | None = None,
    *,
    activations: str = "auto",
    effort: str = "default",
    equalize: str = "auto",
    validation: Rows | None = None,
    minimize: str | None = None,
    plan: Plan | None = None,
    require_int: bool = False,
    count_clipped: bool = False,
    percentile: float | None = None,
    prefer: str = "accuracy",
    freeze: str | Iterable[str] = (),
    fold: Mapping[str, float | str] | None = None,
    fix_range: Mapping[str, tuple[float, float]] | None = None,
) -> Quantized:
    """Quantize a trained network and compile it to a native integer program.

    Parameters
    ----------
    model : path, bytes, onnx.ModelProto or fitted scikit-learn estimator
        The trained network, as an ONNX or TensorFlow Lite file, its content, or onnx's object; or an estimator or
        Pipeline, whose raw rows and labels the result takes and gives.
    calibration : array of shape (rows, ...), mapping of input name to array, or path
        Rows like those the network will see (a hundred are often enough); from them the ranges are measured. A path
        leads to a .npy, .npz, .csv or .parquet file, which may be larger than memory. Data frames, scipy's sparse
        matrices, Dask arrays and frames, and iterators of batches are read block by block.
    method : {"auto", "minmax", "percentile", "mse", "entropy"}
        How a range is chosen from what was measured.
    weights : {"int8", "int4", "mixed"}
        The weights' width. "int4" halves what a layer reads and stores, at a cost in accuracy; layers too small to gain
        by it keep 8 bits. "mixed" is the smallest program that loses next to nothing: 4 bits for some layers, 8 for
        others, so that 99.8% of decisions stay as in float, or the signal-to-noise ratio within 1 dB.
    prune : str, optional
        Weights to set to zero in each layer: "2:4" (two of each four inputs), "block:F" (the share F of blocks of 32
        outputs by 4 inputs, which the kernels skip) or "magnitude:F" (of single weights); "neurons:F" removes hidden
        channels. Without training after it this costs accuracy: rather train with zeros, which are found by themselves.
    accuracy_budget : float or str, optional
        How much accuracy may be lost: 0.001 or "0.1%" of the score with `labels`, of decisions without; or the least
        signal-to-noise ratio, such as "40dB". The layers' bits are then chosen so that no more is lost.
    target : str, optional
        Target triple; by default this machine's. The result of another target does not run here.
    cpu : str
        "native", "portable" or the name of a CPU.
    threads : int
        How many threads `Quantized.predict` uses for batches that are worth it; the bits are the same. They start
        with the first such call. Calls from several threads of Python run at the same time whatever this says.
    labels : array of int, shape (rows,), or path, optional
        The classes of the rows that decide: of `validation`, or else of the calibration rows.
    progress : bool or callable, optional
        True writes a line of progress to standard error; a callable gets (stage, done, total).
    activations : {"auto", "mixed", "int8", "int16"}
        The width of what layers read: "auto" stores it in 8 bits, and in 15 where that takes much off the error of
        the outputs and the layer is a small part of the network, or the network is small; "mixed" does so in up to a
        quarter of the network. "int16" takes 15 bits everywhere, at about half the speed.
    effort : {"low", "default", "high"}
        Work on the rounding of weights: "low" takes the nearest, "default" lets the errors of weights cancel in the
        output, "high" does all that helps, within a minute.
    equalize : {"auto", "none", "weights", "activations"}
        Rescale hidden channels by powers of two, which changes no float result, so that one range fits all channels of
        a value: "weights" by the sizes of the weights that make and read a channel, "activations" by the sizes of its
        values. For networks whose channels differ much in size; others may lose by it. "auto" does nothing, but with
        ``effort="high"`` what gives the least error on some of the calibration rows.
    validation : array, mapping or path, optional
        Rows to judge the accuracy by; without them the calibration rows.
    minimize : {"time", "size"}, optional
        What the layers' bits are chosen for within the budget; by default time, with ``weights="mixed"`` size.
    plan : Point, mapping of layer name to precision, or path, optional
        The layers' precisions ("int4", "int8", "int8x16", "int8/block:0.5", "int8/block:0.75"): one of the points that
        `tune` gives, or your own.
    require_int : bool
        Fail if any op would stay in float, and name each with the reason.
    count_clipped : bool
        Count the values that each layer clips, for `Quantized.clipped`; calls take a little longer.
    percentile : float, optional
        With ``method="percentile"``, the share of values inside a range in percent, above 50 and up to 100; 99.99 by
        default.
    prefer : {"accuracy", "speed"}
        "speed" stores activations in fewer steps where more products can then be added in 16 bits.
    freeze : str or iterable of str
        Dense layers by name, or patterns of names such as "fc*", whose parameters are rounded to the nearest and not
        changed otherwise, whatever `prune` and `effort` say. None by default.
    fold : mapping of str to float or "mean", optional
        What becomes a constant: a feature of an input or a channel of a layer ("NAME[I]", counted from 0), or a whole
        input ("NAME"); the value is a finite number, or "mean" for its mean on the calibration rows.
    fix_range : mapping of str to (float, float), optional
        The range (lo, hi), in the units of the float network, of an input or of a node's result in place of the one
        measured; two finite float32 numbers, the smaller first.

    Returns
    -------
    Quantized
        Its files live in a temporary folder as long as it does; `Quantized.save` keeps them.

    Raises
    ------
    QuantcError
        If the model or the data cannot be compiled; the message names the node or the row, and what to do.
    TypeError, ValueError, FileNotFoundError
        If an argument is not what is written above.

    Examples
    --------
    >>> q = quantc.quantize("digits.onnx", calibration)     # doctest: +SKIP
    >>> scores = q(x)                                       # doctest: +SKIP
    """
    options = _options(method, weights, activations, effort, prune, accuracy_budget, target, cpu, threads)
    _one_of("equalize", equalize, EQUALIZE)
    if equalize != "auto":
        options.append(f"--equalize={equalize}")
    if minimize is not None:
        _one_of("minimize", minimize, MINIMIZE)
        options.append(f"--minimize={minimize}")
    options += _range_options(method, percentile, prefer, fix_range) + _parameter_options(freeze, fold)
    scratch = Path(tempfile.mkdtemp(prefix="quantc-"))
    options += [flag for flag, on in (("--require-int", require_int), ("--count-clipped", count_clipped)) if on]
    try:
        imported = import_model(model, calibration, scratch)
        options += _data_options(imported, validation, labels, scratch)
        if plan is not None:
            options += ["--plan", os.fspath(plan_argument(plan, scratch))]
        source = Source(imported.path, tuple(options), imported.frontend)
        out = scratch / "out"
        out.mkdir()
        library = source.compile(out, _name_of(imported.path), _progress(progress))
        return Quantized(library, source=source, owned_folder=scratch, runs_here=target is None)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def tune(
    model: str | os.PathLike[str] | bytes | Any,
    calibration: Rows,
    validation: Rows | None = None,
    labels: ArrayLike | str | os.PathLike[str] | None = None,
    accuracy_budget: float | str | None = None,
    minimize: str = "time",
    *,
    points: int = 12,
    method: str = "auto",
    target: str | None = None,
    cpu: str = "native",
    allow_float: bool = False,
    progress: bool | Progress | None = None,
) -> Frontier:
    """Find the layers' bits that are worth what they cost.

    Every precision of every layer is measured once; the best combinations are compiled and run.

    Parameters
    ----------
    model, calibration, validation, labels, accuracy_budget, method, target, cpu, progress
        As `quantize` has them.
    minimize : {"time", "size"}
        What is weighed against accuracy: the modelled time, or the bytes of weights.
    points : int
        How many combinations are compiled and run, beside those that the budget asks for.
    allow_float : bool
        Whether layers may stay in float.

    Returns
    -------
    Frontier
        Its points, the cheapest first. Each can be given to `quantize` as `plan`.

    Raises
    ------
    QuantcError
        If the model or the data cannot be compiled, or no point reaches the budget.
    TypeError, ValueError, FileNotFoundError
        If an argument is not what is written above.

    Examples
    --------
    >>> frontier = quantc.tune("digits.onnx", calibration, x, labels=y)     # doctest: +SKIP
    >>> q = quantc.quantize("digits.onnx", calibration, plan=frontier[2])   # doctest: +SKIP
    """
    options = _options(method, "int8", "auto", "default", None, accuracy_budget, target, cpu, threads=1)
    _one_of("minimize", minimize, MINIMIZE)
    if type(points) is not int or not 2 <= points <= 200:
        raise ValueError(f"points: needs an integer from 2 to 200, got {points!r}")
    options += [f"--minimize={minimize}", f"--points={points}"]
    if allow_float:
        options.append("--allow-float")
    with tempfile.TemporaryDirectory(prefix="quantc-") as folder:
        scratch = Path(folder)
        imported = import_model(model, calibration, scratch)
        options += _data_options(imported, validation, labels, scratch)
        run_tool(["tune", imported.path, *options, "-o", scratch / "out", "--progress=json"], _progress(progress))
        return read_frontier(scratch / "out")


def _options(
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
    _one_of("method", method, METHODS)
    _one_of("weights", weights, WEIGHTS)
    _one_of("activations", activations, ACTIVATIONS)
    _one_of("effort", effort, EFFORTS)
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
        options.append(f"--prune={_word('prune', prune)}")
    if accuracy_budget is not None:
        options.append(f"--accuracy-budget={_budget(accuracy_budget)}")
    if target is not None:
        options.append(f"--target={_word('target', target)}")
    if cpu != "native":
        options.append(f"--cpu={_word('cpu', cpu)}")
    if threads != 1:
        options.append(f"--threads={threads}")
    return options


def _data_options(imported: Imported, validation: Any, labels: Any, folder: Path) -> list[str]:
    """The tool's options that name files of rows and labels; what is no file yet is written into `folder`."""
    given = (("calibration", imported.calibration), ("validation", validation), ("labels", labels))
    return [
        word
        for name, value in given
        if value is not None or name == "calibration"
        for word in (f"--{name}", os.fspath(data_argument(value, folder, name, imported.frontend)))
    ]


def _range_options(
    method: str, percentile: float | None, prefer: str, fix_range: Mapping[str, tuple[float, float]] | None
) -> list[str]:
    """The tool's options that say in which range, and in how many steps, a value is stored."""
    _one_of("prefer", prefer, PREFER)
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


def _parameter_options(freeze: str | Iterable[str], fold: Mapping[str, float | str] | None) -> list[str]:
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


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(map(repr, allowed))}")


def _word(name: str, value: object) -> str:
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


def _name_of(model: Path) -> str:
    """A C name from the model's file name."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", model.stem, flags=re.ASCII)
    return name if re.match(r"[A-Za-z]", name) else FALLBACK_NAME


def _progress(progress: bool | Progress | None) -> Progress | None:
    if progress is None or progress is False:
        return None
    if progress is True:
        return _write_progress
    if callable(progress):
        return progress
    raise TypeError(f"progress: needs True or a callable of (stage, done, total), got {progress!r}")


def _write_progress(stage: str, done: int, total: int) -> None:
    """One line that writes over itself on a terminal, and one line a stage elsewhere."""
    finished = total > 0 and done >= total
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{stage}: {done} of {total}" + ("\n" if finished else ""))
    elif finished:
        sys.stderr.write(f"{stage}: {done} of {total}\n")
    sys.stderr.flush()
