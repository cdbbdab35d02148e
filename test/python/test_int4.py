"""If these fail, --weights=int4 gives other bits than the reference on some CPU, or its layers are not of 4 bits.

The network of test_targets.py, wide enough for groups of 64 input channels and a rest of 1, on the same machines. (A
rest of 2 is stored by EVEX vpextrw where registers are scarce, which Bochs 2.7 does at a wrong address: it leaves disp8
as it is, where the Intel SDM, volume 2, 2.7.5, has it times 2.)
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import quantc
from bare_metal import run_bare
from test_targets import ALL_RIGHT, EMULATED, MACHINES, Machine, Workshop, bare_program, check_bits, network

HIDDEN, THIRD = 129, 33
LAYERS = {  # bits of each layer's weights, and why 8 where 4 were asked for
    "relu": (8, "8 bits: fewer than 64 input channels"),
    "tanh": (4, ""),
    "leaky": (4, ""),
    "logits": (8, "8 bits: fewer than 64 input channels"),
}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("int4"), network(HIDDEN, THIRD), ("--weights=int4",))


def test_layers(workshop: Workshop) -> None:
    manifest = json.loads((workshop.folder / "native/net.json").read_text())
    assert manifest["methods"]["weights"] == "int4"
    layers = [layer for layer in manifest["layers"] if layer["op"] == "qdense"]
    said = {layer["name"]: (layer["weights_bits"], layer.get("weights_note", "")) for layer in layers}
    assert said == LAYERS
    (second,) = [layer for layer in layers if layer["name"] == "tanh"]
    assert second["weights_bytes"] == HIDDEN * HIDDEN // 2 + HIDDEN * 3
    assert "4s" in second["kernel"]


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_same_bits_as_reference(workshop: Workshop, machine: Machine) -> None:
    check_bits(workshop, machine)


@pytest.mark.parametrize(("machine", "model"), EMULATED, ids=str)
def test_same_bits_on_an_emulated_cpu(workshop: Workshop, machine: Machine, model: str) -> None:
    out = workshop.built(str(machine), machine.triple, machine.cpu)
    assert run_bare(out, bare_program(workshop), [out / "net.o"], model) == ALL_RIGHT


def test_from_python(workshop: Workshop) -> None:
    calibration = np.load(workshop.calibration)
    q = quantc.quantize(workshop.model, calibration, weights="int4")
    rows = workshop.rows[:7]
    for outputs in (quantc.reference(q, rows), q.predict(rows)):
        for got, expected in zip(outputs, workshop.expected, strict=True):
            np.testing.assert_array_equal(np.asarray(got).view(np.uint32), expected[:7].view(np.uint32))
