"""PyTorch on the CPU: traced and frozen, which on seed and mnist took up to four fifths less time than eager modules.

On those two networks, where it was tried, `torch.compile` was slower than both.
"""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import torch
from networks import Floats, Network, read_network

from contenders import Predict

ENGINE = "x86"


def module(network: Network) -> Any:
    """Give the network as dense layers with ReLU between them."""
    layers: list[Any] = []
    for index, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True), start=1):
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
        layer.weight.data, layer.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
        layers.append(layer)
        if index < len(network.weights):
            layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers).eval()


def quantized(model: Any, form: str, calibration: Any) -> Any:
    """Quantize with the engine's own recommended settings: weights per channel, activations in 7 bits of 8."""
    from torch.ao.quantization import (  # noqa: PLC0415 - only the integer forms need it
        get_default_qconfig_mapping,
        per_channel_dynamic_qconfig,
        quantize_dynamic,
    )
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx  # noqa: PLC0415

    if form == "int8 dynamic":
        return quantize_dynamic(copy.deepcopy(model), {torch.nn.Linear: per_channel_dynamic_qconfig}, torch.qint8)
    observed = prepare_fx(copy.deepcopy(model), get_default_qconfig_mapping(ENGINE), (calibration[:1],))
    observed(calibration)
    return convert_fx(observed)


def prepare(_folder: Path, form: str) -> None:
    """See that the engine is there; the model is made when it is loaded, as its files are no quicker to read."""
    if form != "float" and ENGINE not in torch.backends.quantized.supported_engines:
        raise RuntimeError(f"this PyTorch has no quantized engine {ENGINE}")


def load(folder: Path, form: str, batch: int) -> Predict:
    """Trace the network for `batch` rows."""
    torch.set_num_threads(1)
    torch.backends.quantized.engine = ENGINE
    network = read_network(folder)
    rows = torch.from_numpy(network.rows[:batch].copy())
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # these interfaces announce that others will follow them
        model = module(network)
        if form == "float":
            traced: Any = torch.jit.optimize_for_inference(torch.jit.trace(model, rows))
        else:
            traced = torch.jit.freeze(
                torch.jit.trace(quantized(model, form, torch.from_numpy(network.calibration)), rows)
            )
    inference = torch.inference_mode()
    inference.__enter__()  # for the life of this process, which does nothing else: not a part of each call

    def predict(x: Floats) -> Floats:
        result: Floats = traced(torch.from_numpy(x)).numpy()
        return result

    predict(network.rows[:batch].copy())
    predict(network.rows[:batch].copy())  # the tracer's executor optimizes in its second call
    return predict
