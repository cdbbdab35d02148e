"""Writes the networks as .tflite files, which LiteRT only runs.

The file is made as TensorFlow's own converter makes it for a dense network: one FULLY_CONNECTED a layer with its ReLU
fused. Three forms of it:

float          all in float32
int8           full integer quantization: activations affine int8 by min-max over the calibration rows, weights
               symmetric int8 per output channel, bias int32; a QUANTIZE first and a DEQUANTIZE last, so that float
               rows go in and float results come out, as with every other contender
int8 dynamic   weights as above, activations in float32: LiteRT quantizes them row by row while it runs
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from networks import Floats, Network
from numpy.typing import NDArray

FILE_IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
LEVELS = 255  # steps between the lowest and the highest of 256 values
LOWEST = -128
WEIGHT_TOP = 127  # symmetric: -128 is not used


class Writer:
    """A model in the making: tensors, their constant data and the operators, in LiteRT's own object API."""

    def __init__(self) -> None:
        from ai_edge_litert import schema_py_generated  # noqa: PLC0415 - only there where LiteRT is installed

        self.schema: Any = schema_py_generated
        self.tensors: list[Any] = []
        self.buffers: list[Any] = [self.schema.BufferT()]  # the first one is empty: that of what is no constant
        self.operators: list[Any] = []
        self.codes: list[Any] = []

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: str,
        data: NDArray[Any] | None = None,
        scales: Floats | None = None,
        zero_point: int = 0,
    ) -> int:
        """Add a tensor and give its number; `scales` has one entry, or one for each row of a weight."""
        result = self.schema.TensorT()
        result.name, result.shape = name.encode(), list(shape)
        if data is None:  # a value that the program computes: its rows are as many as the caller wants
            result.shapeSignature = [-1, *shape[1:]]
        else:
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            result.buffer = len(self.buffers)
            self.buffers.append(buffer)
        result.type = getattr(self.schema.TensorType, dtype)
        if scales is not None:
            quantization = self.schema.QuantizationParametersT()
            quantization.scale = [float(scale) for scale in scales]
            quantization.zeroPoint = [zero_point] * len(scales)
            quantization.quantizedDimension = 0
            result.quantization = quantization
        self.tensors.append(result)
        return len(self.tensors) - 1

    def operator(self, name: str, version: int, inputs: list[int], outputs: list[int], options: Any = None) -> None:
        """Append an operator, with its options where it has any."""
        code = self.schema.OperatorCodeT()
        code.builtinCode = getattr(self.schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = code.builtinCode  # the same number for operators this old
        code.version = version
        known = [(other.builtinCode, other.version) for other in self.codes]
        key = (code.builtinCode, version)
        if key not in known:
            self.codes.append(code)
            known.append(key)
        result = self.schema.OperatorT()
        result.opcodeIndex = known.index(key)
        result.inputs, result.outputs = inputs, outputs
        if options is not None:
            result.builtinOptionsType = self.schema.BuiltinOptions.FullyConnectedOptions
            result.builtinOptions = options
        self.operators.append(result)

    def dense(self, inputs: list[int], output: int, version: int, relu: bool, hybrid: bool = False) -> None:
        """Append a dense layer; `hybrid` ones quantize their float input row by row, with a zero point."""
        options = self.schema.FullyConnectedOptionsT()
        kinds = self.schema.ActivationFunctionType
        options.fusedActivationFunction = kinds.RELU if relu else kinds.NONE
        options.asymmetricQuantizeInputs = hybrid
        self.operator("FULLY_CONNECTED", version, inputs, [output], options)

    def write(self, path: Path, first: int, last: int) -> None:
        """Write the file of a program from tensor `first` to tensor `last`."""
        import flatbuffers  # noqa: PLC0415 - comes with LiteRT

        graph = self.schema.SubGraphT()
        graph.name, graph.tensors, graph.operators = b"main", self.tensors, self.operators
        graph.inputs, graph.outputs = [first], [last]
        model = self.schema.ModelT()
        model.version, model.subgraphs = SCHEMA_VERSION, [graph]
        model.buffers, model.operatorCodes = self.buffers, self.codes
        builder: Any = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
        path.write_bytes(builder.Output())


def quantized_weight(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Symmetric int8 with a scale for each output channel: the values, and the scales of shape (outputs,)."""
    largest = np.abs(weight).max(axis=1)
    scales = np.where(largest > 0, largest / WEIGHT_TOP, 1).astype(np.float32)
    return np.rint(weight / scales[:, None]).clip(-WEIGHT_TOP, WEIGHT_TOP).astype(np.int8), scales


def range_of(values: Floats) -> tuple[float, int]:
    """Scale and zero point of affine int8 over the range of `values`, which is widened to hold zero."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    scale = float(np.float32((high - low) / LEVELS)) or 1.0
    return scale, int(np.clip(round(LOWEST - low / scale), LOWEST, LOWEST + LEVELS))


def write_float(network: Network, path: Path) -> None:
    """Write the float form."""
    writer = Writer()
    first = value = writer.tensor("x", (1, network.weights[0].shape[1]), "FLOAT32")
    for index, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True), start=1):
        w = writer.tensor(f"w{index}", weight.shape, "FLOAT32", weight)
        b = writer.tensor(f"b{index}", bias.shape, "FLOAT32", bias)
        output = writer.tensor(f"h{index}", (1, len(bias)), "FLOAT32")
        writer.dense([value, w, b], output, 1, relu=index < len(network.weights))
        value = output
    writer.write(path, first, value)


def write_dynamic(network: Network, path: Path) -> None:
    """Write the form with int8 weights and float activations."""
    writer = Writer()
    first = value = writer.tensor("x", (1, network.weights[0].shape[1]), "FLOAT32")
    for index, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True), start=1):
        values, scales = quantized_weight(weight)
        w = writer.tensor(f"w{index}", weight.shape, "INT8", values, scales)
        b = writer.tensor(f"b{index}", bias.shape, "FLOAT32", bias)
        output = writer.tensor(f"h{index}", (1, len(bias)), "FLOAT32")
        writer.dense([value, w, b], output, 9, relu=index < len(network.weights), hybrid=True)
        value = output
    writer.write(path, first, value)


def write_int8(network: Network, path: Path) -> None:
    """Write the form with int8 weights and int8 activations."""
    writer = Writer()
    first = writer.tensor("x", (1, network.weights[0].shape[1]), "FLOAT32")
    scale, zero_point = range_of(network.calibration)
    value = writer.tensor(
        "x8", (1, network.weights[0].shape[1]), "INT8", None, np.array([scale], np.float32), zero_point
    )
    writer.operator("QUANTIZE", 1, [first], [value])
    results = network.activations(network.calibration)
    for index, (weight, bias, result) in enumerate(zip(network.weights, network.biases, results, strict=True), start=1):
        values, scales = quantized_weight(weight)
        products = (np.float64(scale) * scales).astype(np.float32)
        w = writer.tensor(f"w{index}", weight.shape, "INT8", values, scales)
        b = writer.tensor(f"b{index}", bias.shape, "INT32", np.rint(bias / products).astype(np.int32), products)
        scale, zero_point = range_of(result)
        output = writer.tensor(f"h{index}", (1, len(bias)), "INT8", None, np.array([scale], np.float32), zero_point)
        writer.dense([value, w, b], output, 4, relu=index < len(network.weights))
        value = output
    last = writer.tensor("y", (1, len(network.biases[-1])), "FLOAT32")
    writer.operator("DEQUANTIZE", 2, [value], [last])
    writer.write(path, first, last)
