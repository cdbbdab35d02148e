"""Writing an ONNX graph node by node, for front ends that have no exporter of their own.

Needs the onnx package: ``pip install quantc-mlir[onnx]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from .errors import QuantcError

__all__ = ["GraphWriter"]

OPSET = 20  # the first with Gelu
IR_VERSION = 9
LARGEST_MODEL = (1 << 31) - 1  # bytes: protobuf's limit
BATCH = "batch"


class GraphWriter:
    """An ONNX graph in the making; tensors are their names."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._taken: set[str] = set()
        self._inputs: list[onnx.ValueInfoProto] = []

    @property
    def last(self) -> int:
        """How many nodes there are."""
        return len(self._nodes)

    def unique(self, wanted: str) -> str:
        """`wanted`, or that with a number, so that no two tensors or nodes share a name."""
        name, number = wanted, 0
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name

    def input(self, name: str, row_shape: Sequence[int]) -> str:
        """Add a float32 input of shape (batch, *row_shape); give its tensor."""
        name = self.unique(name)
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, *row_shape]))
        return name

    def constant(self, value: ArrayLike, name: str, dtype: Any = np.float32) -> str:
        """Add a constant, once for all that ask for the same values; give its tensor."""
        array: NDArray[Any] = np.ascontiguousarray(value, dtype).reshape(np.shape(value))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = self.unique(name)
            self._constants.append(numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def node(self, op: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Add a node with one result; give the tensor, which has the node's name."""
        name = self.unique(name)
        self._nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def rename_last(self, wanted: str) -> str:
        """Give the last node and its result another name."""
        node = self._nodes[-1]
        node.name = self.unique(wanted)
        node.output[0] = node.name
        return str(node.name)

    def model(self, outputs: Sequence[tuple[str, str, Sequence[int]]]) -> bytes:
        """The whole model.

        Parameters
        ----------
        outputs : sequence of (tensor, name, row shape)
            What the model gives, and what it is to be called.

        Raises
        ------
        QuantcError
            If it is too large for one file.
        """
        values: list[onnx.ValueInfoProto] = []
        for tensor, wanted, row_shape in outputs:
            name = tensor
            if wanted != tensor or tensor in {value.name for value in (*values, *self._inputs)}:
                name = self._named(tensor, wanted, {value.name for value in values})
            values.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, *row_shape]))
        graph = helper.make_graph(self._nodes, "model", self._inputs, values, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        size = model.ByteSize()
        if size > LARGEST_MODEL:
            raise QuantcError(
                f"the model has {size >> 20} MiB of weights, more than fit into one ONNX file",
                remedy="export it with external data, and give quantize the file's path",
            )
        content: bytes = model.SerializeToString()
        return content

    def _named(self, tensor: str, wanted: str, outputs: set[str]) -> str:
        """Call a tensor `wanted`: in place where a node makes it and it is no output yet, else by an Identity."""
        made = [node for node in self._nodes if tensor in node.output]
        if not made or tensor in outputs:
            return self.node("Identity", [tensor], wanted)
        name = self.unique(wanted)
        for node in self._nodes:
            for names in (node.input, node.output):
                for index, known in enumerate(names):
                    if known == tensor:
                        names[index] = name
        return name
