"""Transformers that skl2onnx has no converter for, or one with ops that a compiled program does not have.

Each is written over one matrix of rows, features side by side, in ops that quantc reads. All numbers are float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto
from skl2onnx.common.data_types import FloatTensorType
from sklearn.feature_selection import RFE, RFECV, SelectFromModel, SelectKBest, SelectPercentile, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
)

__all__ = ["FUNCTIONS", "converters", "parsers", "shape_calculators"]

OPSET = 17
LARGEST = np.float32(3.4028235e38)
MISSING_CATEGORY = np.float32(-3e38)  # stands for NaN among categories, since NaN equals nothing
NORMAL_BOUND = 5.19933758  # scikit-learn clips the normal quantile function to where its argument is 1e-7 from 0 and 1
FUNCTIONS: dict[Any, tuple[str, ...]] = {  # of FunctionTransformer: ops after one another
    np.log1p: ("log1p",),
    np.log: ("Log",),
    np.exp: ("Exp",),
    np.sqrt: ("Sqrt",),
    np.abs: ("Abs",),
    np.negative: ("Neg",),
    np.reciprocal: ("Reciprocal",),
    np.square: ("square",),
    np.sign: ("Sign",),
    np.sin: ("Sin",),
    np.cos: ("Cos",),
    np.tanh: ("Tanh",),
}


SELECTORS = (SelectKBest, SelectPercentile, SelectFromModel, RFE, RFECV, VarianceThreshold)
MLP_FUNCTIONS = {
    "identity": "Identity",
    "logistic": "Sigmoid",
    "tanh": "Tanh",
    "relu": "Relu",
    "softmax": "Softmax",
    "softplus": "Softplus",
    "exp": "Exp",
}


class _Graph:
    """Adds nodes to the graph that skl2onnx makes, for one transformer."""

    def __init__(self, scope: Any, operator: Any, container: Any) -> None:
        self._scope, self._container = scope, container
        self._prefix = type(operator.raw_operator).__name__
        self.model = operator.raw_operator
        self._output = operator.outputs[0].full_name
        names = [variable.full_name for variable in operator.inputs]
        self.input = names[0] if len(names) == 1 else self("Concat", *names, axis=1)

    def constant(self, values: ArrayLike, dtype: type[np.float32] | type[np.int64] = np.float32) -> str:
        """An initializer; what is beyond float32 becomes its largest number."""
        array = np.asarray(values)
        if dtype is np.float32:
            array = np.clip(array, -LARGEST, LARGEST)
        array = array.astype(dtype)
        name: str = self._scope.get_unique_variable_name(f"{self._prefix}_constant")
        kind = TensorProto.FLOAT if dtype is np.float32 else TensorProto.INT64
        self._container.add_initializer(name, kind, list(array.shape), array.reshape(-1).tolist())
        return name

    def __call__(self, op: str, *inputs: str, **attributes: Any) -> str:
        """A node's result."""
        result: str = self._scope.get_unique_variable_name(f"{self._prefix}_{op}")
        name = self._scope.get_unique_operator_name(f"{self._prefix}_{op}")
        self._container.add_node(op, list(inputs), result, name=name, op_version=OPSET, **attributes)
        return result

    def number(self, boolean: str) -> str:
        """1.0 where it is true, 0.0 elsewhere."""
        return self("Cast", boolean, to=TensorProto.FLOAT)

    def columns(self, table: str, positions: ArrayLike) -> str:
        """Columns of a matrix."""
        return self("Gather", table, self.constant(positions, np.int64), axis=1)

    def spread(self, table: str, owners: NDArray[Any]) -> str:
        """The column that each result compares; a single column spreads by itself."""
        return table if self.model.n_features_in_ == 1 else self.columns(table, owners)

    def sum_of_last(self, table: str, axis: int) -> str:
        return self("ReduceSum", table, self.constant([axis], np.int64), keepdims=0)

    def finish(self, result: str) -> None:
        name = self._scope.get_unique_operator_name(f"{self._prefix}_result")
        self._container.add_node("Identity", [result], self._output, name=name, op_version=OPSET)


def _one_hot(g: _Graph) -> None:
    encoder = g.model
    owners = np.repeat(np.arange(len(encoder.categories_)), [len(c) for c in encoder.categories_])
    values = np.concatenate([np.asarray(c, np.float64) for c in encoder.categories_])
    table = _with_missing_category(g, g.input, values)
    values = np.where(np.isnan(values), MISSING_CATEGORY, values)
    groups = _one_hot_groups(encoder)
    if all(len(members) == 1 and not rest for members, rest in groups):
        taken = [members[0] for members, _ in groups]
        g.finish(g.number(g("Equal", g.spread(table, owners[taken]), g.constant(values[taken]))))
        return
    hot = g.number(g("Equal", g.spread(table, owners), g.constant(values)))
    weights, offsets = np.zeros((len(values), len(groups))), np.zeros(len(groups))
    for column, (members, rest) in enumerate(groups):
        weights[members, column] = -1 if rest else 1
        offsets[column] = rest
    grouped = g("MatMul", hot, g.constant(weights))
    g.finish(g("Add", grouped, g.constant(offsets)) if offsets.any() else grouped)


def _one_hot_groups(encoder: Any) -> list[tuple[list[int], bool]]:
    """For each output the positions of its categories; or, with True, of all those that it is not."""
    groups: list[tuple[list[int], bool]] = []
    start = 0
    infrequent = getattr(encoder, "infrequent_categories_", [None] * len(encoder.categories_))
    for feature, categories in enumerate(encoder.categories_):
        positions = list(range(start, start + len(categories)))
        start += len(categories)
        mapping = encoder._default_to_infrequent_mappings[feature] if _groups_infrequent(encoder) else None
        outputs = [[p] for p in positions]
        if mapping is not None and infrequent[feature] is not None:
            outputs = [
                [p for p, to in zip(positions, mapping, strict=True) if to == k] for k in range(max(mapping) + 1)
            ]
        made = [(members, False) for members in outputs]
        if mapping is not None and encoder.handle_unknown == "infrequent_if_exist":
            made[-1] = ([p for members in outputs[:-1] for p in members], True)
        dropped = None if encoder.drop_idx_ is None else encoder.drop_idx_[feature]
        if dropped is not None:
            column = int(dropped) if mapping is None else int(mapping[int(dropped)])
            del made[column]
        groups += made
    return groups


def _groups_infrequent(encoder: Any) -> bool:
    return bool(getattr(encoder, "_infrequent_enabled", False))


def _with_missing_category(g: _Graph, table: str, categories: NDArray[Any]) -> str:
    if not np.isnan(categories).any():
        return table
    return g("Where", g("IsNaN", table), g.constant(MISSING_CATEGORY), table)


def _ordinal(g: _Graph) -> None:
    encoder = g.model
    widest = max(len(c) for c in encoder.categories_)
    features = len(encoder.categories_)
    values, codes = np.full((features, widest), LARGEST, np.float64), np.zeros((features, widest))
    for feature, categories in enumerate(encoder.categories_):
        mapping = encoder._default_to_infrequent_mappings[feature] if _groups_infrequent(encoder) else None
        numbers = np.asarray(categories, np.float64)
        values[feature, : len(numbers)] = np.where(np.isnan(numbers), MISSING_CATEGORY, numbers)
        codes[feature, : len(numbers)] = np.arange(len(numbers)) if mapping is None else mapping
        codes[feature, : len(numbers)][np.isnan(numbers)] = encoder.encoded_missing_value
    if np.isnan(codes).any():
        raise ValueError("encoded_missing_value is NaN; give it a number")
    table = _with_missing_category(g, g.input, np.concatenate([np.asarray(c, float) for c in encoder.categories_]))
    rows = g("Reshape", table, g.constant([-1, features, 1], np.int64))
    hit = g.number(g("Equal", rows, g.constant(values)))
    code = g.sum_of_last(g("Mul", hit, g.constant(codes)), 2)
    if encoder.handle_unknown == "use_encoded_value":
        known = g("Greater", g.sum_of_last(hit, 2), g.constant(0.5))
        code = g("Where", known, code, g.constant(float(encoder.unknown_value)))
    g.finish(code)


def _bins(g: _Graph) -> None:
    """The number of inner edges that a value has reached; one-hot, the edges on its two sides."""
    inner = [np.asarray(edges, np.float64)[1:-1] for edges in g.model.bin_edges_]
    features = len(inner)
    if g.model.encode == "ordinal":
        edges = np.full((features, max(1, *(len(e) for e in inner))), LARGEST, np.float64)
        for feature, e in enumerate(inner):
            edges[feature, : len(e)] = e
        rows = g("Reshape", g.input, g.constant([-1, features, 1], np.int64))
        g.finish(g.sum_of_last(g.number(g("GreaterOrEqual", rows, g.constant(edges))), 2))
        return
    owners = np.repeat(np.arange(features), [len(e) + 1 for e in inner])
    lower = np.concatenate([np.r_[-LARGEST, e] for e in inner])
    upper = np.concatenate([np.r_[e, LARGEST] for e in inner])
    values = g.spread(g.input, owners)
    inside = g("And", g("GreaterOrEqual", values, g.constant(lower)), g("Less", values, g.constant(upper)))
    g.finish(g.number(inside))


def _polynomial(g: _Graph) -> None:
    """Each output is a product of `degree` columns, among them one of ones."""
    powers = g.model.powers_
    features = powers.shape[1]
    ones = g("Add", g("Mul", g.columns(g.input, [0]), g.constant(0.0)), g.constant(1.0))
    table = g("Concat", g.input, ones, axis=1)
    degree = int(powers.sum(axis=1).max())
    factors = np.full((len(powers), max(degree, 1)), features)
    for output, exponents in enumerate(powers):
        taken = np.repeat(np.arange(features), exponents)
        factors[output, : len(taken)] = taken
    product = g.columns(table, factors[:, 0])
    for slot in range(1, degree):
        product = g("Mul", product, g.columns(table, factors[:, slot]))
    g.finish(product)


def _power(g: _Graph) -> None:
    lambdas = np.asarray(g.model.lambdas_, np.float64)
    if g.model.method == "box-cox":
        result = _power_of(g, g("Log", g.input), lambdas)
    else:
        above = g("Log", g("Add", g("Max", g.input, g.constant(0.0)), g.constant(1.0)))
        below = g("Log", g("Sub", g.constant(1.0), g("Min", g.input, g.constant(0.0))))
        result = g("Sub", _power_of(g, above, lambdas), _power_of(g, below, 2 - lambdas))
    if g.model.standardize:
        scaler = g.model._scaler
        result = g("Div", g("Sub", result, g.constant(scaler.mean_)), g.constant(scaler.scale_))
    g.finish(result)


def _power_of(g: _Graph, logarithm: str, exponents: NDArray[np.float64]) -> str:
    """(exp(exponent log) - 1) / exponent, the logarithm itself where the exponent is next to 0."""
    is_log = np.abs(exponents) < 1e-5
    divisors = np.where(is_log, 1.0, exponents)
    power = g("Exp", g("Mul", logarithm, g.constant(divisors)))
    power = g("Mul", g("Sub", power, g.constant(1.0)), g.constant(1 / divisors))
    if not is_log.any():
        return power
    chosen = g("Mul", logarithm, g.constant(is_log))
    return g("Add", g("Mul", power, g.constant(~is_log)), chosen)


def _quantile(g: _Graph) -> None:
    """Linear between the quantiles; a step where several are equal, half of it at that value."""
    quantiles = np.asarray(g.model.quantiles_, np.float64).astype(np.float32).astype(np.float64).T
    rises = np.broadcast_to(np.diff(g.model.references_), quantiles[:, 1:].shape)
    lower, widths = quantiles[:, :-1], np.diff(quantiles, axis=1)
    slopes = np.where(widths > 0, rises / np.where(widths > 0, widths, 1), 0)
    rows = g("Reshape", g.input, g.constant([-1, len(quantiles), 1], np.int64))
    inside = g("Min", g("Max", rows, g.constant(lower)), g.constant(quantiles[:, 1:]))
    share = g.sum_of_last(g("Mul", g("Sub", inside, g.constant(lower)), g.constant(slopes)), 2)
    steps = np.where(widths > 0, 0, rises)
    if steps.any():
        above, reached = (g.number(g(op, rows, g.constant(lower))) for op in ("Greater", "GreaterOrEqual"))
        share = g("Add", share, g.sum_of_last(g("Mul", g("Add", above, reached), g.constant(steps / 2)), 2))
    # The first and the last quantile are 0 and 1 whatever lies beside them.
    share = g("Where", g("LessOrEqual", g.input, g.constant(quantiles[:, 0])), g.constant(0.0), share)
    share = g("Where", g("GreaterOrEqual", g.input, g.constant(quantiles[:, -1])), g.constant(1.0), share)
    g.finish(share if g.model.output_distribution == "uniform" else _normal_quantile(g, share))


# P. J. Acklam's rational approximation of the normal quantile function, relative error below 1.2e-9.
CENTRAL = (
    (
        -39.69683028665376,
        220.9460984245205,
        -275.9285104469687,
        138.3577518672690,
        -30.66479806614716,
        2.506628277459239,
    ),
    (-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1.0),
)
TAIL = (
    (
        -7.784894002430293e-3,
        -0.3223964580411365,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ),
    (7.784695709041462e-3, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1.0),
)
TAIL_BEGINS = 0.02425


def _normal_quantile(g: _Graph, share: str) -> str:
    """The quantile function of the lower half, by symmetry of both."""
    other = g("Sub", g.constant(1.0), share)
    half = g("Max", g("Min", share, other), g.constant(1e-7))
    centred = g("Sub", half, g.constant(0.5))
    squared = g("Mul", centred, centred)
    central = g("Mul", centred, g("Div", _horner(g, squared, CENTRAL[0]), _horner(g, squared, CENTRAL[1])))
    depth = g("Sqrt", g("Mul", g("Log", half), g.constant(-2.0)))
    tail = g("Div", _horner(g, depth, TAIL[0]), _horner(g, depth, TAIL[1]))
    lower = g("Where", g("Less", half, g.constant(TAIL_BEGINS)), tail, central)
    lower = g("Max", lower, g.constant(-NORMAL_BOUND))
    return g("Where", g("Greater", share, g.constant(0.5)), g("Neg", lower), lower)


def _horner(g: _Graph, x: str, coefficients: Sequence[float]) -> str:
    value = g("Add", g("Mul", x, g.constant(coefficients[0])), g.constant(coefficients[1]))
    for coefficient in coefficients[2:]:
        value = g("Add", g("Mul", value, x), g.constant(coefficient))
    return value


def _imputer(g: _Graph) -> None:
    imputer = g.model
    statistics = np.asarray(imputer.statistics_, np.float64)
    missing = np.broadcast_to(np.asarray(imputer.missing_values, np.float64), statistics.shape)
    if np.isnan(missing).all():
        is_missing = g("IsNaN", g.input)
    elif np.isnan(missing).any():
        is_missing = g(
            "Or", g("IsNaN", g.input), g("Equal", g.input, g.constant(np.nan_to_num(missing, nan=float(LARGEST))))
        )
    else:
        is_missing = g("Equal", g.input, g.constant(missing))
    kept = np.flatnonzero(~np.isnan(statistics))
    filled = g("Where", is_missing, g.constant(np.nan_to_num(statistics)), g.input)
    if len(kept) < len(statistics) and not imputer.keep_empty_features:
        filled = g.columns(filled, kept)
    if imputer.add_indicator and len(imputer.indicator_.features_):
        filled = g("Concat", filled, g.columns(g.number(is_missing), imputer.indicator_.features_), axis=1)
    g.finish(filled)


def _mlp_regressor(g: _Graph) -> None:
    mlp = g.model
    value = g.input
    functions = [MLP_FUNCTIONS[mlp.activation]] * (len(mlp.coefs_) - 1) + [MLP_FUNCTIONS[mlp.out_activation_]]
    for weights, bias, function in zip(mlp.coefs_, mlp.intercepts_, functions, strict=True):
        value = g("Add", g("MatMul", value, g.constant(weights)), g.constant(bias))
        value = g(function, value)
    g.finish(value)


def _normalizer(g: _Graph) -> None:
    """Each row over its norm; the largest one is of absolute values, other than in ONNX's own op."""
    sizes = g("Abs", g.input) if g.model.norm == "max" else g.input
    length = g({"l1": "ReduceL1", "l2": "ReduceL2", "max": "ReduceMax"}[g.model.norm], sizes, axes=[1], keepdims=1)
    safe = g("Where", g("Equal", length, g.constant(0.0)), g.constant(1.0), length)
    g.finish(g("Div", g.input, safe))


def _selector(g: _Graph) -> None:
    taken = np.flatnonzero(g.model.get_support())
    if not len(taken):
        raise ValueError(f"{type(g.model).__name__} selects no column")
    g.finish(g.columns(g.input, taken))


def _function(g: _Graph) -> None:
    value = g.input
    for op in FUNCTIONS[g.model.func] if g.model.func is not None else ():
        if op == "log1p":
            value = g("Log", g("Add", value, g.constant(1.0)))
        elif op == "square":
            value = g("Mul", value, value)
        else:
            value = g(op, value)
    g.finish(value)


_WRITERS: dict[type, Callable[[_Graph], None]] = {
    OneHotEncoder: _one_hot,
    OrdinalEncoder: _ordinal,
    KBinsDiscretizer: _bins,
    PolynomialFeatures: _polynomial,
    PowerTransformer: _power,
    QuantileTransformer: _quantile,
    SimpleImputer: _imputer,
    FunctionTransformer: _function,
    MLPRegressor: _mlp_regressor,
    Normalizer: _normalizer,
    **dict.fromkeys(SELECTORS, _selector),
}


def _width(model: Any) -> int:
    """How many columns a transformer gives."""
    if isinstance(model, OneHotEncoder):
        return len(_one_hot_groups(model))
    if isinstance(model, KBinsDiscretizer) and model.encode != "ordinal":
        return int(sum(model.n_bins_))
    if isinstance(model, PolynomialFeatures):
        return int(model.n_output_features_)
    if isinstance(model, SimpleImputer):
        kept = len(model.statistics_) if model.keep_empty_features else int((~np.isnan(model.statistics_)).sum())
        return kept + (len(model.indicator_.features_) if model.add_indicator else 0)
    if isinstance(model, SELECTORS):
        return int(model.get_support().sum())
    return int(model.n_outputs_ if isinstance(model, MLPRegressor) else model.n_features_in_)


def converters() -> dict[type, Callable[[Any, Any, Any], None]]:
    """skl2onnx's custom_conversion_functions."""

    def converter(write: Callable[[_Graph], None]) -> Callable[[Any, Any, Any], None]:
        return lambda scope, operator, container: write(_Graph(scope, operator, container))

    return {kind: converter(write) for kind, write in _WRITERS.items()}


def shape_calculators() -> dict[type, Callable[[Any], None]]:
    """skl2onnx's custom_shape_calculators."""

    def calculate(operator: Any) -> None:
        rows = operator.inputs[0].get_first_dimension()
        operator.outputs[0].type = FloatTensorType([rows, _width(operator.raw_operator)])

    return dict.fromkeys(_WRITERS, calculate)


def parsers() -> dict[type, Callable[..., Any]]:
    """skl2onnx's custom_parsers: its own for FunctionTransformer takes the identity alone."""

    def parse(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:  # noqa: ARG001
        operator = scope.declare_local_operator(f"Quantc{type(model).__name__}", model)
        operator.inputs = inputs
        result = scope.declare_local_variable("transformed", FloatTensorType())
        operator.outputs.append(result)
        return operator.outputs

    return {FunctionTransformer: parse}
