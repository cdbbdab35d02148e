"""Keras's front end: models of Keras 3 as ONNX, and quantization-aware training.

>>> q = quantc.quantize(quantc.keras.to_onnx(model, x), x)                   # doctest: +SKIP
>>> trained = quantc.keras.QuantileModel(model, [0.01, 0.05, 0.1])           # doctest: +SKIP

Needs keras with any of its backends, and onnx: ``pip install quantc-mlir[keras]``.
"""

from __future__ import annotations

from typing import Any

from .keras_export import export
from .keras_quantile import QuantileModel

__all__ = ["QuantileModel", "to_onnx"]


def to_onnx(model: Any, calibration: Any = None) -> bytes:  # noqa: ARG001 - front ends have one interface
    """A Keras model as an ONNX file's content.

    Parameters
    ----------
    model : keras.Sequential, functional keras.Model or QuantileModel
        Inputs of shape (batch, ...), all but the batch known. Layers of training alone, such as Dropout, are left out.
        Weights and values are float32, whatever the model's dtype policy. Nodes have the names of their layers, the
        last one where a layer is several nodes; layers of a nested model are "model/layer".
    calibration : ignored
        A Keras model knows its shapes.

    Returns
    -------
    bytes

    Raises
    ------
    QuantcError
        If a layer is not supported, a shape not known, or the model subclassed; the message names what it is.
    """
    if isinstance(model, QuantileModel):
        return model.to_onnx()
    return export(model)
