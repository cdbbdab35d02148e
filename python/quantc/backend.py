"""ONNX's backend interface, so that ONNX's own conformance runner can drive quantc.

    import onnx.backend.test
    import quantc.backend
    tests = onnx.backend.test.BackendTest(quantc.backend, __name__)

A model is imported by the compiler and run, in float, by its reference interpreter: any element type, any shape. What
this checks is what quantc takes each op to mean, before any quantization.

quantc knows all shapes but the batch when it compiles, so what decides a shape has to be a constant. ONNX lets it be an
input (the target shape of a Reshape, say). Such an input is bound when the model is run: the model is imported with the
given value as a constant.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import helper, numpy_helper
from onnx.backend.base import Backend, BackendRep

from .quantized import run_interpreter

__all__ = ["QuantcBackend", "QuantcBackendRep", "prepare", "run_model", "run_node", "supports_device"]

KNOWN_WHEN_COMPILING = {  # operands that must be constants, by op
    "ConstantOfShape": (0,),
    "Dropout": (1, 2),
    "Expand": (1,),
    "Reshape": (1,),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "Squeeze": (1,),
    "TopK": (1,),
    "Unsqueeze": (1,),
    **{f"Reduce{name}": (1,) for name in ("L1", "L2", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")},
}
NARROW_STORAGE = {"int4": np.int8, "uint4": np.uint8}  # .npy has no 4-bit type: one value a byte


class QuantcBackendRep(BackendRep):  # type: ignore[misc]  # onnx has no types for it
    """A model ready to run."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        constants = {initializer.name for initializer in model.graph.initializer}
        self._inputs = [value.name for value in model.graph.input if value.name not in constants]
        self._outputs = list(model.graph.output)
        self._bound = _inputs_known_when_compiling(model.graph) & set(self._inputs)
        self._folder = Path(tempfile.mkdtemp(prefix="quantc-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def run(self, inputs: Sequence[ArrayLike] | ArrayLike, **kwargs: Any) -> tuple[NDArray[Any], ...]:
        """Run the model on one array an input; give one array an output."""
        given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if len(given) != len(self._inputs):
            raise TypeError(f"this model has {len(self._inputs)} inputs ({', '.join(self._inputs)}), got {len(given)}")
        arrays = dict(zip(self._inputs, map(np.asarray, given), strict=True))
        path = self._write({name: arrays.pop(name) for name in self._bound})
        results = run_interpreter(path, [*map(_storable, arrays.values())], [*arrays], len(self._outputs))
        results = results if isinstance(results, tuple) else (results,)
        return tuple(_declared(array, value) for array, value in zip(results, self._outputs, strict=True))

    def _write(self, bound: dict[str, NDArray[Any]]) -> Path:
        """Write the model, with the bound inputs as constants."""
        model = self._model
        if bound:
            model = onnx.ModelProto()
            model.CopyFrom(self._model)
            kept = [value for value in model.graph.input if value.name not in bound]
            del model.graph.input[:]
            model.graph.input.extend(kept)
            model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in bound.items())
        path = self._folder / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return path


class QuantcBackend(Backend):  # type: ignore[misc]  # onnx has no types for it
    """ONNX's view of quantc."""

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> QuantcBackendRep:
        super().prepare(model, device, **kwargs)
        return QuantcBackendRep(model)

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Sequence[Any],
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype[Any], tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[NDArray[Any], ...]:
        """Run one node; `outputs_info` gives each output's dtype and shape, by default those of the first input."""
        arrays = [np.asarray(value) for value in inputs]
        if outputs_info is None:
            outputs_info = [(arrays[0].dtype, arrays[0].shape)] * len(node.output)
        graph = helper.make_graph(
            [node],
            "node",
            [_value_info(n, a.dtype, a.shape) for n, a in zip(filter(None, node.input), arrays, strict=True)],
            [_value_info(n, d, None) for n, (d, _) in zip(node.output, outputs_info, strict=True)],
        )
        # Not through prepare: ONNX's checker wants the outputs' shapes, which are the compiler's to find.
        return QuantcBackendRep(helper.make_model(graph, **kwargs)).run(arrays)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"


def _inputs_known_when_compiling(graph: onnx.GraphProto) -> set[str]:
    """Names of all values from which an operand of KNOWN_WHEN_COMPILING is computed."""
    producers = {name: node for node in graph.node for name in node.output}
    queue = [
        node.input[position]
        for node in graph.node
        for position in KNOWN_WHEN_COMPILING.get(node.op_type, ())
        if position < len(node.input)
    ]
    found: set[str] = set()
    while queue:
        name = queue.pop()
        # A shape can be computed from another value's shape, which is known without the value.
        if name not in found:
            found.add(name)
            if name in producers and producers[name].op_type != "Shape":
                queue.extend(producers[name].input)
    return found


def _value_info(name: str, dtype: np.dtype[Any], shape: tuple[int, ...] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


def _storable(array: NDArray[Any]) -> NDArray[Any]:
    narrow = NARROW_STORAGE.get(array.dtype.name)
    return array if narrow is None else array.astype(narrow)


def _declared(array: NDArray[Any], value: onnx.ValueInfoProto) -> NDArray[Any]:
    """The array in the dtype that the model declares, where .npy had to stand in for it."""
    element = value.type.tensor_type.elem_type
    if not element:
        return array
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(element))
    return array.astype(dtype) if dtype.name in NARROW_STORAGE else array


prepare = QuantcBackend.prepare
run_model = QuantcBackend.run_model
run_node = QuantcBackend.run_node
supports_device = QuantcBackend.supports_device
is_compatible = QuantcBackend.is_compatible
