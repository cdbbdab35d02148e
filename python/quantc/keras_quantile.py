"""Quantization-aware training of Keras models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from .compilation import quantize
from .errors import QuantcError
from .keras_export import Quantization, export, input_names
from .keras_layers import Traced, functional, is_dense, is_merge, traced_leaves, walk
from .keras_rows import batches_of, sample_rows
from .quantized import Quantized
from .table import text_table

__all__ = ["QuantileModel"]

TOP = 255.0  # of 8 bits
WEIGHT_TOP = 127.0
RANGE_PACE = 0.1  # of ranges beside weights: clipping must not become a function that the network relies on
WORTH_CUTTING = 0.5  # of the error without a share cut off, what is left with it at most
ROWS_KEY = "calibration_"  # in a saved model
GROWTH = 1.5  # of the steps between two looks at the values
SMALLEST_SCALE = 2.0**-100  # include/quantc/Numerics/Parameters.h


def _straight_through(rounded: Any, x: Any) -> Any:
    """`rounded` forwards, the gradient of `x` backwards."""
    return x + ops.stop_gradient(rounded - x)


def _round(x: Any) -> Any:
    return _straight_through(ops.round(x), x)


def _fake_kernel(kernel: Any) -> Any:
    """Weights as 8-bit integers stand for them: symmetric, one scale for each output channel."""
    kernel = ops.cast(kernel, "float32")
    largest = ops.max(ops.abs(kernel), axis=0, keepdims=True)
    scale = ops.where(largest > 0, largest / WEIGHT_TOP, ops.ones_like(largest))
    return _straight_through(ops.stop_gradient(ops.round(kernel / scale) * scale), kernel)


def _fake_values(x: Any, low: Any, high: Any) -> Any:
    """Values as 8-bit integers stand for them; `low` <= 0 <= `high` learn by LSQ's gradient."""
    known = high > low
    scale = ops.maximum(ops.where(known, (high - low) / TOP, ops.ones_like(high)), SMALLEST_SCALE)
    zero_point = _round(-low / scale)
    q = ops.clip(_round(x / scale) + zero_point, 0.0, TOP)
    return ops.where(known, (q - zero_point) * scale, x)  # before anything was observed, values stay as they are


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    """The candidates, with 0, each once."""
    result = []
    for value in values:
        if isinstance(value, (str, bool)) or not 0 <= float(value) < 0.5:
            raise ValueError(f"quantiles: needs shares from 0 to below 0.5, got {value!r}")
        result.append(float(value))
    return tuple(sorted({0.0, *result}))


def _kernel_grid(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """`_fake_kernel` for the export."""
    largest = np.abs(kernel).max(axis=0, keepdims=True)
    scale = np.where(largest > 0, largest / np.float32(WEIGHT_TOP), np.float32(1))
    return np.asarray(np.rint(kernel / scale) * scale, np.float32)


@keras.saving.register_keras_serializable(package="quantc")
class QuantileModel(keras.Model):  # type: ignore[misc]  # keras has no types
    """A Keras model that trains with the numbers of the integer program that it becomes.

    While it trains, the weights of dense layers and the values that dense layers and merges read are rounded as the
    compiled program rounds them: weights to 8 bits, symmetric, one scale for each output channel; values to 8 bits
    with a scale and a zero point for each tensor. Gradients pass through the rounding (Bengio et al. 2013, "Estimating
    or Propagating Gradients Through Stochastic Neurons"); the ranges of values are trained with the weights, by the
    gradient of LSQ (Esser et al. 2020, "Learned Step Size Quantization") on the logarithm of their ends.

    A range begins as the quantiles q and 1 - q of the tensor's values. Which q is tried for each tensor: of the
    candidates and 0 (the smallest and largest value), that with the least error of the model's output is taken,
    half-way through training. Before, ranges hold all values as they change: what a network without training loses by
    a range says nothing, and it would learn to need the clipping. From then on, ranges that cut values off are trained,
    and the others go on to hold all values.

    Parameters
    ----------
    model : keras.Sequential or functional keras.Model
        With known input shapes. Its layers are trained in place: `model` has the trained weights too.
    quantiles : sequence of float
        Candidates for the share of a tensor's values that is cut off at each end, from 0 (none) to below 0.5; 0.01 is
        one value in a hundred.

    Attributes
    ----------
    model : keras.Model
        The float model.
    quantiles : tuple of float

    Raises
    ------
    QuantcError
        If the model is subclassed, or does not know its shapes.
    ValueError
        If a quantile is no share from 0 to 0.5.

    Examples
    --------
    >>> trained = quantc.keras.QuantileModel(model, [0.01, 0.05, 0.1])      # doctest: +SKIP
    >>> trained.fit(x, y, epochs=10)                                        # doctest: +SKIP
    >>> y_pred = trained.predict(x)                                         # doctest: +SKIP
    >>> print(trained.to_quantized())                                       # doctest: +SKIP
    """

    def __init__(self, model: Any, quantiles: Sequence[float] = (0.0001, 0.001, 0.01), **options: Any) -> None:
        super().__init__(**options)
        functional(model)
        self.quantiles = _quantiles(quantiles)
        self.model = model
        self._labels = _quantized_labels(model)
        self._fixed = frozenset(input_names(model))  # the data's own ranges, which training has no part in
        shape = (len(self._labels), 2)
        # The ends of each range, [low, high], and what training multiplies them by, as a logarithm.
        self.observed = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="observed")
        self.log_factor = self.add_weight(shape=shape, initializer="zeros", name="log_factor")
        # 1 for the ranges that training has a part in: those that cut a share of the values off.
        self.cut = self.add_weight(shape=(shape[0], 1), initializer="zeros", trainable=False, name="cut")
        self._calibration: Sequence[NDArray[Any]] = ()
        self._quantized: Quantized | None = None
        self.built = True

    # --- training ---

    def call(self, inputs: Any) -> Any:
        """The model with rounded weights and values."""
        return self._simulate(inputs, self._fake, _fake_kernel)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        *arguments: Any,
        **options: Any,
    ) -> Any:
        """Train as keras.Model.fit does, with the same arguments and result.

        Without a `compile` before it: with the model's own loss and optimizer if it was compiled, else with Adam and
        the mean squared error.

        Raises
        ------
        QuantcError
            If a row that the ranges are observed on has a value that is not finite.
        """
        if not self.compiled:
            self._compile_by_default()
        x, rows = sample_rows(self.model, x)
        self._begin(rows)
        self.hold_all_values()
        schedule = _RangeSchedule()
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(schedule)
        elif callbacks is None or isinstance(callbacks, keras.callbacks.Callback):
            callbacks = [*([] if callbacks is None else [callbacks]), schedule]
        else:
            callbacks = [*callbacks, schedule]
        history = super().fit(x, y, batch_size, epochs, verbose, callbacks, *arguments, **options)
        self._quantized = None
        return history

    def train_on_batch(self, *arguments: Any, **options: Any) -> Any:
        """As keras.Model has it; `calibrate` has to come first."""
        self._calibrated("train_on_batch")
        self._quantized = None
        return super().train_on_batch(*arguments, **options)

    def calibrate(self, x: Any) -> None:
        """Choose the ranges on rows, without training.

        Parameters
        ----------
        x : array of shape (rows, ...), list or dict of them, or dataset
        """
        _, rows = sample_rows(self.model, x)
        self._begin(rows)
        self.choose_ranges()

    def set_weights(self, weights: Any) -> None:
        """As keras.Model has it."""
        super().set_weights(weights)
        self._quantized = None

    def load_weights(self, *arguments: Any, **options: Any) -> None:
        """As keras.Model has it."""
        super().load_weights(*arguments, **options)
        self._quantized = None

    # --- the integer program ---

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Run the compiled integer program: the same bits as ``to_quantized().predict``.

        `evaluate`, and what `fit` says of itself, is by the simulation of it in float.

        Parameters
        ----------
        x : array of shape (rows, ...), list or dict of them, or dataset
        steps : int, optional
            How many batches of a dataset; all by default.
        batch_size, verbose, callbacks : ignored
            The program needs no batches.

        Returns
        -------
        ndarray of float32, shape (rows, ...), or a list or dict of them, as the model gives its outputs
        """
        program = self.to_quantized()
        parts = [keras.tree.flatten(program.predict(*rows)) for rows in batches_of(self.model, x, steps)]
        if not parts:
            raise ValueError("x: needs at least one batch of rows")
        arrays = [np.concatenate(part) if len(part) > 1 else part[0] for part in zip(*parts, strict=True)]
        structure = walk(self.model, self._inputs_by_label([None] * len(input_names(self.model))), lambda *_: None)
        return keras.tree.pack_sequence_as(structure, arrays)

    def to_quantized(self, calibration: Any = None, **options: Any) -> Quantized:
        """Compile the model with its trained ranges and weights.

        Parameters
        ----------
        calibration : array of shape (rows, ...), list or dict of them, optional
            For a model that was not trained yet: rows to choose the ranges on.
        **options
            Of `quantize`. By default ``activations="int8"`` and ``effort="low"``: the numbers of the training and no
            others.

        Returns
        -------
        Quantized
            Without options the same object until the weights change through this model: by `fit`, `train_on_batch`,
            `calibrate`, `set_weights` or `load_weights`.

        Raises
        ------
        QuantcError
            If the model was neither trained nor calibrated, or training diverged.
        """
        if calibration is not None:
            self.calibrate(calibration)
        rows = self._calibrated("to_quantized")
        if not options and self._quantized is not None:
            return self._quantized
        names = input_names(self.model)
        data = rows[0] if len(rows) == 1 else dict(zip(names, rows, strict=True))
        quantized = quantize(self.to_onnx(), data, **{"activations": "int8", "effort": "low", **options})
        if not options:
            self._quantized = quantized
        return quantized

    def to_onnx(self) -> bytes:
        """The model as an ONNX file with QuantizeLinear and DequantizeLinear, and weights that 8 bits hold exactly."""
        self._calibrated("to_onnx")
        ranges = self._ranges()
        if not np.isfinite(ranges).all():
            raise QuantcError(
                "the trained ranges are not finite: training diverged", remedy="train again with a lower learning rate"
            )

        def parameters(label: str) -> tuple[np.float32, int]:
            low, high = ranges[self._labels.index(label)]
            scale = np.float32(max((high - low) / np.float32(TOP), SMALLEST_SCALE) if high > low else 1)
            return scale, int(np.clip(np.rint(-low / scale), 0, TOP))

        return export(self.model, Quantization(parameters, _kernel_grid))

    def summary(self, *arguments: Any, **options: Any) -> None:
        """As keras.Model has it, and the range of each tensor that is stored in 8 bits."""
        self.model.summary(*arguments, **options)
        rows = [
            [label, f"{low:.4g}", f"{high:.4g}"]
            for label, (low, high) in zip(self._labels, self._ranges(), strict=True)
        ]
        print_line = options.get("print_fn") or print
        print_line(text_table(["8-bit tensor", "from", "to"], rows) if len(self._calibration) else "no ranges yet: fit")

    # --- saving ---

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        base = super().get_config()
        kept = {key: base[key] for key in ("name", "trainable", "dtype") if key in base}
        return {**kept, "model": keras.saving.serialize_keras_object(self.model), "quantiles": list(self.quantiles)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> QuantileModel:
        """Make the model that `get_config` described."""
        config = dict(config)
        model = keras.saving.deserialize_keras_object(config.pop("model"), custom_objects=custom_objects)
        return cls(model, **config)

    def save_own_variables(self, store: Any) -> None:
        """Keras's hook: the ranges, and the rows for compiling."""
        super().save_own_variables(store)
        for index, rows in enumerate(self._calibration):
            store[f"{ROWS_KEY}{index}"] = rows

    def load_own_variables(self, store: Any) -> None:
        """Keras's hook."""
        rows = sorted(key for key in store.keys() if key.startswith(ROWS_KEY))  # noqa: SIM118 - h5py's groups
        super().load_own_variables({key: store[key] for key in store.keys() if key not in rows})  # noqa: SIM118
        self._calibration = tuple(np.asarray(store[key]) for key in rows)
        self._quantized = None

    # --- ranges ---

    def _compile_by_default(self) -> None:
        if self.model.compiled:
            self.compile_from_config(self.model.get_compile_config())
        else:
            self.compile(optimizer="adam", loss="mean_squared_error")

    def _begin(self, rows: Sequence[NDArray[Any]]) -> None:
        self._calibration = tuple(rows)
        self._quantized = None

    def _calibrated(self, what: str) -> Sequence[NDArray[Any]]:
        if not len(self._calibration):
            raise QuantcError(
                f"{what}: this QuantileModel has no ranges yet",
                remedy="fit it first, or give rows: calibrate(x) or to_quantized(calibration=x)",
            )
        return self._calibration

    def _ranges(self) -> NDArray[np.float32]:
        logarithms = ops.convert_to_numpy(self.log_factor) * ops.convert_to_numpy(self.cut)
        factors = np.exp(np.float32(RANGE_PACE) * logarithms)
        factors[[label in self._fixed for label in self._labels]] = 1
        return np.asarray(ops.convert_to_numpy(self.observed) * factors, np.float32)

    def _sample(self) -> Any:
        """The calibration rows as the model takes its inputs."""
        return keras.tree.pack_sequence_as(functional(self.model)._inputs_struct, list(self._calibration))

    def _inputs_by_label(self, values: Sequence[Any]) -> list[Traced]:
        return [Traced(value, name) for value, name in zip(values, input_names(self.model), strict=True)]

    def _simulate(self, inputs: Any, store: Callable[[str, Any], Any], kernel: Callable[[Any], Any]) -> Any:
        """Run the model, with `store` on what is kept in 8 bits and `kernel` on the weights of dense layers."""
        stored: dict[str, Any] = {}

        def read(leaf: Any, reads_bytes: bool) -> Any:
            if not isinstance(leaf, Traced):
                return leaf
            if not reads_bytes:
                return leaf.value
            if leaf.label not in stored:
                stored[leaf.label] = store(leaf.label, ops.cast(leaf.value, "float32"))
            return stored[leaf.label]

        def visit(operation: Any, _: str, args: Any, kwargs: Any) -> Any:
            reads_bytes = is_dense(operation) or is_merge(operation)
            args, kwargs = keras.tree.map_structure(lambda leaf: read(leaf, reads_bytes), (args, kwargs))
            if not is_dense(operation):
                return operation(*args, **kwargs)
            y = ops.matmul(args[0], kernel(operation.kernel))
            y = y if operation.bias is None else ops.add(y, ops.cast(operation.bias, "float32"))
            y = ops.cast(y, operation.compute_dtype)
            return y if operation.activation is None else operation.activation(y)

        values = functional(self.model)._standardize_inputs(inputs)
        outputs = walk(self.model, self._inputs_by_label(values), visit)
        return keras.tree.map_structure(lambda leaf: leaf.value, outputs)

    def _fake(self, label: str, x: Any) -> Any:
        index = self._labels.index(label)
        # LSQ's scale of the gradient: a range learns at the pace of the weights, however many values it has.
        pace = ops.rsqrt(ops.cast(ops.size(x), "float32") * TOP)
        factor = ops.convert_to_tensor(self.log_factor)[index]
        factor = ops.stop_gradient(factor * (1 - pace)) + factor * pace
        ends = ops.convert_to_tensor(self.observed)[index]
        if label not in self._fixed:
            ends = ends * ops.exp(RANGE_PACE * factor * ops.convert_to_tensor(self.cut)[index])
        return _fake_values(x, ends[0], ends[1])

    def hold_all_values(self) -> None:
        """Let no range cut anything off."""
        self.log_factor.assign(ops.zeros_like(self.log_factor))
        self._shares = [0.0] * len(self._labels)
        self.cut.assign(ops.zeros_like(self.cut))
        self.follow_values()

    def follow_values(self) -> None:
        """Set the ranges that cut nothing off to the values of now."""
        values = self._values()
        ends = ops.convert_to_numpy(self.observed).copy()
        for index, label in enumerate(self._labels):
            if self._shares[index] == 0:
                ends[index] = _ends(values[label], 0.0)
        self.observed.assign(ends)

    def _values(self) -> dict[str, NDArray[np.float32]]:
        """What the calibration rows make of each tensor that is stored in 8 bits."""
        seen: dict[str, NDArray[np.float32]] = {}

        def store(label: str, x: Any) -> Any:
            seen[label] = np.asarray(ops.convert_to_numpy(x), np.float32).ravel()
            return x

        self._simulate(self._sample(), store, _fake_kernel)
        return {label: seen[label] for label in self._labels}

    def choose_ranges(self) -> None:
        """Take for each tensor the quantile with the least error of the model's output, one tensor after the other.

        Values are cut off only where that takes much off the error: a model that trains with them cut off comes to
        need it, and is another one in float.
        """
        values = self._values()
        self.log_factor.assign(ops.zeros_like(self.log_factor))
        self.cut.assign(ops.zeros_like(self.cut))
        rows = self._sample()
        wanted = _outputs(self._simulate(rows, lambda _, x: x, lambda kernel: kernel))
        chosen = np.array([_ends(values[label], 0.0) for label in self._labels], np.float32)
        self._shares = [0.0] * len(self._labels)
        for index, label in enumerate(self._labels):
            best = np.inf
            for share in self.quantiles:
                trial = chosen.copy()
                trial[index] = _ends(values[label], share)
                self.observed.assign(trial)
                error = _error(_outputs(self.call(rows)), wanted)
                if error < (best if share == 0 else best * WORTH_CUTTING):
                    best, kept = error, trial
                    self._shares[index] = share
            chosen = kept
        self.observed.assign(chosen)
        self.cut.assign([[float(share > 0)] for share in self._shares])


def _ends(values: NDArray[np.float32], share: float) -> tuple[float, float]:
    """The range that leaves a share of the values out at each end; 0 is always in it."""
    low, high = np.quantile(values, [share, 1 - share])
    return min(float(low), 0.0), max(float(high), 0.0)


def _outputs(structure: Any) -> list[NDArray[np.float64]]:
    return [np.asarray(ops.convert_to_numpy(leaf), np.float64) for leaf in keras.tree.flatten(structure)]


def _error(outputs: list[NDArray[np.float64]], wanted: list[NDArray[np.float64]]) -> float:
    """The mean squared error over the power of each output, added up."""
    return float(sum(np.square(y - w).mean() / max(w.var(), 1e-30) for y, w in zip(outputs, wanted, strict=True)))


def _quantized_labels(model: Any) -> list[str]:
    """Labels of the tensors that dense layers and merges read, in their order."""
    labels: dict[str, None] = {}

    def visit(operation: Any, _: str, args: Any, kwargs: Any) -> None:
        if is_dense(operation) or is_merge(operation):
            labels.update(dict.fromkeys(leaf.label for leaf in traced_leaves((args, kwargs))))

    walk(model, [Traced(None, name) for name in input_names(model)], visit)
    return list(labels)


class _RangeSchedule(keras.callbacks.Callback):  # type: ignore[misc]
    """Lets ranges follow the values; half-way chooses those that cut some off, which only training changes then."""

    def __init__(self) -> None:
        super().__init__()
        self._step = 0
        self._half: float = np.inf
        self._next = 1
        self._done = False

    def on_train_begin(self, logs: Any = None) -> None:
        steps, epochs = self.params.get("steps"), self.params.get("epochs") or 1
        self._half = np.inf if steps is None else steps * epochs / 2

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._step += 1
        if self._step < self._next and (self._done or self._step < self._half):
            return
        self._next = max(self._step + 1, int(self._step * GROWTH))
        self._sync()
        if self._step >= self._half and not self._done:
            self._choose()
        else:
            self.model.follow_values()

    def on_train_end(self, logs: Any = None) -> None:
        self._sync()
        # A dataset that does not know its length has no half.
        if not self._done and self._half == np.inf:
            self._choose()
        self.model.follow_values()

    def _choose(self) -> None:
        self._done = True
        self.model.choose_ranges()

    def _sync(self) -> None:
        if keras.config.backend() == "jax":
            self.model.jax_state_sync()  # while it trains, JAX's trainer holds the weights
