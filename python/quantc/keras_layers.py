"""What each Keras layer is in ONNX, and how the calls in a Keras model follow each other.

A model is walked call by call: `walk` gives each call of a layer or operation to a visitor, with a name that no other
call has. `LAYERS`, `FUNCTIONS` and `OPERATIONS` say what a visitor that writes ONNX makes of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .errors import QuantcError
from .onnx_graph import GraphWriter

__all__ = ["Call", "Traced", "call_operation", "functional", "is_dense", "is_merge", "traced_leaves", "walk", "weight"]

Visit = Callable[[Any, str, tuple[Any, ...], dict[str, Any]], Any]
SUPPORTED = "Dense, activations, normalizations, merges and reshapes are; cut the model there, or export it to ONNX"


@dataclass(frozen=True)
class Traced:
    """A tensor on its way through a model.

    Attributes
    ----------
    value : object
        What the visitor made of it.
    label : str
        The name of the call that gives it, or of the input.
    """

    value: Any
    label: str


def functional(model: Any) -> Any:
    """The graph of a Sequential or functional model.

    Raises
    ------
    QuantcError
        If the model has none.
    """
    graph = model
    if isinstance(model, keras.Sequential):
        graph = getattr(model, "_functional", None)
        if graph is None:
            raise QuantcError(
                f"model '{model.name}' does not know the shape of its input yet",
                remedy="begin it with keras.Input(shape), or call model.build((None, ...))",
            )
    if not hasattr(graph, "_run_through_graph"):
        raise QuantcError(
            f"model '{getattr(model, 'name', model)}' is a {type(model).__name__}, "
            "whose layers are called by Python code",
            remedy="write it as a keras.Sequential or with the functional API: keras.Model(inputs, outputs)",
        )
    return graph


def walk(model: Any, inputs: Sequence[Traced], visit: Visit) -> Any:
    """Give each call in a model to `visit`, in an order in which each finds its operands.

    Parameters
    ----------
    model : keras.Sequential or functional keras.Model
        Models inside it are walked too.
    inputs : sequence of Traced
        One for each of the model's inputs.
    visit : callable of (operation, path, arguments, keywords)
        `path` is a name that the call has alone: "dense", "inner/dense", "dense_1" where a layer is called again. The
        arguments hold `Traced`; the result is a value or a list of them.

    Returns
    -------
    Traced, or a list or dict of them
        The model's outputs, as it would give them.
    """
    calls: Counter[str] = Counter()
    return _walk(model, inputs, visit, "", calls)


def _walk(model: Any, inputs: Sequence[Traced], visit: Visit, prefix: str, calls: Counter[str]) -> Any:
    def bound(operation: Any) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            name = prefix + operation.name
            calls[name] += 1
            path = name if calls[name] == 1 else f"{name}_{calls[name] - 1}"
            if isinstance(operation, keras.Sequential) or hasattr(operation, "_run_through_graph"):
                return _walk(operation, traced_leaves((args, kwargs)), visit, f"{path}/", calls)
            result = visit(operation, path, args, kwargs)
            if not isinstance(result, (list, tuple)):
                return Traced(result, path)
            return [Traced(value, f"{path}:{index}") for index, value in enumerate(result)]

        return call

    # Keras's own way through the graph; the public ways to do so make new nodes on the user's layers.
    outputs = functional(model)._run_through_graph(list(inputs), operation_fn=bound)
    return outputs[0] if isinstance(outputs, (list, tuple)) and len(outputs) == 1 else outputs


def traced_leaves(structure: Any) -> list[Traced]:
    """All tensors in nested lists and dicts, in Keras's order."""
    return [leaf for leaf in keras.tree.flatten(structure) if isinstance(leaf, Traced)]


def is_dense(operation: Any) -> bool:
    """Whether an operation is a dense layer, which has a kernel of shape (inputs, outputs)."""
    return type(operation) is keras.layers.Dense


def is_merge(operation: Any) -> bool:
    """Whether an operation combines several values elementwise."""
    return type(operation) in {
        keras.layers.Add,
        keras.layers.Subtract,
        keras.layers.Multiply,
        keras.layers.Average,
        keras.layers.Maximum,
        keras.layers.Minimum,
    } or (_module(operation).endswith("ops.numpy") and type(operation).__name__ in BINARY)


def weight(variable: Any) -> NDArray[np.float32]:
    """The values of a weight as float32, whatever the model stores it in."""
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(variable, "float32")), np.float32)


@dataclass
class Call:
    """One call of a layer, being written as ONNX nodes.

    Attributes
    ----------
    graph : GraphWriter
    path : str
        The call's name.
    operation : keras.Operation
    shapes : list of tuple
        Of the operands; None for the batch.
    result : tuple
        The shape of the result.
    kernel : ndarray of float32, optional
        Of a dense layer, where other weights than the layer's own are to be written.
    """

    graph: GraphWriter
    path: str
    operation: Any
    shapes: list[tuple[int | None, ...]]
    result: tuple[int | None, ...]
    kernel: NDArray[np.float32] | None = None

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Write a node of this call; give its tensor."""
        return self.graph.node(kind, inputs, f"{self.path}/{kind}", **attributes)

    def const(self, value: Any, what: str, dtype: Any = np.float32) -> str:
        """A constant of this call."""
        return self.graph.constant(value, f"{self.path}/{what}", dtype)

    def clip(self, x: str, low: float | None, high: float | None) -> str:
        """Hold `x` between two bounds, of which either may be None."""
        bounds = ["" if bound is None else self.const(bound, "bound") for bound in (low, high)]
        return self.op("Clip", x, *(bounds if bounds[1] else bounds[:1]))

    def reshape(self, x: str, shape: Sequence[int | None]) -> str:
        """Give `x` another shape; the batch stays as it is."""
        if any(n is None for n in shape[1:]):
            raise self.fails(f"its result has the shape {tuple(shape)}, of which only the first may be unknown")
        return self.op("Reshape", x, self.const([0, *shape[1:]], "shape", np.int64))

    def fails(self, reason: str, remedy: str = SUPPORTED) -> QuantcError:
        """The error for this call."""
        kind = type(self.operation).__name__
        return QuantcError(f"layer '{self.path}' ({kind}): {reason}", where=self.path, remedy=remedy)


def call_operation(call: Call, inputs: Sequence[str]) -> str:
    """Write a call and give its result's tensor; the last node gets the call's name.

    Raises
    ------
    QuantcError
        If the layer has no form in ONNX that quantc compiles.
    """
    operation = call.operation
    convert = LAYERS.get(type(operation))
    if convert is None and _module(operation).partition(".")[2].startswith("src.ops."):
        convert = OPERATIONS.get(type(operation).__name__)
    if convert is None:
        raise call.fails("is not supported")
    before = call.graph.last
    result = convert(call, *inputs)
    return call.graph.rename_last(call.path) if call.graph.last > before else result


def _module(operation: Any) -> str:
    return type(operation).__module__


# --- functions ---


def _relu(call: Call, x: str, slope: float = 0.0, maximum: float | None = None, threshold: float = 0.0) -> str:
    """Keras's relu with all its parameters: slope * (x - threshold) below the threshold, x above, at most maximum."""
    if threshold == 0 and slope == 0:
        return call.clip(x, 0.0, maximum) if maximum is not None else call.op("Relu", x)
    if threshold == 0:
        y = call.op("LeakyRelu", x, alpha=float(slope))
    else:
        y = call.op("ThresholdedRelu", x, alpha=float(threshold))
        if slope != 0:
            below = call.clip(call.op("Sub", x, call.const(threshold, "threshold")), None, 0.0)
            y = call.op("Add", y, call.op("Mul", below, call.const(slope, "slope")))
    return y if maximum is None else call.clip(y, None, maximum)


def _simple(kind: str, **attributes: Any) -> Callable[[Call, str], str]:
    return lambda call, x: call.op(kind, x, **attributes)


def _silu(call: Call, x: str) -> str:
    return call.op("Mul", x, call.op("Sigmoid", x))


def _log_sigmoid(call: Call, x: str) -> str:
    return call.op("Neg", call.op("Softplus", call.op("Neg", x)))


def _tanh_shrink(call: Call, x: str) -> str:
    return call.op("Sub", x, call.op("Tanh", x))


FUNCTIONS: dict[Any, Callable[[Call, str], str]] = {
    "celu": _simple("Celu", alpha=1.0),
    "elu": _simple("Elu", alpha=1.0),
    "exponential": _simple("Exp"),
    "gelu": _simple("Gelu", approximate="none"),
    "hard_sigmoid": _simple("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_silu": _simple("HardSwish"),
    "hard_tanh": lambda call, x: call.clip(x, -1.0, 1.0),
    "leaky_relu": _simple("LeakyRelu", alpha=0.2),
    "linear": lambda _, x: x,
    "log_sigmoid": _log_sigmoid,
    "log_softmax": _simple("LogSoftmax", axis=-1),
    "mish": _simple("Mish"),
    "relu": _simple("Relu"),
    "relu6": lambda call, x: call.clip(x, 0.0, 6.0),
    "selu": _simple("Selu"),
    "sigmoid": _simple("Sigmoid"),
    "silu": _silu,
    "softmax": _simple("Softmax", axis=-1),
    "softplus": _simple("Softplus"),
    "softsign": _simple("Softsign"),
    "tanh": _simple("Tanh"),
    "tanh_shrink": _tanh_shrink,
}


def _activation(call: Call, x: str, function: Any) -> str:
    """What follows a layer: one of keras.activations, or a layer such as keras.layers.LeakyReLU."""
    if function is None:
        return x
    for name, convert in FUNCTIONS.items():
        if getattr(keras.activations, name, None) is function:
            return convert(call, x)
    if type(function) in LAYERS and type(function) is not keras.layers.Dense:
        inner = Call(call.graph, call.path, function, [call.result], call.result)
        return LAYERS[type(function)](inner, x)
    name = getattr(function, "__name__", type(function).__name__)
    raise call.fails(
        f"the activation '{name}' is not supported", f"use one of keras.activations: {', '.join(sorted(FUNCTIONS))}"
    )


# --- layers ---


def _dense(call: Call, x: str) -> str:
    layer = call.operation
    if getattr(layer, "quantization_mode", None) is not None:
        raise call.fails(
            f"is quantized by Keras already ({layer.quantization_mode})",
            "give the float model, from before model.quantize()",
        )
    kernel = weight(layer.kernel) if call.kernel is None else call.kernel
    inputs = [x, call.const(kernel, "kernel")]
    bias = None if layer.bias is None else call.const(weight(layer.bias), "bias")
    if len(call.shapes[0]) == 2:
        y = call.op("Gemm", *inputs, *([] if bias is None else [bias]))
    else:
        y = call.op("MatMul", *inputs)
        y = y if bias is None else call.op("Add", y, bias)
    return _activation(call, y, layer.activation)


def _batch_normalization(call: Call, x: str) -> str:
    layer = call.operation
    mean, variance = weight(layer.moving_mean), weight(layer.moving_variance)
    gamma = weight(layer.gamma) if layer.scale else np.ones_like(mean)
    beta = weight(layer.beta) if layer.center else np.zeros_like(mean)
    rank = len(call.shapes[0])
    if rank == 2:
        parts = [
            call.const(v, n) for v, n in ((gamma, "gamma"), (beta, "beta"), (mean, "mean"), (variance, "variance"))
        ]
        return call.op("BatchNormalization", x, *parts, epsilon=float(layer.epsilon))
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + layer.epsilon)
    shape = [1] * rank
    shape[layer.axis] = -1
    y = call.op("Mul", x, call.const(scale.reshape(shape), "scale"))
    return call.op("Add", y, call.const((beta - mean * scale).reshape(shape), "offset"))


def _layer_normalization(call: Call, x: str) -> str:
    layer = call.operation
    rank = len(call.shapes[0])
    axes = sorted(axis % rank for axis in (layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]))
    if axes != list(range(axes[0], rank)) or getattr(layer, "rms_scaling", False):
        raise call.fails(f"normalizes axes {axes} of {rank}", "let it normalize the last axes, by mean and variance")
    shape = [int(n or 0) for n in call.shapes[0][axes[0] :]]
    gamma = np.ones(shape) if layer.gamma is None else weight(layer.gamma)
    inputs = [x, call.const(gamma, "gamma")]
    if layer.beta is not None:
        inputs.append(call.const(weight(layer.beta), "beta"))
    return call.op("LayerNormalization", *inputs, axis=axes[0], epsilon=float(layer.epsilon))


def _normalization(call: Call, x: str) -> str:
    layer = call.operation
    if layer.mean is None:
        raise call.fails("has no mean and variance yet", "call its adapt(data) first")
    mean = weight(layer.mean)
    deviation = np.maximum(np.sqrt(weight(layer.variance)), np.float32(keras.config.epsilon()))
    if layer.invert:
        y = call.op("Mul", x, call.const(deviation, "deviation"))
        return call.op("Add", y, call.const(mean, "mean"))
    y = call.op("Sub", x, call.const(mean, "mean"))
    return call.op("Div", y, call.const(deviation, "deviation"))


def _rescaling(call: Call, x: str) -> str:
    y = call.op("Mul", x, call.const(call.operation.scale, "scale"))
    offset = np.asarray(call.operation.offset, np.float32)
    return call.op("Add", y, call.const(offset, "offset")) if offset.any() else y


def _flatten(call: Call, x: str) -> str:
    rank = len(call.shapes[0])
    if call.operation.data_format == "channels_first" and rank > 2:
        x = call.op("Transpose", x, perm=[0, *range(2, rank), 1])
    return call.reshape(x, call.result)


def _prelu(call: Call, x: str) -> str:
    return call.op("PRelu", x, call.const(weight(call.operation.alpha), "alpha"))


def _softmax(call: Call, x: str) -> str:
    axis = call.operation.axis
    if not isinstance(axis, int):
        raise call.fails(f"runs over the axes {axis}", "let it run over one axis")
    return call.op("Softmax", x, axis=axis)


def _merge(kind: str, mean: bool = False) -> Callable[..., str]:
    def convert(call: Call, *inputs: str) -> str:
        # Operations broadcast as ONNX does, layers otherwise.
        if isinstance(call.operation, keras.Layer) and len({len(shape) for shape in call.shapes}) > 1:
            raise call.fails(f"its inputs have the shapes {call.shapes}", "reshape them to the same number of axes")
        result = inputs[0]
        for other in inputs[1:]:
            result = call.op(kind, result, other)
        return call.op("Mul", result, call.const(1 / len(inputs), "share")) if mean else result

    return convert


def _concatenate(call: Call, *inputs: str) -> str:
    return call.op("Concat", *inputs, axis=int(call.operation.axis))


def _dot(call: Call, x: str, y: str) -> str:
    if any(len(shape) != 2 for shape in call.shapes) or call.operation.normalize:
        raise call.fails("only products of two vectors a row, not normalized, are supported")
    return call.op("ReduceSum", call.op("Mul", x, y), call.const([1], "axes", np.int64), keepdims=1)


def _same(_: Call, x: str) -> str:
    return x


LAYERS: dict[Any, Callable[..., str]] = {
    keras.layers.Dense: _dense,
    keras.layers.Activation: lambda call, x: _activation(call, x, call.operation.activation),
    keras.layers.ReLU: lambda call, x: _relu(
        call, x, call.operation.negative_slope or 0.0, call.operation.max_value, call.operation.threshold or 0.0
    ),
    keras.layers.LeakyReLU: lambda call, x: call.op("LeakyRelu", x, alpha=float(call.operation.negative_slope)),
    keras.layers.ELU: lambda call, x: call.op("Elu", x, alpha=float(call.operation.alpha)),
    keras.layers.PReLU: _prelu,
    keras.layers.Softmax: _softmax,
    keras.layers.BatchNormalization: _batch_normalization,
    keras.layers.LayerNormalization: _layer_normalization,
    keras.layers.Normalization: _normalization,
    keras.layers.Rescaling: _rescaling,
    keras.layers.Flatten: _flatten,
    keras.layers.Reshape: lambda call, x: call.reshape(x, call.result),
    keras.layers.Permute: lambda call, x: call.op("Transpose", x, perm=[0, *call.operation.dims]),
    keras.layers.Add: _merge("Add"),
    keras.layers.Subtract: _merge("Sub"),
    keras.layers.Multiply: _merge("Mul"),
    keras.layers.Average: _merge("Add", mean=True),
    keras.layers.Maximum: _merge("Max"),
    keras.layers.Minimum: _merge("Min"),
    keras.layers.Concatenate: _concatenate,
    keras.layers.Dot: _dot,
    # of training alone
    keras.layers.Identity: _same,
    keras.layers.Dropout: _same,
    keras.layers.AlphaDropout: _same,
    keras.layers.GaussianDropout: _same,
    keras.layers.GaussianNoise: _same,
    keras.layers.SpatialDropout1D: _same,
    keras.layers.SpatialDropout2D: _same,
    keras.layers.SpatialDropout3D: _same,
    keras.layers.ActivityRegularization: _same,
}

# What the functional API makes of `x + y`, keras.ops.tanh(x) and the like, by the name of the class.
BINARY = {
    "Add": "Add",
    "Subtract": "Sub",
    "Multiply": "Mul",
    "Divide": "Div",
    "TrueDivide": "Div",
    "Maximum": "Max",
    "Minimum": "Min",
}
OPERATIONS: dict[str, Callable[..., str]] = {
    **{name: _merge(kind) for name, kind in BINARY.items()},
    **{
        name: _simple(kind)
        for name, kind in {
            "Relu": "Relu",
            "Sigmoid": "Sigmoid",
            "Tanh": "Tanh",
            "Softplus": "Softplus",
            "Softsign": "Softsign",
            "Selu": "Selu",
            "HardSilu": "HardSwish",
            "Mish": "Mish",
            "Exp": "Exp",
            "Log": "Log",
            "Sqrt": "Sqrt",
            "Abs": "Abs",
            "Absolute": "Abs",
            "Negative": "Neg",
        }.items()
    },
    "Silu": _silu,
    "Square": lambda call, x: call.op("Mul", x, x),
    "Relu6": FUNCTIONS["relu6"],
    "HardSigmoid": FUNCTIONS["hard_sigmoid"],
    "LeakyRelu": lambda call, x: call.op("LeakyRelu", x, alpha=float(call.operation.negative_slope)),
    "Elu": lambda call, x: call.op("Elu", x, alpha=float(call.operation.alpha)),
    "Gelu": lambda call, x: call.op("Gelu", x, approximate="tanh" if call.operation.approximate else "none"),
    "Softmax": _softmax,
    "LogSoftmax": lambda call, x: call.op("LogSoftmax", x, axis=int(call.operation.axis)),
    "Concatenate": _concatenate,
    "Reshape": lambda call, x: call.reshape(x, call.result),
}
