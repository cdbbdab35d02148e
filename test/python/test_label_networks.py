"""If these fail, networks that return labels beside scores cannot be compared, tuned or compiled at high effort."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest
import quantc
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from quantc.tool import find_tool

ROWS, INPUTS, CLASSES = 300, 12, 3


class Work(NamedTuple):
    model: Path
    rows: NDArray[np.float32]
    labels: NDArray[np.int64]
    folder: Path


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """12-16-3; the first result is the index of the largest score, the second the scores."""
    folder = tmp_path_factory.mktemp("labels")
    random = np.random.default_rng(3)
    w0, w1 = (random.standard_normal(shape).astype(np.float32) for shape in ((INPUTS, 16), (16, CLASSES)))
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["h"], name="hidden"),
        helper.make_node("Relu", ["h"], ["r"], name="relu"),
        helper.make_node("MatMul", ["r", "w1"], ["scores"], name="last"),
        helper.make_node("ArgMax", ["scores"], ["label"], name="choice", axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", INPUTS])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", CLASSES]),
        ],
        [numpy_helper.from_array(w0, "w0"), numpy_helper.from_array(w1, "w1")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "m.onnx")
    x = random.standard_normal((ROWS, INPUTS)).astype(np.float32)
    labels = (np.maximum(x @ w0, 0) @ w1).argmax(1)
    np.save(folder / "x.npy", x)
    return Work(folder / "m.onnx", x, labels, folder)


def test_compare_counts_labels(work: Work, tmp_path: Path) -> None:
    """The first result is the class itself: rows agree, and are right, where the two numbers are equal."""
    q = quantc.quantize(work.model, work.rows, activations="int8", effort="low")
    got = np.asarray(q.predict(work.rows)[0])
    assert not np.array_equal(got, work.labels), "a network that agrees in all rows shows nothing"
    truth = work.labels.copy()
    truth[:90] = (truth[:90] + 1) % CLASSES
    np.save(tmp_path / "y.npy", truth)
    q.save(tmp_path / "out", name="m")
    command: list[str | Path] = [
        find_tool(),
        "compare",
        work.model,
        tmp_path / "out/m.so",
        "--input",
        work.folder / "x.npy",
    ]
    command += ["--labels", tmp_path / "y.npy"]
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    agreeing = 100 * float((got == work.labels).mean())
    right = 100 * float((got == truth).mean())
    assert re.search(rf"result 0 .* {agreeing:.2f}%", done), done
    assert f"right: float 70.00%, integer {right:.2f}%" in done


def test_search_and_high_effort_judge_by_the_scores(work: Work) -> None:
    frontier = quantc.tune(work.model, work.rows, labels=work.labels, points=3)
    assert all(point.score is not None and point.score > 0.9 for point in frontier)
    q = quantc.quantize(work.model, work.rows, effort="high")
    labels, scores = (np.asarray(result) for result in q.predict(work.rows))
    assert np.array_equal(labels, scores.argmax(1))
    found = q.compare(work.rows, culprits=True)
    assert found["culprits"]["effects"]
