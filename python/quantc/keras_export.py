"""A Keras model as an ONNX file, in float or with the quantization that it was trained with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .errors import QuantcError
from .keras_layers import Call, Traced, call_operation, functional, is_dense, is_merge, traced_leaves, walk, weight
from .onnx_graph import GraphWriter

__all__ = ["Quantization", "export", "input_names"]

FLOATS = ("float32", "float64", "float16", "bfloat16")


@dataclass(frozen=True)
class Quantization:
    """The numbers that a model was trained with.

    Attributes
    ----------
    parameters : callable of (label) -> (scale, zero point)
        Of the 8-bit values that dense layers and merges read.
    kernel : callable of (kernel) -> kernel
        The float weights as the integers stand for them.
    """

    parameters: Callable[[str], tuple[np.float32, int]]
    kernel: Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Written:
    """A tensor of the ONNX graph and what Keras knows of it."""

    name: str
    spec: Any


def input_names(model: Any) -> list[str]:
    """The names of the inputs in the ONNX file, in the model's order."""
    return [str(tensor.name) for tensor in functional(model).inputs]


def export(model: Any, quantization: Quantization | None = None) -> bytes:
    """Write a model.

    Parameters
    ----------
    model : keras.Sequential or functional keras.Model
    quantization : Quantization, optional
        Adds QuantizeLinear and DequantizeLinear in front of what reads 8 bits.

    Raises
    ------
    QuantcError
        If a layer is not supported, or the shape of an input not known; the message names it.
    """
    graph = GraphWriter()
    source = functional(model)
    writer = _Writer(graph, quantization)
    inputs = []
    for tensor in source.inputs:
        shape = tuple(tensor.shape)
        if any(n is None for n in shape[1:]):
            raise QuantcError(
                f"input '{tensor.name}' has the shape {shape}, of which only the first may be unknown",
                where=str(tensor.name),
                remedy="build the model with keras.Input of a fixed shape",
            )
        name = graph.input(tensor.name, [int(n) for n in shape[1:]])
        inputs.append(Traced(Written(name, keras.KerasTensor(shape, tensor.dtype)), name))
    outputs = traced_leaves(walk(model, inputs, writer.visit))
    names = getattr(source, "output_names", None) or [traced.label for traced in outputs]
    return graph.model(
        [(traced.value.name, name, traced.value.spec.shape[1:]) for traced, name in zip(outputs, names, strict=True)]
    )


class _Writer:
    """Writes the calls that `walk` gives."""

    def __init__(self, graph: GraphWriter, quantization: Quantization | None) -> None:
        self._graph = graph
        self._quantization = quantization
        self._stored: dict[str, str] = {}

    def visit(self, operation: Any, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Written:
        """Write one call."""
        leaves = keras.tree.flatten((args, kwargs))
        is_layer = isinstance(operation, keras.Layer)  # of a layer, other arguments are of training
        operands = [leaf for leaf in leaves if isinstance(leaf, Traced) or (not is_layer and _is_constant(leaf))]
        result = self._spec(operation, path, args, kwargs)
        shapes = [tuple(o.value.spec.shape) if isinstance(o, Traced) else np.shape(o) for o in operands]
        call = Call(self._graph, path, operation, shapes, tuple(result.shape))
        if kwargs and not is_layer:
            raise call.fails(f"its keywords {', '.join(sorted(kwargs))} are not supported")
        tensors = [self._tensor(call, operand) for operand in operands]
        return Written(call_operation(call, tensors), result)

    def _tensor(self, call: Call, operand: Any) -> str:
        """The tensor that a call reads: a constant, or a value, quantized where the call reads 8 bits."""
        if not isinstance(operand, Traced):
            return call.const(operand, "constant")
        quantization = self._quantization
        if quantization is None or not (is_dense(call.operation) or is_merge(call.operation)):
            return str(operand.value.name)
        if is_dense(call.operation):
            call.kernel = quantization.kernel(weight(call.operation.kernel))
        if operand.label not in self._stored:
            scale, zero_point = quantization.parameters(operand.label)
            name = f"{operand.label}/quantized"
            parameters = [
                self._graph.constant(scale, f"{name}/scale"),
                self._graph.constant(zero_point, f"{name}/zero_point", np.uint8),
            ]
            q = self._graph.node("QuantizeLinear", [operand.value.name, *parameters], name)
            self._stored[operand.label] = self._graph.node(
                "DequantizeLinear", [q, *parameters], f"{operand.label}/dequantized"
            )
        return self._stored[operand.label]

    @staticmethod
    def _spec(operation: Any, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What Keras says that the call gives."""
        args, kwargs = keras.tree.map_structure(
            lambda leaf: leaf.value.spec if isinstance(leaf, Traced) else leaf, (args, kwargs)
        )
        spec = operation.compute_output_spec(*args, **kwargs)
        if not isinstance(spec, keras.KerasTensor):
            raise QuantcError(
                f"layer '{path}' ({type(operation).__name__}): gives several tensors",
                where=path,
                remedy="layers with one result are supported; cut the model there",
            )
        if str(spec.dtype) not in FLOATS:
            raise QuantcError(
                f"layer '{path}' ({type(operation).__name__}): gives {spec.dtype}",
                where=path,
                remedy="layers that give real numbers are supported; cut the model there",
            )
        return spec


def _is_constant(leaf: Any) -> bool:
    if isinstance(leaf, bool):
        return False
    return isinstance(leaf, (int, float, np.ndarray, np.generic)) or keras.ops.is_tensor(leaf)
