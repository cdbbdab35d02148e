"""If these fail, results of one program are written over each other: a model with several outputs gives wrong ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantc
from onnx import TensorProto, helper, numpy_helper

OUTPUTS = {
    "sum_s": ("ReduceSum", "s"),
    "sum_t": ("ReduceSum", "t"),
    "max_s": ("ReduceMax", "s"),
    "max_t": ("ReduceMax", "t"),
    "min_t": ("ReduceMin", "t"),
    "arg_s": ("ArgMax", "s"),
    "arg_t": ("ArgMax", "t"),
    "soft_s": ("Softmax", "s"),
    "soft_t": ("Softmax", "t"),
    "tanh_s": ("Tanh", "s"),
    "tanh_t": ("Tanh", "t"),
    "same_s": ("Identity", "s"),
    "again_s": ("Identity", "s"),
}
ARRAY_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "ReduceMax": {"axes": [1]},
    "ReduceMin": {"axes": [1]},
    "ArgMax": {"axis": 1},
}


def model(path: Path, outputs: Sequence[str]) -> Path:
    """Two layers on one input, and what is made of their scores."""
    generator = np.random.default_rng(3)
    nodes = [helper.make_node("MatMul", ["x", name.upper()], [name]) for name in "st"]
    infos = []
    for name in outputs:
        op, scores = OUTPUTS[name]
        inputs = [scores, "axes"] if op == "ReduceSum" else [scores]
        nodes.append(helper.make_node(op, inputs, [name], **ARRAY_ATTRIBUTES.get(op, {})))
        kind = TensorProto.INT64 if op == "ArgMax" else TensorProto.FLOAT
        infos.append(helper.make_tensor_value_info(name, kind, None))
    constants = [numpy_helper.from_array(generator.normal(size=(8, 6)).astype(np.float32), name) for name in "ST"]
    constants.append(numpy_helper.from_array(np.array([1], np.int64), "axes"))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8])
    graph = helper.make_graph(nodes, "g", [x], infos, constants)
    opset = [helper.make_opsetid("", 17)]
    path.write_bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())
    return path


@pytest.mark.parametrize(
    "outputs",
    [list(OUTPUTS), list(reversed(OUTPUTS)), ["sum_s", "sum_t"], ["max_t", "sum_s", "max_s"], ["same_s", "again_s"]],
)
def test_each_result_is_the_interpreters(tmp_path: Path, outputs: list[str]) -> None:
    rows = np.random.default_rng(4).normal(size=(64, 8)).astype(np.float32)
    path = model(tmp_path / "m.onnx", outputs)
    q = quantc.quantize(path, rows)
    floats = dict(zip(outputs, quantc.quantized.run_interpreter(path, [rows], ["x"], len(outputs)), strict=True))
    for count in (1, 5, 64):
        results, references = q.predict(rows[:count]), quantc.reference(q, rows[:count])
        for name, result, reference in zip(outputs, results, references, strict=True):
            np.testing.assert_array_equal(result.view(np.uint8), reference.view(np.uint8), err_msg=name)
            if not name.startswith("arg"):
                np.testing.assert_allclose(result, floats[name][:count], atol=0.25, err_msg=name)
