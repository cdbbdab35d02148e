"""If these fail, a PyTorch module means something else as ONNX, or one trained for integers is not what then runs."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import onnxruntime
import pytest
import quantc
import torch
from numpy.typing import NDArray
from torch import nn

Array = NDArray[Any]


def rows(*shape: int) -> Array:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def sqnr(y: Array, wanted: Array) -> float:
    return float(10 * np.log10(np.square(wanted).sum() / np.square(y - wanted).sum()))


def small() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 3))


def test_a_module_in_training_mode() -> None:
    module, x = small(), rows(200, 4)
    module(torch.tensor(x))  # moves the statistics of BatchNorm1d
    module.train()
    content = quantc.torch.to_onnx(module, x)
    assert module.training
    session = onnxruntime.InferenceSession(content)
    wanted = module.eval()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(session.run(None, {"input": x})[0], wanted, rtol=1e-5, atol=1e-5)
    assert sqnr(quantc.quantize(content, x).predict(x), wanted) > 35


class TwoInputs(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 8), nn.Linear(3, 8)

    def forward(self, u: Any, v: Any) -> Any:
        h = torch.tanh(self.a(u)) + self.b(v)
        return h, h.sum(1)


def test_several_inputs_and_outputs() -> None:
    x = {"u": rows(50, 4), "v": rows(50, 3)}
    module = TwoInputs()
    content = quantc.torch.to_onnx(module, x)
    assert content == quantc.torch.to_onnx(module, tuple(x.values()))
    session = onnxruntime.InferenceSession(content)
    wanted = module(*map(torch.tensor, x.values()))
    for y, w in zip(session.run(["output_0", "output_1"], x), wanted, strict=True):
        np.testing.assert_allclose(y, w.detach().numpy(), rtol=1e-5, atol=1e-5)


class Branch(nn.Module):  # type: ignore[misc]
    def forward(self, u: Any) -> Any:
        return u if u.sum() > 0 else -u


def test_what_cannot_be_exported_is_said() -> None:
    with pytest.raises(quantc.QuantcError, match=r"^Branch cannot be exported"):
        quantc.torch.to_onnx(Branch(), rows(5, 4))
    with pytest.raises(quantc.QuantcError, match=r"Sequential fails on the first rows: mat1 and mat2"):
        quantc.torch.to_onnx(small(), rows(5, 3))
    with pytest.raises(TypeError, match=r"needs a torch.nn.Module, got str"):
        quantc.torch.to_onnx("model.pt", rows(5, 3))


def test_training_for_integers() -> None:
    torch.manual_seed(3)
    x = np.random.default_rng(0).random((1000, 2)).astype(np.float32)
    y = (np.sin(3 * x[:, :1]) * x[:, 1:]).astype(np.float32)
    module = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
    before = copy.deepcopy(module.state_dict())
    trained = quantc.torch.QuantAware(module, [0.001, 0.01])
    with pytest.raises(quantc.QuantcError, match="no ranges yet"):
        trained.to_quantized(x)
    optimizer = torch.optim.Adam(trained.parameters(), lr=1e-2)
    for step in range(300):
        if step in {0, 20, 60, 120}:
            trained.calibrate(x)
        optimizer.zero_grad()
        nn.functional.mse_loss(trained(torch.tensor(x)), torch.tensor(y)).backward()
        optimizer.step()
    predicted = trained.to_quantized(x).predict(x)
    assert 1 - np.square(predicted - y).sum() / np.square(y - y.mean()).sum() > 0.97
    assert sqnr(trained(torch.tensor(x)).detach().numpy(), predicted) > 40
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_module_quantized_by_pt2e(capfd: pytest.CaptureFixture[str]) -> None:
    """Its integers are kept, -128 among the weights, and nothing of the exporter's is printed."""
    # torchao asks for parts of PyTorch that are on their way out.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
        from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

        torch.manual_seed(3)
        module = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3)).eval()
        x = rows(300, 8)
        batch = torch.export.Dim("batch")
        graph = torch.export.export(module, (torch.tensor(x[:2]),), dynamic_shapes=({0: batch},)).module()
        configuration = x86.get_default_x86_inductor_quantization_config()
        prepared = prepare_pt2e(graph, x86.X86InductorQuantizer().set_global(configuration))
        prepared(torch.tensor(x))
        converted = convert_pt2e(prepared)
    wanted = converted(torch.tensor(x)).detach().numpy()
    capfd.readouterr()
    q = quantc.quantize(converted, x, require_int=True)
    assert capfd.readouterr().out == ""
    same = np.abs(q.predict(x) - wanted).max(axis=1) < 1e-4
    assert same.mean() >= 0.9  # others: a hidden value next to halfway between two integers
    assert sqnr(q.predict(x), wanted) > 45
