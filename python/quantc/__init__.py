"""quantc: a trained network goes in, a native integer program comes out.

>>> q = quantc.quantize("model.onnx", calibration)      # doctest: +SKIP
>>> y = q.predict(x)                                    # doctest: +SKIP
>>> q.save("out", name="mnist")                         # doctest: +SKIP

`quantc.backend`, which needs onnx, and the front ends `quantc.keras` and `quantc.torch`, which need their frameworks,
are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import Any

from .comparison import Comparison
from .compilation import quantize, tune
from .errors import QuantcError, QuantcWarning
from .manifest import Tensor
from .quantized import Quantized, load, reference
from .tuning import Frontier, Point

__all__ = [
    "Comparison",
    "Frontier",
    "Point",
    "QuantcError",
    "QuantcWarning",
    "Quantized",
    "Tensor",
    "__version__",
    "load",
    "quantize",
    "reference",
    "tune",
]

__version__ = "0.1.0"

LAZY = ("backend", "keras", "torch")


def __getattr__(name: str) -> Any:
    if name in LAZY:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'quantc' has no attribute {name!r}")
