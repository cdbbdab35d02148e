"""If these fail, what `quantc compare` says of a loss of accuracy, or what a program counts as clipped, is wrong."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import quantc
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from quantc.tool import find_tool

ROWS = 700  # several blocks, and a part of one


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 6 -> 40 (ReLU) -> 24 (Tanh) -> 3 network whose input feature 2 has an outlier's range, and rows for it."""
    folder = tmp_path_factory.mktemp("analyses")
    random = np.random.default_rng(3)
    sizes = [6, 40, 24, 3]
    constants = {}
    for i, (a, b) in enumerate(itertools.pairwise(sizes)):
        constants[f"w{i}"] = (random.standard_normal((a, b)) / np.sqrt(a)).astype(np.float32)
        constants[f"b{i}"] = (random.standard_normal(b) / 4).astype(np.float32)
    constants["w0"][2] /= 40  # what is large in the data is small in the weights
    node = helper.make_node
    nodes = [
        node("Gemm", ["x", "w0", "b0"], ["h0"], name="first"),
        node("Relu", ["h0"], ["r0"], name="relu"),
        node("Gemm", ["r0", "w1", "b1"], ["h1"], name="second"),
        node("Tanh", ["h1"], ["r1"], name="tanh"),
        node("Gemm", ["r1", "w2", "b2"], ["y"], name="last"),
    ]
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [tensor("x", TensorProto.FLOAT, ["n", 6])],
        [tensor("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "m.onnx")
    x = random.standard_normal((ROWS, 6)).astype(np.float32)
    x[:, 2] *= 40
    np.save(folder / "x.npy", x)
    np.save(folder / "labels.npy", random.integers(0, 3, ROWS))
    return folder


@pytest.fixture(scope="module")
def plain(files: Path) -> quantc.Quantized:
    return quantc.quantize(files / "m.onnx", files / "x.npy", activations="int8")


@pytest.fixture(scope="module")
def counting(files: Path) -> quantc.Quantized:
    return quantc.quantize(files / "m.onnx", files / "x.npy", activations="int8", count_clipped=True)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([find_tool(), *map(str, arguments)], capture_output=True, text=True, check=False)


def test_the_input_is_found_to_be_the_culprit(files: Path) -> None:
    """One scale for all features, and the others have a fortieth of its steps."""
    plain = quantc.quantize(files / "m.onnx", files / "x.npy", method="minmax", effort="low", activations="int8")
    found = plain.compare(files / "x.npy", culprits=True, labels=files / "labels.npy")
    culprits = found["culprits"]
    worst = culprits["effects"][0]
    assert (worst["place"], worst["effect"], worst["name"]) == ("input", "rounding", "x")
    assert worst["share"] > 0.8
    assert culprits["features"][-1]["channel"] == 2, "feature 2 has steps enough"
    assert culprits["simulation_db"] is None or culprits["simulation_db"] > culprits["sqnr_db"] + 20
    assert culprits["undone_db"] is None or culprits["undone_db"] > 100
    assert sum(record["alone"] for record in culprits["effects"]) == pytest.approx(1)
    rows = [record["row"] for record in culprits["worst_rows"]]
    x = np.load(files / "x.npy")
    error = np.linalg.norm(quantc.reference(plain, x) - float_results(files, x), axis=1)
    assert rows == list(np.argsort(-error, kind="stable")[: len(rows)])
    assert all(record["label"] == np.load(files / "labels.npy")[record["row"]] for record in culprits["worst_rows"])
    assert "rounding of input x" in repr(found)


def float_results(files: Path, x: NDArray[np.float32]) -> NDArray[np.float32]:
    np.save(files / "in.npy", x)
    assert run("run", files / "m.onnx", "--input", files / "in.npy", "--output", files / "out.npy").returncode == 0
    return np.asarray(np.load(files / "out.npy"))


def test_repairs_are_what_they_are_said_to_be(plain: quantc.Quantized, files: Path) -> None:
    found = plain.compare(files / "x.npy", culprits=True, calibration=files / "x.npy")
    repairs = {record["flag"]: record for record in found["repairs"]}
    assert repairs[""]["sqnr_db"] == pytest.approx(found["culprits"]["sqnr_db"], abs=1e-6)
    gains = [record["gain_db"] for record in found["repairs"][1:]]
    assert gains == sorted(gains, reverse=True), "the best is not the first"
    wide = repairs["--activations=int16"]
    assert wide["gain_db"] > 6
    wider = quantc.quantize(files / "m.onnx", files / "x.npy", activations="int16")
    measured = wider.compare(files / "x.npy")["layers"][-1]["sqnr_db"]
    assert wide["sqnr_db"] == pytest.approx(measured, abs=0.01)
    high = quantc.quantize(files / "m.onnx", files / "x.npy", activations="int8", effort="high")
    measured = high.compare(files / "x.npy")["layers"][-1]["sqnr_db"]
    assert repairs["--effort=high"]["sqnr_db"] == pytest.approx(measured, abs=0.01)


def test_noise_is_the_same_for_the_same_seed(plain: quantc.Quantized, files: Path) -> None:
    first = plain.compare(files / "x.npy", noise=True, seed=7)["noise"]
    assert first == plain.compare(files / "x.npy", noise=True, seed=7)["noise"]
    other = plain.compare(files / "x.npy", noise=True, seed=8)["noise"]
    assert first["seed"] == 7
    assert first["disturbances"][0] == other["disturbances"][0]
    assert first["disturbances"][1] != other["disturbances"][1]
    lines = {record["inputs"]: record for record in first["disturbances"]}
    assert lines["none"]["float_alone_db"] is None, "an undisturbed network differs from itself"
    assert (
        lines["noise of 1 standard deviations"]["float_alone_db"]
        < lines["noise of 0.1 standard deviations"]["float_alone_db"]
    )
    assert lines["1% of features NaN"]["integer_special_rows"] == 0
    assert lines["1% of features NaN"]["float_special_rows"] > 0


def test_influence_is_the_gradient(plain: quantc.Quantized, files: Path) -> None:
    """Against numpy's derivative of the same network."""
    found = plain.influence(files / "x.npy")["influence"]
    model = onnx.load(files / "m.onnx")
    constants = {c.name: numpy_helper.to_array(c).astype(np.float64) for c in model.graph.initializer}
    x = np.load(files / "x.npy").astype(np.float64)[np.arange(found["rows"]) * ROWS // found["rows"]]
    h0 = x @ constants["w0"] + constants["b0"]
    h1 = np.maximum(h0, 0) @ constants["w1"] + constants["b1"]
    jacobian = np.einsum("ia,na,ab,nb,bo->nio", constants["w0"], h0 > 0, constants["w1"], 1 - np.tanh(h1) ** 2,
                         constants["w2"], optimize=True)  # fmt: skip
    wanted = (np.abs(jacobian).mean(axis=0) * x.std(axis=0)[:, None]).sum(axis=1)
    got = {record["channel"]: record["gradient"] for record in found["features"]}
    assert [got[i] for i in range(6)] == pytest.approx(wanted, rel=0.02)
    assert len(found["neurons"]) == 40 + 24
    assert found["neurons"][0]["change"] >= found["neurons"][-1]["change"]


def clipped_by_numpy(q: quantc.Quantized, x: NDArray[np.float32]) -> int:
    """Of the input: what quantization would have stored outside of its range."""
    record = q.manifest["layers"][0]  # stores the input
    stored = np.rint(x / np.float32(record["output_scale"])) + record["output_zero_point"]
    low, high = record["output_range"]
    return int(((stored < low) | (stored > high)).sum())


@pytest.mark.parametrize("rows", [1, 7, ROWS])
def test_counts_are_exact_and_change_no_bit(
    counting: quantc.Quantized, plain: quantc.Quantized, files: Path, rows: int
) -> None:
    x = np.load(files / "x.npy")[:rows] * np.float32(2.5)
    counting.clipped(reset=True)
    assert counting(x).tobytes() == plain(x).tobytes()
    counts = counting.clipped()
    assert list(counts) == ["x", "relu", "tanh"]
    assert counts["x"] == clipped_by_numpy(plain, x)
    # Row by row they add up, through the code for one row too.
    for row in x[:20]:
        counting(row[None])
    twenty = {name: count - counts[name] for name, count in counting.clipped(reset=True).items()}
    counting(x[:20])
    assert counting.clipped() == twenty


def test_counts_are_the_interpreters(files: Path, tmp_path: Path) -> None:
    """The same graph in the reference interpreter, whose counts are a result like any other."""
    x = np.load(files / "x.npy") * np.float32(2.5)
    np.save(tmp_path / "x.npy", x)
    options = ["--calibration", files / "x.npy", "--name", "p", "--activations=int8", "--count-clipped"]
    options += ["--emit=shared,mlir"]
    assert run("compile", files / "m.onnx", "-o", tmp_path, *options).returncode == 0
    opt = find_tool().with_name("quant-opt")
    subprocess.run([opt, tmp_path / "p.mlir", "--count-clipped", "-o", tmp_path / "counted.mlir"], check=True)
    outputs = ["--output", tmp_path / "y.npy", "--output", tmp_path / "counts.npy"]
    assert run("run", tmp_path / "counted.mlir", "--input", tmp_path / "x.npy", *outputs).returncode == 0
    wanted = np.load(tmp_path / "counts.npy").sum(axis=0)
    counting = quantc.load(tmp_path / "p.so")
    assert counting(x).tobytes() == np.load(tmp_path / "y.npy").tobytes()
    assert list(counting.clipped().values()) == list(wanted)
    assert wanted.all(), "rows out of range clip nothing"


@pytest.mark.parametrize("options", [["--threads=3"], ["--cpu=portable"], ["--requant=fixed"], ["--activations=int16"]])
def test_counts_of_other_programs(files: Path, tmp_path: Path, options: list[str]) -> None:
    x = np.repeat(np.load(files / "x.npy") * np.float32(2.5), 40, axis=0)
    common: list[Any] = ["compile", files / "m.onnx", "--calibration", files / "x.npy", "--name", "p", *options]
    assert run(*common, "-o", tmp_path / "counting", "--count-clipped").returncode == 0
    assert run(*common, "-o", tmp_path / "plain").returncode == 0
    counting, plain = quantc.load(tmp_path / "counting/p.so"), quantc.load(tmp_path / "plain/p.so")
    assert counting(x).tobytes() == plain(x).tobytes()
    assert counting.clipped()["x"] == clipped_by_numpy(plain, x)


def test_run_prints_the_counts(counting: quantc.Quantized, files: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.load(files / "x.npy") * np.float32(2.5))
    arguments = ["run", counting.path, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy", "--clipped"]
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    counting.clipped(reset=True)
    counting(np.load(tmp_path / "x.npy"))
    printed = dict(line.split() for line in done.stdout.splitlines()[1:])
    assert printed == {name: str(count) for name, count in counting.clipped().items()}


def test_what_does_not_count_says_so(plain: quantc.Quantized, files: Path, tmp_path: Path) -> None:
    with pytest.raises(quantc.QuantcError, match="does not count clipped values"):
        plain.clipped()
    arguments = ["--input", files / "x.npy", "--output", tmp_path / "y.npy", "--clipped"]
    for program, reason in ((plain.path, "does not count"), (files / "m.onnx", "is no compiled library")):
        done = run("run", program, *arguments)
        assert done.returncode == 1 and reason in done.stderr
        assert not (tmp_path / "y.npy").exists()
    assert "_clipped" not in plain.path.with_suffix(".h").read_text()


def test_require_int_names_what_stays_in_float(files: Path, tmp_path: Path) -> None:
    model = onnx.load(files / "m.onnx")
    model.graph.node.append(helper.make_node("Softmax", ["y"], ["p"], name="probabilities", axis=1))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("p", TensorProto.FLOAT, ["n", 3]))
    onnx.save(model, tmp_path / "soft.onnx")
    with pytest.raises(quantc.QuantcError, match="left in float") as caught:
        quantc.quantize(tmp_path / "soft.onnx", files / "x.npy", require_int=True)
    assert "probabilities" in str(caught.value) and caught.value.exit_code == 1
    out = tmp_path / "out"
    common = ["compile", tmp_path / "soft.onnx", "--calibration", files / "x.npy", "-o", out, "--name", "p"]
    assert run(*common, "--require-int").returncode == 1
    assert not out.exists()
    done = run(*common, "--require-int", "--allow-float")
    assert done.returncode == 2 and "opposite" in done.stderr
    assert run(*common).returncode == 0
    ledger = run("inspect", out, "--ledger").stdout.splitlines()
    assert next(line for line in ledger if line.startswith("probabilities")).split()[1:4] == ["softmax", "in", "float"]
    assert any(line.startswith("first, relu") and "qdense" in line for line in ledger)
    quantc.quantize(files / "m.onnx", files / "x.npy", require_int=True)


def test_bad_rows_and_flags(plain: quantc.Quantized, files: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "nan.npy", np.full((4, 6), np.nan, np.float32))
    np.save(tmp_path / "none.npy", np.zeros((0, 6), np.float32))
    common = ["compare", files / "m.onnx", plain.path]
    for flag in ("--culprits", "--influence"):
        done = run(*common, "--input", tmp_path / "nan.npy", flag)
        assert done.returncode == 1 and "no row without NaN" in done.stderr
        done = run(*common, "--input", tmp_path / "none.npy", flag)
        assert done.returncode == 1 and "no rows" in done.stderr
    done = run(*common, "--input", files / "x.npy", "--calibration", files / "x.npy")
    assert done.returncode == 2 and "--culprits" in done.stderr
    mixed = np.load(files / "x.npy")
    mixed[5, 1] = np.inf
    np.save(tmp_path / "mixed.npy", mixed)
    done = run(*common, "--input", tmp_path / "mixed.npy", "--culprits", "--json")
    assert json.loads(done.stdout)["culprits"]["skipped"] == 1
    with pytest.raises(ValueError, match="culprits=True"):
        plain.compare(files / "x.npy", calibration=files / "x.npy")


def test_labels_alone_have_no_culprits(files: Path, tmp_path: Path) -> None:
    model = onnx.load(files / "m.onnx")
    model.graph.node.append(helper.make_node("ArgMax", ["y"], ["label"], name="decide", axis=1, keepdims=0))
    y = model.graph.output.pop()
    label = helper.make_tensor_value_info("label", TensorProto.INT64, ["n"])
    model.graph.output.append(label)
    onnx.save(model, tmp_path / "label.onnx")
    q = quantc.quantize(tmp_path / "label.onnx", files / "x.npy")
    for flag in ("culprits", "influence", "noise"):
        with pytest.raises(quantc.QuantcError, match="labels alone"):
            q.compare(
                files / "x.npy", culprits=flag == "culprits", influence=flag == "influence", noise=flag == "noise"
            )
    # With the scores behind them they have, and neurons are told from labels.
    model.graph.output.append(y)
    onnx.save(model, tmp_path / "both.onnx")
    q = quantc.quantize(tmp_path / "both.onnx", files / "x.npy")
    assert q.compare(files / "x.npy", culprits=True)["culprits"]["effects"]
    assert len(q.influence(files / "x.npy")["influence"]["neurons"]) >= 40 + 24
