"""Quantization-aware training of PyTorch modules."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from .compilation import quantize
from .errors import QuantcError
from .quantized import Quantized

__all__ = ["QuantAware"]

TOP = 255  # of 8 bits
WEIGHT_TOP = 127
SMALLEST_SCALE = 2.0**-100  # include/quantc/Numerics/Parameters.h
RANGE_PACE = 0.1  # of ranges beside weights: clipping must not become a function that the network relies on
SAMPLE_ROWS = 512


def _round(x: torch.Tensor) -> torch.Tensor:
    """Round to nearest even; the gradient passes through."""
    return x + (torch.round(x) - x).detach()


def _weight_grid(weight: torch.Tensor) -> torch.Tensor:
    """Weights as 8-bit integers stand for them: symmetric, one scale for each output channel."""
    largest = weight.detach().abs().amax(dim=1, keepdim=True)
    scale = torch.where(largest > 0, largest / WEIGHT_TOP, torch.ones_like(largest))
    return weight + (torch.round(weight / scale) * scale - weight).detach()


class _Range(nn.Module):  # type: ignore[misc]
    """The range of what a layer reads, and its rounding to 8 bits."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("observed", torch.zeros(2))
        self.log_factor = nn.Parameter(torch.zeros(2))
        self.values: torch.Tensor | None = None
        self.mode = "round"  # or "observe"
        self.exported: tuple[float, int] | None = None  # scale and zero point, where they are constants

    def ends(self) -> torch.Tensor:
        return self.observed * torch.exp(RANGE_PACE * self.log_factor)

    def parameters_of_8_bits(self) -> tuple[float, int]:
        low, high = (float(end) for end in self.ends().detach())
        scale = np.float32(max((high - low) / TOP, SMALLEST_SCALE) if high > low else 1)
        return float(scale), int(np.clip(np.rint(-low / scale), 0, TOP))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.exported is not None:
            return torch.fake_quantize_per_tensor_affine(x, *self.exported, 0, TOP)
        if self.mode == "observe":
            self.values = x.detach().float()
            return x
        low, high = self.ends()
        scale = torch.where(high > low, (high - low) / TOP, torch.ones_like(high)).clamp(min=SMALLEST_SCALE)
        # LSQ's scale of the gradient: a range learns at the pace of the weights, however many values it has.
        pace = (x.numel() * TOP) ** -0.5
        scale = (scale * (1 - pace)).detach() + scale * pace
        zero_point = _round((-low / scale).detach())
        return (torch.clamp(_round(x / scale) + zero_point, 0, TOP) - zero_point) * scale


class _RoundedLinear(nn.Linear):  # type: ignore[misc]
    """A Linear layer that computes with rounded weights and inputs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.input_range(x)
        # What is exported has its weights rounded already.
        weight = self.weight if self.input_range.exported is not None else _weight_grid(self.weight)
        return nn.functional.linear(x, weight, self.bias)


class QuantAware(nn.Module):  # type: ignore[misc]
    """A module that trains with the numbers of the integer program that it becomes.

    A copy of the module, in which the weights of Linear layers and what they read are rounded as the compiled program
    rounds them: weights to 8 bits, symmetric, one scale for each output channel; values to 8 bits with a scale and a
    zero point for each layer. Gradients pass through the rounding (Bengio et al. 2013); the ranges are parameters,
    trained by the gradient of LSQ (Esser et al. 2020, "Learned Step Size Quantization") on the logarithm of their ends.

    Call `calibrate` before training, and again while the values still change much, say at each epoch of the first half.

    Parameters
    ----------
    module : torch.nn.Module
        A copy is trained; `module` keeps its weights.
    quantiles : sequence of float
        Candidates for the share of a layer's inputs that is cut off at each end, from 0 (none, which is always tried)
        to below 0.5. The best for the outputs' error is taken for each layer.

    Attributes
    ----------
    module : torch.nn.Module
        The copy.

    Raises
    ------
    QuantcError
        If the module has no Linear layer.

    Examples
    --------
    >>> trained = quantc.torch.QuantAware(module)                    # doctest: +SKIP
    >>> trained.calibrate(x)                                         # doctest: +SKIP
    >>> optimizer = torch.optim.Adam(trained.parameters())           # doctest: +SKIP
    >>> q = trained.to_quantized(x)                                  # doctest: +SKIP
    """

    def __init__(self, module: nn.Module, quantiles: Sequence[float] = (0.0001, 0.001, 0.01)) -> None:
        super().__init__()
        for value in quantiles:
            if not 0 <= float(value) < 0.5:
                raise ValueError(f"quantiles: needs shares from 0 to below 0.5, got {value!r}")
        self.quantiles = tuple(sorted({0.0, *map(float, quantiles)}))
        self.module = copy.deepcopy(module)
        linear = [layer for layer in self.module.modules() if type(layer) is nn.Linear]
        if not linear:
            raise QuantcError(
                f"{type(module).__name__} has no torch.nn.Linear layer, so there is nothing to train for integers",
                remedy="give it to quantize as it is",
            )
        for layer in linear:
            layer.__class__ = _RoundedLinear
            layer.input_range = _Range().to(layer.weight.device)

    @property
    def ranges(self) -> list[Any]:
        """The range of what each Linear layer reads, in the module's order."""
        return [layer.input_range for layer in self.module.modules() if isinstance(layer, _RoundedLinear)]

    def forward(self, *inputs: Any) -> Any:
        """The module with rounded weights and values."""
        return self.module(*inputs)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def calibrate(self, *inputs: Any) -> None:
        """Choose the ranges on rows, as the values are now.

        Parameters
        ----------
        *inputs : array or tensor of shape (rows, ...)
            One for each argument; 512 rows of them are used.

        Raises
        ------
        QuantcError
            If a value of a layer is not finite.
        """
        rows = [self._rows(value) for value in inputs]
        training = self.module.training
        self.module.eval()
        try:
            self._choose(rows)
        finally:
            self.module.train(training)
            self._set_mode("round")
            for each in self.ranges:
                each.values = None

    def plain(self) -> nn.Module:
        """A copy of the module with the trained weights as 8 bits hold them, and fake quantization to export."""
        self._need_ranges()
        ends = torch.stack([each.ends() for each in self.ranges])
        if not bool(torch.isfinite(ends).all()):
            raise QuantcError(
                "the trained ranges are not finite: training diverged", remedy="train again with a lower learning rate"
            )
        result = copy.deepcopy(self)
        for layer in result.module.modules():
            if isinstance(layer, _RoundedLinear):
                layer.weight = nn.Parameter(_weight_grid(layer.weight).detach())
                layer.input_range.exported = layer.input_range.parameters_of_8_bits()
        return result.module

    def to_quantized(self, calibration: Any, **options: Any) -> Quantized:
        """Compile the module with its trained ranges and weights.

        Parameters
        ----------
        calibration : array, tensor, sequence or mapping of them
            Rows, as `quantize` and `quantc.torch.to_onnx` take them.
        **options
            Of `quantize`. By default ``activations="int8"`` and ``effort="low"``: the numbers of the training and no
            others.

        Raises
        ------
        QuantcError
            If the ranges were not calibrated, or the module cannot be exported.
        """
        from .torch import _arguments, to_onnx  # noqa: PLC0415 - that module imports this one

        content = to_onnx(self, calibration)
        if isinstance(calibration, (list, tuple)) and len(_arguments(self, calibration)[0]) > 1:
            calibration = dict(zip(_arguments(self, calibration)[0], calibration, strict=True))
        return quantize(content, calibration, **{"activations": "int8", "effort": "low", **options})

    def _need_ranges(self) -> None:
        if not any(bool(each.observed.any()) for each in self.ranges):
            raise QuantcError("this QuantAware has no ranges yet", remedy="call calibrate(x) with rows first")

    def _set_mode(self, mode: str) -> None:
        for each in self.ranges:
            each.mode = mode

    def _rows(self, value: Any) -> torch.Tensor:
        rows = torch.as_tensor(value, dtype=torch.float32, device=self.ranges[0].observed.device)
        if rows.ndim == 0 or not len(rows):
            raise ValueError(f"calibrate: needs at least one row, got shape {tuple(rows.shape)}")
        return rows[torch.linspace(0, len(rows) - 1, min(len(rows), SAMPLE_ROWS)).long()]

    def _choose(self, rows: list[torch.Tensor]) -> None:
        self._set_mode("observe")
        wanted = _tensors(self.module(*rows))
        values = [each.values for each in self.ranges]
        for number, seen in enumerate(values):
            if seen is not None and not bool(torch.isfinite(seen).all()):
                raise QuantcError(
                    f"what Linear layer {number} reads is not finite on the calibration rows",
                    remedy="clean the rows, or train with a lower learning rate",
                )
        for each, seen in zip(self.ranges, values, strict=True):
            each.log_factor.zero_()
            each.observed.copy_(_ends(seen, 0.0))
        self._set_mode("round")
        for each, seen in zip(self.ranges, values, strict=True):
            errors = []
            for share in self.quantiles:
                each.observed.copy_(_ends(seen, share))
                errors.append(_error(_tensors(self.module(*rows)), wanted))
            each.observed.copy_(_ends(seen, self.quantiles[int(np.argmin(errors))]))


def _ends(values: torch.Tensor | None, share: float) -> torch.Tensor:
    """The range that leaves a share of the values out at each end; 0 is always in it."""
    if values is None:  # a layer that is not called
        return torch.zeros(2)
    low, high = np.quantile(values.cpu().numpy(), [share, 1 - share])
    return torch.tensor([min(float(low), 0.0), max(float(high), 0.0)])


def _tensors(results: Any) -> list[torch.Tensor]:
    if isinstance(results, torch.Tensor):
        return [results]
    return list(results.values() if isinstance(results, dict) else results)


def _error(outputs: list[torch.Tensor], wanted: list[torch.Tensor]) -> float:
    """The mean squared error over the power of each output, added up."""
    return sum(
        float((y - w).double().square().mean() / w.double().var(unbiased=False).clamp(min=1e-30))
        for y, w in zip(outputs, wanted, strict=True)
    )
