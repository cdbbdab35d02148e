"""PyTorch's front end: modules as ONNX, and quantization-aware training.

>>> q = quantc.quantize(quantc.torch.to_onnx(module, x), x)                  # doctest: +SKIP
>>> trained = quantc.torch.QuantAware(module, [0.0001, 0.001])               # doctest: +SKIP

Needs torch and onnx: ``pip install quantc-mlir[torch]``.
"""

from __future__ import annotations

import copy
import importlib.util
import inspect
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from .errors import QuantcError
from .torch_training import QuantAware

__all__ = ["QuantAware", "to_onnx"]

EXAMPLE_ROWS = 2  # one row would be taken for a constant by torch.export
REMEDY = "export it with torch.onnx.export yourself, and give quantize the file"


def to_onnx(module: Any, calibration: Any) -> bytes:
    """A PyTorch module as an ONNX file's content.

    The module itself stays as it is: what is exported is a copy on the CPU, in eval mode and in float32. Nodes are
    named after the modules that make them, as in "/fc1/Gemm".

    Parameters
    ----------
    module : torch.nn.Module or QuantAware
        Its inputs and outputs are tensors of shape (batch, ...).
    calibration : array or tensor of shape (rows, ...), sequence of them, or mapping of argument name to them
        Rows as `quantize` takes them. Their shapes and types are those of the inputs; a sequence (list or tuple) is
        one array for each argument of ``forward``.

    Returns
    -------
    bytes

    Raises
    ------
    QuantcError
        If PyTorch cannot export the module; the message has its reason.
    TypeError
        If `module` is no module, or `calibration` a path: it has no shape to export with.
    """
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module: needs a torch.nn.Module, got {type(module).__name__}")
    if isinstance(calibration, (str, bytes)) or hasattr(calibration, "__fspath__"):
        raise TypeError("calibration: a PyTorch module is exported with rows: load the file, and give the array")
    names, arguments = _arguments(module, calibration)
    with _quiet():  # torch warns of what its own copying does
        exported = module.plain() if isinstance(module, QuantAware) else copy.deepcopy(module)
        exported = exported.cpu().float().eval()
    with torch.no_grad():
        try:
            results = exported(*arguments)
        except Exception as error:
            raise QuantcError(
                f"{type(module).__name__} fails on the first rows: {_line(error)}",
                remedy="give rows of the shape that its forward takes",
            ) from error
    outputs = _output_names(module, results)
    if _is_quantized(exported):  # tracing does not know these ops
        return _captured(module, exported, arguments, names, outputs, "it is quantized by PT2E")
    try:
        with _quiet() as notes:
            content = _traced(exported, arguments, names, outputs)
        doubt = next((str(note.message) for note in notes if issubclass(note.category, torch.jit.TracerWarning)), "")
    except Exception as error:  # noqa: BLE001 - torch raises anything
        content, doubt = b"", _line(error)
    if not doubt:
        return content
    # Tracing sees one way through Python's branches; torch.export proves that there is no other.
    return _captured(module, exported, arguments, names, outputs, doubt)


def _is_quantized(module: Any) -> bool:
    """Whether it is what convert_pt2e gives: a graph with ops that quantize."""
    graph = getattr(module, "graph", None) if isinstance(module, torch.fx.GraphModule) else None
    return graph is not None and any("quantized_decomposed" in str(node.target) for node in graph.nodes)


def _traced(module: Any, arguments: tuple[Any, ...], names: list[str], outputs: list[str]) -> bytes:
    file = io.BytesIO()
    axes = {name: {0: "batch"} for name in (*names, *outputs)}
    torch.onnx.export(module, arguments, file, input_names=names, output_names=outputs, dynamic_axes=axes, dynamo=False)
    return file.getvalue()


def _captured(
    module: Any, exported: Any, arguments: tuple[Any, ...], names: list[str], outputs: list[str], doubt: str
) -> bytes:
    """The same by torch.export, which needs onnxscript."""
    kind = type(module).__name__
    if importlib.util.find_spec("onnxscript") is None:
        raise QuantcError(
            f"{kind} cannot be exported by tracing it: {_line(doubt)}",
            remedy=f"install onnxscript, with which torch.export is tried, or {REMEDY}",
        )
    batch = torch.export.Dim("batch")
    parameters = list(inspect.signature(exported.forward).parameters.values())
    shapes: tuple[Any, ...] = tuple({0: batch} for _ in arguments)
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        shapes = (shapes,)
    try:
        with _quiet():
            program = torch.onnx.export(
                exported,
                arguments,
                dynamo=True,
                dynamic_shapes=shapes,
                input_names=names,
                output_names=outputs,
                verbose=False,
            )
            content: bytes = program.model_proto.SerializeToString()
    except Exception as error:
        raise QuantcError(f"{kind} cannot be exported: {_line(error)}", remedy=REMEDY) from error
    return content


@contextmanager
def _quiet() -> Iterator[list[warnings.WarningMessage]]:
    """Keep the exporters' notes on themselves from the user's terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("always")
            yield notes
    finally:
        logger.setLevel(level)


def _line(error: object) -> str:
    """The first line of a message."""
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__).rstrip(".:; ")


def _arguments(module: Any, calibration: Any) -> tuple[list[str], tuple[Any, ...]]:
    """Names and the first rows of each input."""
    forward = module.module.forward if isinstance(module, QuantAware) else module.forward
    known = [
        parameter.name
        for parameter in inspect.signature(forward).parameters.values()
        if parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
    ]
    if isinstance(calibration, Mapping):
        names = [name for name in known if name in calibration]
        unknown = [name for name in calibration if name not in known]
        if unknown or names != known[: len(names)]:
            raise ValueError(
                f"calibration: has {', '.join(map(repr, calibration))}; forward's arguments are {', '.join(known)}"
            )
        values: Sequence[Any] = [calibration[name] for name in names]
    else:
        values = calibration if isinstance(calibration, (list, tuple)) and not _is_rows(calibration) else [calibration]
        names = known[: len(values)] if len(known) >= len(values) else [f"input_{i}" for i in range(len(values))]
    return names, tuple(_example(value, name) for value, name in zip(values, names, strict=True))


def _is_rows(value: Any) -> bool:
    """Whether a sequence is rows of numbers, rather than one array for each argument."""
    return not any(hasattr(item, "shape") and len(item.shape) > 1 for item in value)


def _example(value: Any, name: str) -> Any:
    rows = torch.as_tensor(np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value))
    if rows.ndim == 0 or len(rows) == 0:
        raise ValueError(f"calibration: needs at least one row of {name}, got shape {tuple(rows.shape)}")
    rows = rows[torch.arange(EXAMPLE_ROWS) % len(rows)]
    return rows.float() if rows.is_floating_point() else rows


def _output_names(module: Any, results: Any) -> list[str]:
    if isinstance(results, torch.Tensor):
        return ["output"]
    if isinstance(results, Mapping):
        return [str(name) for name in results]
    if isinstance(results, (list, tuple)) and all(isinstance(result, torch.Tensor) for result in results):
        return [f"output_{index}" for index in range(len(results))]
    raise QuantcError(
        f"{type(module).__name__} gives a {type(results).__name__}", remedy="let forward give tensors: one, or a tuple"
    )
