"""What is timed: quantc, and each peer in the forms of a network that it offers.

A contender is a module with two functions. It runs in a process of its own (see `worker`), so that one that crashes,
or whose threads clash with another's, takes nothing down.

    prepare(folder, form)       makes the form's files from the network in `folder` (see `networks`)
    load(folder, form, batch)   gives a function from float32 rows, of shape (batch, inputs), to float32 results

Each runs on one thread, with float rows in and float results out, and its call is the quickest that its own Python
interface offers. A function that has a method `repeat(rows, calls)` is timed by it, and so without Python: quantc's
programs are C functions. A form's name is "float" or begins with "int8".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Kind:
    """A contender as the parent process knows it, before anything of it is imported.

    Attributes
    ----------
    title : str
        Its name in tables.
    module : str
        The module with its `prepare` and `load`.
    packages : tuple of str
        What has to be installed for it; their versions are told beside the results.
    folders : tuple of str
        Where in site-packages the libraries lie that choose their code by the CPU.
    forms : dict of str to str
        Its forms, each with what it is, for the legend.
    """

    title: str
    module: str
    packages: tuple[str, ...]
    folders: tuple[str, ...]
    forms: dict[str, str]


OURS = "quantc"
SPEED_FLAG = "--prefer=speed"
DEFAULT_FORM, SPEED_FORM, PYTHON_FORM = "int8", "int8 for speed", "int8 for speed, from Python"
KINDS: dict[str, Kind] = {
    OURS: Kind(
        "quantc",
        "contenders.quantc_program",
        (),
        (),
        {
            SPEED_FORM: f"by `quantc compile {SPEED_FLAG}`, its C function",
            DEFAULT_FORM: "by `quantc compile`, its C function",
            PYTHON_FORM: f"by `quantc compile {SPEED_FLAG}`, called as `quantc.load(...).predict`",
        },
    ),
    "onnxruntime": Kind(
        "ONNX Runtime",
        "contenders.onnx_runtime",
        ("onnxruntime",),
        ("onnxruntime",),
        {"float": "all optimizations", "int8": "static QDQ, weights per channel, min-max"},
    ),
    "openvino": Kind(
        "OpenVINO",
        "contenders.openvino_runtime",
        ("openvino", "nncf"),
        ("openvino",),
        {
            "float": "fixed batch",
            "int8": "by NNCF, min-max, fixed batch",
            "int8 QDQ": "ONNX Runtime's QDQ model, fixed batch",
        },
    ),
    "litert": Kind(
        "LiteRT",
        "contenders.litert",
        ("ai-edge-litert",),
        ("ai_edge_litert",),
        {
            "float": "XNNPACK",
            "int8": "XNNPACK, static, weights per channel, min-max",
            "int8 dynamic": "XNNPACK, activations quantized in each call",
        },
    ),
    "pytorch": Kind(
        "PyTorch",
        "contenders.pytorch",
        ("torch",),
        ("torch",),
        {
            "float": "traced, optimized for inference (oneDNN)",
            "int8": "x86 engine, FX static, traced and frozen",
            "int8 dynamic": "x86 engine, activations quantized in each call, traced and frozen",
        },
    ),
}
PEERS = tuple(name for name in KINDS if name != OURS)
