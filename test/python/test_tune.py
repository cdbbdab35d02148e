"""If these fail, the search over bits gives points that are not what they say, or a wrong budget or label no error."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest
import quantc
from numpy.typing import NDArray
from quantc.tool import find_tool

CLASSES = 4


class Work(NamedTuple):
    model: Path
    rows: NDArray[np.float32]
    labels: NDArray[np.int64]
    folder: Path


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """A network of three layers, 96-64-64-4, and rows with the classes that it gives in float."""
    folder = tmp_path_factory.mktemp("tune")
    random = np.random.default_rng(1)
    widths = (96, 64, 64, CLASSES)
    nodes, constants, value = [], [], "x"
    x = random.standard_normal((400, widths[0])).astype(np.float32)
    h = x
    for i, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        w = (random.standard_normal((outputs, inputs)) / np.sqrt(inputs)).astype(np.float32)
        constants.append(onnx.numpy_helper.from_array(w, f"w{i}"))
        h = h @ w.T
        result = f"h{i}" if i < 2 else "y"
        nodes.append(onnx.helper.make_node("Gemm", [value, f"w{i}"], [result], name=f"fc{i}", transB=1))
        value = result
        if i < 2:
            h = np.maximum(h, 0)
            value = f"r{i}"
            nodes.append(onnx.helper.make_node("Relu", [result], [value], name=f"relu{i}"))
    graph = onnx.helper.make_graph(
        nodes,
        "net",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", widths[0]])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", CLASSES])],
        constants,
    )
    model = folder / "net.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9), model)
    labels = h.argmax(1)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", labels)
    return Work(model, x, labels, folder)


def tool(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([find_tool(), *map(str, arguments)], capture_output=True, text=True, check=False)


def test_points_are_what_they_say(work: Work) -> None:
    frontier = quantc.tune(work.model, work.rows, labels=work.labels, minimize="size", points=6)
    sizes = [point.weights_bytes for point in frontier]
    noise = [point.sqnr_db or np.inf for point in frontier]
    assert len(frontier) >= 3
    assert sizes == sorted(sizes) and noise == sorted(noise)
    assert set(frontier.uniform) == {"int8", "int4", "int8x16"}
    assert frontier.svg.startswith("<svg") and "all int8" in frontier.svg
    assert "all int4" in str(frontier)
    # A point, compiled again as a user would, has the noise that the frontier says.
    point = frontier[1]
    q = quantc.quantize(work.model, work.rows, plan=point)
    exact = work.rows
    for i in range(3):
        w = onnx.numpy_helper.to_array(onnx.load(work.model).graph.initializer[i])
        exact = exact @ w.T
        exact = np.maximum(exact, 0) if i < 2 else exact
    error = np.asarray(q.predict(work.rows)) - exact
    sqnr = 10 * np.log10((exact.astype(float) ** 2).sum() / (error.astype(float) ** 2).sum())
    assert sqnr == pytest.approx(point.sqnr_db, abs=0.05)


def test_the_order_of_the_rows_does_not_matter(work: Work, tmp_path: Path) -> None:
    """Of 400 rows, single layers are measured on 256."""
    found = []
    for name, order in (("as-is", np.arange(400)), ("permuted", np.random.default_rng(5).permutation(400))):
        np.save(tmp_path / f"{name}.npy", work.rows[order])
        done = tool(
            "tune", work.model, "--calibration", tmp_path / f"{name}.npy", "--minimize=size", "--points=4",
            "-o", tmp_path / name,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append(json.loads((tmp_path / name / "frontier.json").read_text()))
    first, second = found
    for key in ("points", "sensitivity"):
        assert len(first[key]) == len(second[key]) > 1
        for one, other in zip(first[key], second[key], strict=True):
            assert one.keys() == other.keys()
            for figure in one.keys() - {"us_per_row"}:  # the one that is timed
                assert other[figure] == (
                    pytest.approx(one[figure], rel=1e-6) if is_numeric(one[figure]) else one[figure]
                )


def is_numeric(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(isinstance(v, float) for v in values)


def test_blocks_that_matter_least_go(work: Work, tmp_path: Path) -> None:
    """Of a layer that has little in three quarters of its blocks, the search finds the form without them."""
    model = onnx.load(work.model)
    weights = onnx.numpy_helper.to_array(model.graph.initializer[0]).copy()
    blocks = weights.reshape(2, 32, 24, 4)  # of 32 outputs by 4 inputs
    blocks[:, :, np.arange(24) % 4 != 0] *= 0.05
    model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weights, "w0"))
    onnx.save(model, tmp_path / "net.onnx")
    frontier = quantc.tune(tmp_path / "net.onnx", work.rows, minimize="size", cpu="x86-64-v3", points=8)
    forms = next(layer for layer in frontier.sensitivity if layer["name"] == "relu0")["precisions"]
    assert forms["int8/block:0.75"]["weights_bytes"] == forms["int8"]["weights_bytes"] / 4
    assert 15 < forms["int8/block:0.75"]["sqnr_db"] < forms["int8"]["sqnr_db"] - 6
    point = next(point for point in frontier if point.layers["relu0"] == "int8/block:0.75")
    q = quantc.quantize(tmp_path / "net.onnx", work.rows, plan=point, cpu="x86-64-v3")
    layer = next(layer for layer in q.manifest["layers"] if layer["name"] == "relu0")
    assert layer["zero_share"] >= 0.75 and layer["listed_share"] <= 0.3
    assert np.array_equal(np.asarray(q.predict(work.rows[:50])), np.asarray(quantc.reference(q, work.rows[:50])))


def test_blocks_of_a_small_layer_stay(work: Work) -> None:
    reason = "can't have the precision int8/block:0.5: it has fewer than 4096 weights"
    with pytest.raises(quantc.QuantcError, match=reason):
        quantc.quantize(work.model, work.rows, plan={"fc2": "int8/block:0.5"})


def test_files_and_the_budget(work: Work) -> None:
    out = work.folder / "tuned"
    done = tool(
        "tune", work.model, "--calibration", work.folder / "x.npy", "--input", work.folder / "x.npy",
        "--labels", work.folder / "y.npy", "--accuracy-budget=1%", "-o", out, "--points=4",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "the fastest with a score of at least 99.00%" in done.stdout
    frontier = json.loads((out / "frontier.json").read_text())
    chosen = frontier["points"][frontier["chosen"] - 1]
    assert frontier["budget_met"] and chosen["meets_budget"] and chosen["score"] >= 0.99
    for layer in frontier["sensitivity"]:
        assert sum(layer["int4_error_share_of_groups"]) == pytest.approx(1)
    made = tool(
        "compile", work.model, "--calibration", work.folder / "x.npy", "--plan", out / chosen["plan"],
        "-o", work.folder / "planned", "--name=net",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    manifest = json.loads((work.folder / "planned/net.json").read_text())
    assert manifest["methods"]["precision"] == chosen["bits"]


def test_a_budget_out_of_reach_names_the_nearest(work: Work, tmp_path: Path) -> None:
    done = tool(
        "compile", work.model, "--calibration", work.folder / "x.npy", "--accuracy-budget=140dB", "-o", tmp_path / "o"
    )
    assert done.returncode == 1
    assert "no choice of bits reaches a signal-to-noise ratio of at least 140.00 dB; the nearest has" in done.stderr
    assert not (tmp_path / "o").exists()
    done = tool(
        "tune", work.model, "--calibration", work.folder / "x.npy", "--accuracy-budget=140dB", "-o", tmp_path / "t"
    )
    assert done.returncode == 1
    assert "the nearest is point" in done.stderr
    assert json.loads((tmp_path / "t/frontier.json").read_text())["budget_met"] is False


def test_mixed_bits(work: Work, tmp_path: Path) -> None:
    sizes = {}
    for weights in ("int8", "mixed"):
        out = tmp_path / weights
        done = tool(
            "compile", work.model, "--calibration", work.folder / "x.npy", f"--weights={weights}", "-o", out,
            "--name=net",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        sizes[weights] = json.loads((out / "net.json").read_text())["sizes"]["weights"]
        if weights == "mixed":
            y = np.asarray(quantc.load(out / "net.so").predict(work.rows))
            int8 = np.asarray(quantc.load(tmp_path / "int8/net.so").predict(work.rows))
            least = min(0.998, (int8.argmax(1) == work.labels).mean())
            assert (y.argmax(1) == work.labels).mean() >= least - 1e-9
    assert sizes["mixed"] <= sizes["int8"]
    wide = quantc.quantize(work.model, work.rows, activations="mixed")
    narrow = quantc.quantize(work.model, work.rows)
    float_scores = np.asarray(quantc.quantize(work.model, work.rows, activations="int16").predict(work.rows))
    errors = [((np.asarray(q.predict(work.rows)) - float_scores) ** 2).sum() for q in (wide, narrow)]
    assert errors[0] <= errors[1]


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.zeros(7, np.int64), "has 7 labels, but"),
        (np.where(np.arange(400) == 17, np.nan, 1.0), "has no label in row 17 (NaN)"),
        (np.where(np.arange(400) == 3, 0.5, 1.0), "has the label 0.5 in row 3, which is no whole number"),
        (np.full(400, 9), "has the label 9, but the network's output has 4 scores: classes are 0 to 3"),
        (np.full(400, -1), "has the label -1, but"),
        (np.zeros((400, 2)), "does not hold one label a row"),
    ],
)
def test_wrong_labels(work: Work, tmp_path: Path, labels: NDArray[np.generic], says: str) -> None:
    np.save(tmp_path / "y.npy", labels)
    done = tool(
        "tune", work.model, "--calibration", work.folder / "x.npy", "--labels", tmp_path / "y.npy",
        "-o", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 1
    assert says in done.stderr
    assert not (tmp_path / "out").exists()


def test_wrong_usage(work: Work, tmp_path: Path) -> None:
    done = tool(
        "tune", work.model, "--calibration", work.folder / "x.npy", "--accuracy-budget=0.1", "-o", tmp_path / "out"
    )
    assert done.returncode == 2
    assert "has no unit; write how many percentage points may be lost, such as 0.1%" in done.stderr
    with pytest.raises(quantc.QuantcError, match="the nearest are 'relu0'"):
        quantc.quantize(work.model, work.rows, plan={"relu9": "int8"})
    with pytest.raises(TypeError, match="plan: needs a point"):
        quantc.quantize(work.model, work.rows, plan=["int8"])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="points"):
        quantc.tune(work.model, work.rows, points=1)
