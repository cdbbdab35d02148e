"""If these fail, quantc takes an op to mean something else than ONNX does.

The cases are ONNX's own, as its package ships them: those of the suites node, simple, pytorch-operator and
pytorch-converted whose ops are all in COVERED and whose element types are all in TYPES. The importer reads each, and
the reference interpreter runs it. What is known not to work is listed, with its reason, in onnx_known_gaps.txt; a gap
that has closed fails its test until the list says so.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import quantc.backend
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests

SUITES = ("node", "simple", "pytorch-operator", "pytorch-converted")
COVERED = frozenset(
    """
    Abs Add And ArgMax ArgMin BatchNormalization Cast CastLike Celu Clip Concat Constant ConstantOfShape Cos
    DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Equal Erf Exp Expand Flatten Floor Gather Gelu Gemm Greater
    GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log
    LogSoftmax MatMul MatMulInteger Max Mean Min Mish Mul Neg Not Or PRelu Pow QLinearMatMul QuantizeLinear
    RMSNormalization Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare Relu Reshape Round
    Selu Shape Sigmoid Sign Sin Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Swish Tanh ThresholdedRelu
    TopK Transpose Unsqueeze Where
    """.split()
)
TYPES = frozenset(
    getattr(TensorProto, name)
    for name in "FLOAT DOUBLE FLOAT16 BOOL INT4 INT8 INT16 INT32 INT64 UINT4 UINT8 UINT16 UINT32 UINT64".split()
)
FEWEST_CASES = 730
GAPS_FILE = Path(__file__).with_name("onnx_known_gaps.txt")


def model_of(case: TestCase) -> onnx.ModelProto:
    return case.model if case.model_dir is None else onnx.load(Path(case.model_dir) / "model.onnx")


def is_covered(model: onnx.ModelProto) -> bool:
    values = [*model.graph.input, *model.graph.output]
    return {node.op_type for node in model.graph.node} <= COVERED and all(
        value.type.HasField("tensor_type") and value.type.tensor_type.elem_type in TYPES for value in values
    )


@cache
def cases() -> dict[str, TestCase]:
    found = [case for suite in SUITES for case in load_model_tests(kind=suite)]
    return {case.name: case for case in found if is_covered(model_of(case))}


@cache
def gaps() -> dict[str, str]:
    lines = [line for line in GAPS_FILE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {name: reason.strip() for name, _, reason in (line.partition(" ") for line in lines)}


def read_tensors(folder: Path, kind: str) -> list[NDArray[Any]]:
    files = sorted(folder.glob(f"{kind}_*.pb"), key=lambda path: int(path.stem.partition("_")[2]))
    return [numpy_helper.to_array(onnx.load_tensor(path)) for path in files]


def data_sets(case: TestCase) -> list[tuple[list[NDArray[Any]], list[NDArray[Any]]]]:
    if case.model_dir is None:
        return [([*map(np.asarray, inputs)], [*map(np.asarray, outputs)]) for inputs, outputs in case.data_sets]
    folders = sorted(Path(case.model_dir).glob("test_data_set_*"))
    return [(read_tensors(folder, "input"), read_tensors(folder, "output")) for folder in folders]


def parameters() -> list[Any]:
    marks = {name: [pytest.mark.xfail(reason=reason)] for name, reason in gaps().items()}
    return [pytest.param(name, marks=marks.get(name, ())) for name in sorted(cases())]


@pytest.mark.parametrize("name", parameters())
def test_case(name: str) -> None:
    case = cases()[name]
    prepared = quantc.backend.prepare(model_of(case))
    sets = data_sets(case)
    assert sets
    for inputs, expected in sets:
        outputs = prepared.run(inputs)
        assert len(outputs) == len(expected)
        for got, wanted in zip(outputs, expected, strict=True):
            assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
            if wanted.dtype.kind == "f":
                np.testing.assert_allclose(got, wanted, rtol=case.rtol, atol=case.atol)
            else:  # numpy compares no 4-bit integers
                np.testing.assert_array_equal(got.astype(np.int64), wanted.astype(np.int64))


def test_the_cases_are_there() -> None:
    assert len(cases()) >= FEWEST_CASES
    assert sorted(set(gaps()) - set(cases())) == [], "these known gaps name no case"
    assert sorted(name for name, reason in gaps().items() if not reason) == [], "these known gaps give no reason"
