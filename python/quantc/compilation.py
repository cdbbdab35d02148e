"""`quantize`: from a trained network and calibration rows to a compiled one; `tune`: which bits are worth it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from .cluster import check_cluster, compile_on_cluster
from .data import Rows, data_argument
from .frontends import FALLBACK_NAME, Imported, import_model
from .options import EQUALIZE, MINIMIZE, one_of, parameter_options, range_options, tool_options, word
from .progress import reporting
from .quantized import Quantized, Source
from .tool import Progress, run_tool
from .tuning import Frontier, Plan, plan_argument, read_frontier

__all__ = ["quantize", "tune"]


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
    split_channels: str | None = None,
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
    client: Any = None,
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
        A bar for each stage on standard error where that is a terminal, which False leaves out; True writes lines
        elsewhere. A callable gets (stage, done, total).
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
    split_channels : str, optional
        Hidden channels with outliers become two of half the size: "weights:F" or "activations:F", by the size of what a
        channel is read with or of its values, with F the share of channels to split, such as "weights:0.05".
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
    client : distributed.Client, optional
        A Dask cluster whose workers measure the calibration rows, each those that it holds or is sent, block by block;
        they need quantc installed. The program has the same bits as without. `accuracy_budget` and
        ``weights="mixed"`` then need `validation`, whose rows are read here.

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
    options = tool_options(method, weights, activations, effort, prune, accuracy_budget, target, cpu, threads)
    one_of("equalize", equalize, EQUALIZE)
    if equalize != "auto":
        options.append(f"--equalize={equalize}")
    if split_channels is not None:
        options.append(f"--split-channels={word('split_channels', split_channels)}")
    if minimize is not None:
        one_of("minimize", minimize, MINIMIZE)
        options.append(f"--minimize={minimize}")
    options += range_options(method, percentile, prefer, fix_range) + parameter_options(freeze, fold)
    if client is not None:
        check_cluster(client, validation, is_search=accuracy_budget is not None or weights == "mixed")
    options += [flag for flag, on in (("--require-int", require_int), ("--count-clipped", count_clipped)) if on]
    scratch = Path(tempfile.mkdtemp(prefix="quantc-"))
    try:
        with reporting(progress) as show:
            imported = import_model(model, calibration, scratch)
            if plan is not None:
                options += ["--plan", os.fspath(plan_argument(plan, scratch))]
            options += _data_options(imported, scratch, validation=validation, labels=labels)
            library, source = _compile(imported, options, client, scratch, show)
        return Quantized(library, source=source, owned_folder=scratch, runs_here=target is None)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _compile(
    imported: Imported, options: list[str], client: Any, scratch: Path, show: Progress | None
) -> tuple[Path, Source]:
    """Compile into `scratch`, with rows measured here or by a cluster: the library, and what it is made from."""
    out = scratch / "out"
    out.mkdir()

    def source_with(more: Sequence[str]) -> Source:
        return Source(imported.path, (*options, *more), imported.frontend)

    def compile_with(more: Sequence[str]) -> Path:
        return source_with(more).compile(out, _name_of(imported.path), show)

    if client is None:
        rows = _data_options(imported, scratch, calibration=imported.calibration)
        return compile_with(rows), source_with(rows)
    library, statistics = compile_on_cluster(
        client, imported.calibration, imported.frontend, compile_with, scratch, show
    )
    return library, source_with(statistics)


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
    options = tool_options(method, "int8", "auto", "default", None, accuracy_budget, target, cpu, threads=1)
    one_of("minimize", minimize, MINIMIZE)
    if type(points) is not int or not 2 <= points <= 200:
        raise ValueError(f"points: needs an integer from 2 to 200, got {points!r}")
    options += [f"--minimize={minimize}", f"--points={points}"]
    if allow_float:
        options.append("--allow-float")
    with tempfile.TemporaryDirectory(prefix="quantc-") as folder, reporting(progress) as show:
        scratch = Path(folder)
        imported = import_model(model, calibration, scratch)
        options += _data_options(
            imported, scratch, calibration=imported.calibration, validation=validation, labels=labels
        )
        run_tool(["tune", imported.path, *options, "-o", scratch / "out", "--progress=json"], show)
        return read_frontier(scratch / "out")


def _data_options(imported: Imported, folder: Path, **given: Any) -> list[str]:
    """The tool's options that name files of rows and labels; what is no file yet is written into `folder`."""
    return [
        word
        for name, value in given.items()
        if value is not None or name == "calibration"
        for word in (f"--{name}", os.fspath(data_argument(value, folder, name, imported.frontend)))
    ]


def _name_of(model: Path) -> str:
    """A C name from the model's file name."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", model.stem, flags=re.ASCII)
    return name if re.match(r"[A-Za-z]", name) else FALLBACK_NAME
