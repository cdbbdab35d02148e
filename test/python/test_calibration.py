"""If these fail, ranges depend on the order of the rows, are not the user's, or clip what the outputs need."""

from __future__ import annotations

import json
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
import quantc
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from quantc.tool import find_tool

Rows = NDArray[np.float32]
METHODS = ["auto", "minmax", "percentile", "mse", "entropy"]
FEATURES, HIDDEN, CLASSES = 6, 24, 4


class Net(NamedTuple):
    """A network of two layers, with a ReLU between them."""

    first: Rows
    first_bias: Rows
    second: Rows
    second_bias: Rows
    last: str = ""  # function of the outputs
    imputed: float | None = None  # what a NaN in a row is replaced by

    def __call__(self, x: Rows) -> NDArray[np.float64]:
        """The outputs, in double precision."""
        if self.imputed is not None:
            x = np.where(np.isnan(x), np.float32(self.imputed), x)
        hidden = np.maximum(x.astype(np.float64) @ self.first.T + self.first_bias, 0)
        out = hidden @ self.second.T + self.second_bias
        return np.asarray(np.tanh(out) if self.last == "Tanh" else out, np.float64)

    def save(self, path: Path) -> Path:
        node = helper.make_node
        constants = {"w1": self.first, "b1": self.first_bias, "w2": self.second, "b2": self.second_bias}
        nodes, source = [], "x"
        if self.imputed is not None:
            constants["c"] = np.full((1, FEATURES), self.imputed, np.float32)
            nodes = [node("IsNaN", ["x"], ["m"], name="mask"), node("Where", ["m", "c", "x"], ["xi"], name="impute")]
            source = "xi"
        nodes += [
            node("Gemm", [source, "w1", "b1"], ["h"], name="first", transB=1),
            node("Relu", ["h"], ["a"], name="hidden"),
            node("Gemm", ["a", "w2", "b2"], ["y"], name="second", transB=1),
        ]
        if self.last:
            nodes.append(node(self.last, ["y"], ["z"], name="last"))
        graph = helper.make_graph(
            nodes,
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", FEATURES])],
            [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, ["n", CLASSES])],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(made, path)
        return path


def net(seed: int = 0, **changes: Any) -> Net:
    numbers = np.random.default_rng(seed)

    def layer(outputs: int, inputs: int) -> tuple[Rows, Rows]:
        weights = numbers.standard_normal((outputs, inputs)) / np.sqrt(inputs)
        return weights.astype(np.float32), (numbers.standard_normal(outputs) / 10).astype(np.float32)

    return Net(*layer(HIDDEN, FEATURES), *layer(CLASSES, HIDDEN))._replace(**changes)


def rows(count: int, seed: int = 1) -> Rows:
    return np.random.default_rng(seed).standard_normal((count, FEATURES)).astype(np.float32)


def sqnr(expected: NDArray[np.float64], got: NDArray[Any]) -> float:
    return float(10 * np.log10(np.square(expected).sum() / np.square(expected - got).sum()))


class Workshop:
    """Compiles networks with rows of data in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = 0

    def run(self, network: Net, calibration: Rows | None, *options: str) -> tuple[int, str, Path]:
        """Exit code, standard error and output folder of `quantc compile`."""
        self.made += 1
        out = self.folder / f"out{self.made}"
        data: list[str] = []
        if calibration is not None:
            path = self.folder / f"rows{self.made}.npy"
            np.save(path, calibration)
            data = ["--calibration", str(path)]
        model = network.save(self.folder / f"net{self.made}.onnx")
        emit = "--emit=object,header,shared,ranges"
        command = [str(find_tool()), "compile", str(model), *data, "-o", str(out), "--name", "net", emit, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr, out

    def __call__(self, network: Net, calibration: Rows | None, *options: str) -> Path:
        code, errors, out = self.run(network, calibration, *options)
        assert code == 0, errors
        return out

    def error(self, network: Net, calibration: Rows | None, *options: str, code: int = 1) -> str:
        """The one line that says what is wrong; nothing is written."""
        got, errors, out = self.run(network, calibration, *options)
        assert got == code, errors
        assert not out.exists() or not list(out.iterdir())
        (line,) = [line for line in errors.splitlines() if line.strip()]
        return line


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def manifest(out: Path) -> Any:
    return json.loads((out / "net.json").read_text())


def ranges(out: Path) -> Any:
    return json.loads((out / "net.ranges.json").read_text())


def range_of(out: Path, name: str) -> Any:
    (found,) = [r for r in manifest(out)["calibration"]["ranges"] if r["name"] == name]
    return found


def outputs(out: Path, x: Rows) -> NDArray[Any]:
    """What the compiled program gives, having checked that it is what the interpreter gives."""
    q = quantc.load(out / "net.so")
    got = np.asarray(q(x))
    assert got.tobytes() == np.asarray(quantc.reference(q, x)).tobytes()
    return got


# --- the order of the rows ---


@pytest.mark.parametrize("method", METHODS)
def test_permuted_rows_give_the_same_bytes(workshop: Workshop, method: str) -> None:
    data = rows(1500)
    data[::40] *= 30  # tails, so that the methods have something to choose
    data[7, 2] = np.nan
    data[30, 1] = np.inf
    data[100:120] = data[99]  # the same row many times
    network = net()
    numbers = np.random.default_rng(2)
    made = []
    for turn in range(3):
        out = workshop(network, data if turn == 0 else numbers.permutation(data), f"--method={method}")
        made.append([(out / f"net.{kind}").read_bytes() for kind in ("o", "mlirbc", "ranges.json")])
    assert made[0] == made[1] == made[2]


# --- what the methods do ---


@pytest.mark.parametrize("method", METHODS)
def test_each_method_compiles_to_the_reference_bits(workshop: Workshop, method: str) -> None:
    network, data = net(), rows(600)
    out = workshop(network, data, f"--method={method}")
    got = outputs(out, rows(300, seed=3))
    assert sqnr(network(rows(300, seed=3)), got) > 25
    used = {r["method"] for r in manifest(out)["calibration"]["ranges"]}
    assert used == {method} if method != "auto" else "minmax" in used


def test_methods_differ(workshop: Workshop) -> None:
    data = np.random.default_rng(4).laplace(size=(4000, FEATURES)).astype(np.float32)
    width = {}
    for method in METHODS[1:]:
        found = range_of(workshop(net(), data, f"--method={method}"), "x")
        width[method] = found["max"] - found["min"]
    assert width["minmax"] > width["mse"] > width["entropy"], width
    assert width["minmax"] > width["percentile"], width


def test_from_python(tmp_path: Path) -> None:
    path = net().save(tmp_path / "net.onnx")
    data = np.random.default_rng(4).laplace(size=(4000, FEATURES)).astype(np.float32)
    for method in ("mse", "entropy"):
        q = quantc.quantize(path, data, method=method)
        assert {r["method"] for r in q.manifest["calibration"]["ranges"]} == {method}
        assert q.manifest["methods"]["calibration"] == method


def bursting() -> Net:
    """A hidden value that is rarely there, then huge, and hardly counts."""
    network = net()
    network.first[0] = 100 / np.sqrt(FEATURES)
    network.first_bias[0] = -250  # 2.5 standard deviations
    network.second[:, 0] = 0.001
    return network._replace(last="Tanh")


def with_unused_feature() -> Net:
    network = net()
    network.first[:, 0] = 0
    return network


@pytest.mark.parametrize(("network", "scale", "name"), [(bursting(), 1, "hidden"), (with_unused_feature(), 1e4, "x")])
def test_auto_wins_back_what_outliers_cost(workshop: Workshop, network: Net, scale: float, name: str) -> None:
    data, test = rows(2000), rows(2000, seed=5)
    for part in (data, test):
        part[:, 0] *= scale
    result = {}
    for method in ("minmax", "auto"):
        out = workshop(network, data, f"--method={method}", "--activations=int8")
        result[method] = sqnr(network(test), outputs(out, test))
    assert result["auto"] > result["minmax"] + 6, result
    assert result["auto"] > 30, result
    # With 15 bits too: a few values far away don't take the steps of all others.
    wide = workshop(network, data)
    assert any(layer["input_bits"] == 16 for layer in manifest(wide)["layers"])
    assert sqnr(network(test), outputs(wide, test)) > result["auto"] + 3
    found = range_of(out, name)
    assert found["method"] != "minmax"
    assert "where minmax gives" in found["reason"]
    tried = found["output_sqnr_db"]
    assert tried[found["method"]] == max(tried.values()) > tried["minmax"] + 6


def test_auto_is_minmax_where_nothing_is_gained(workshop: Workshop) -> None:
    data = np.random.default_rng(6).uniform(-1, 1, (1000, FEATURES)).astype(np.float32)
    network = net()
    auto, minmax = (workshop(network, data, f"--method={method}") for method in ("auto", "minmax"))
    assert (auto / "net.o").read_bytes() == (minmax / "net.o").read_bytes()
    for found in manifest(auto)["calibration"]["ranges"]:
        assert found["method"] == "minmax"
        assert found["reason"].startswith("minmax is kept"), found


# --- ranges that the user gives ---


def test_fixed_ranges(workshop: Workshop) -> None:
    network, data = net(), rows(500)
    # A file of ranges has no statistics of the rows, so weights are rounded to the nearest everywhere.
    out = workshop(network, data, "--fix-range=hidden=0:17", "--fix-range", "x=-9:5.5", "--effort=low")
    assert (range_of(out, "hidden")["min"], range_of(out, "hidden")["max"]) == (0, 17)
    assert (range_of(out, "x")["min"], range_of(out, "x")["max"]) == (-9, 5.5)
    assert range_of(out, "x")["method"] == "fixed"
    assert manifest(out)["inputs"][0]["scale"] == pytest.approx(14.5 / 255, rel=0.01)
    assert sqnr(network(data), outputs(out, data)) > 25

    # The file remembers, and gives the same program back: alone, and beside rows.
    file = str(out / "net.ranges.json")
    assert [t["name"] for t in ranges(out)["tensors"] if t.get("fixed")] == ["x", "hidden"]
    alone = workshop(network, None, "--ranges", file)
    beside = workshop(network, data, "--ranges", file, "--effort=low")
    assert (out / "net.o").read_bytes() == (alone / "net.o").read_bytes() == (beside / "net.o").read_bytes()


def test_only_the_fixed_ranges_of_a_file_are_taken(workshop: Workshop, tmp_path: Path) -> None:
    network, data = net(), rows(500)
    measured = workshop(network, data)
    edited = ranges(measured)
    for tensor in edited["tensors"]:
        tensor["min"], tensor["max"] = -100, 100
        tensor["fixed"] = tensor["name"] == "x"
    file = tmp_path / "edited.json"
    file.write_text(json.dumps(edited))
    out = workshop(network, data, "--ranges", str(file))
    assert (range_of(out, "x")["min"], range_of(out, "x")["max"]) == (-100, 100)
    assert range_of(out, "second")["max"] == range_of(measured, "second")["max"]
    everything = workshop(network, None, "--ranges", str(file))
    assert range_of(everything, "second")["max"] == 100


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--fix-range=hiden=0:1"], 1, "has the name 'hiden'; the nearest are 'hidden'"),
        (["--fix-range=x=0:1", "--fix-range=x=0:2"], 1, "the range of 'x' is fixed twice"),
        (["--fix-range=x=1:1"], 2, "the smaller first"),
        (["--fix-range=x=2:1"], 2, "the smaller first"),
        (["--fix-range=x=nan:1"], 2, "the smaller first"),
        (["--fix-range=x=0:inf"], 2, "the smaller first"),
        (["--fix-range=x"], 2, "NAME=lo:hi"),
        (["--fix-range="], 2, "NAME=lo:hi"),
        (["--method=kl"], 2, "choose from auto, minmax, percentile, mse, entropy"),
    ],
)
def test_wrong_fixed_ranges(workshop: Workshop, options: Sequence[str], code: int, message: str) -> None:
    assert message in workshop.error(net(), rows(20), *options, code=code)


def drop_last(file: Any) -> None:
    file["tensors"].pop()


def rename(file: Any) -> None:
    file["tensors"][1]["name"] = "other"


def twice(file: Any) -> None:
    file["tensors"][2] = file["tensors"][1]


def swapped(file: Any) -> None:
    file["tensors"][0].update(min=2, max=1)


def wrong_flag(file: Any) -> None:
    file["tensors"][0]["fixed"] = "yes"


def empty_range(file: Any) -> None:
    file["tensors"][0].update(min=1, max=1, fixed=True)


def no_number(file: Any) -> None:
    del file["tensors"][0]["max"]


def nothing_fixed(file: Any) -> None:
    file["tensors"][0].pop("fixed")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop_last, "there are ranges of 3 values, but the graph has 4"),
        (rename, "was given where the graph has 'hidden'"),
        (twice, 'must have "tensor": 2'),
        (swapped, 'needs "min" and "max", two finite numbers, the smaller first'),
        (wrong_flag, 'has a "fixed" that is neither true nor false'),
        (empty_range, "is fixed to a range of one value"),
        (no_number, 'needs "min" and "max"'),
        (nothing_fixed, 'no tensor in the file of ranges has "fixed": true'),
    ],
)
def test_wrong_files_of_ranges(workshop: Workshop, tmp_path: Path, change: Any, message: str) -> None:
    network, data = net(), rows(50)
    file = ranges(workshop(network, data))
    file["tensors"][0]["fixed"] = True
    change(file)
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(file))
    assert message in workshop.error(network, data, "--ranges", str(path))


@pytest.mark.parametrize("text", ["", "{", "[]", "nan", '{"format": "quantc-ranges"}', "[" * 5000])
def test_files_that_hold_no_ranges(workshop: Workshop, tmp_path: Path, text: str) -> None:
    path = tmp_path / "edited.json"
    path.write_text(text)
    assert "edited.json" in workshop.error(net(), rows(50), "--ranges", str(path))
    assert "edited.json" in workshop.error(net(), None, "--ranges", str(path))


# --- rows with NaN and infinities ---


def test_rows_with_nan_are_left_out_and_counted(workshop: Workshop) -> None:
    network, data = net(), rows(300)
    clean = workshop(network, np.delete(data, np.arange(0, 300, 7), axis=0))
    data[::7, 2] = np.nan
    code, errors, out = workshop.run(network, data)
    assert code == 0
    assert errors.strip() == "warning: 43 of 300 calibration rows are left out: a NaN in them reaches the result"
    assert manifest(out)["calibration"]["rows"] == 257
    assert manifest(out)["calibration"]["rows_skipped"] == 43
    assert (out / "net.o").read_bytes() == (clean / "net.o").read_bytes()
    with pytest.warns(quantc.QuantcWarning, match="43 of 300 calibration rows are left out"):
        quantc.quantize(network.save(workshop.folder / "again.onnx"), data)
    assert "every one of the 300 calibration rows holds a NaN" in workshop.error(network, data * np.float32(np.nan))


def test_rows_whose_nan_is_imputed_are_kept(workshop: Workshop) -> None:
    network, data = net(imputed=3.5), rows(300) * np.float32(0.25)
    data[::7, 2] = np.nan
    code, errors, out = workshop.run(network, data)
    assert (code, errors) == (0, "")
    assert manifest(out)["calibration"]["rows"] == 300
    assert range_of(out, "impute")["max"] == 3.5
    assert sqnr(network(data), outputs(out, data)) > 30
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quantc.quantize(network.save(workshop.folder / "again.onnx"), data)


def test_infinities_are_no_ends_of_a_range(workshop: Workshop) -> None:
    network, data = net(), rows(300)
    clean = workshop(network, data, "--method=minmax")
    data = np.concatenate([data, data[:2]])
    data[-2, 1], data[-1, 2] = np.inf, -np.inf
    out = workshop(network, data, "--method=minmax")
    assert manifest(out)["calibration"]["rows"] == 302
    assert [t.get("infinite") for t in ranges(out)["tensors"] if t["name"] == "x"] == [2]
    for name in ("x", "hidden"):
        assert range_of(out, name)["max"] == range_of(clean, name)["max"]
    message = workshop.error(network, np.full((30, FEATURES), np.inf, np.float32))
    assert "'x' is NaN or infinite for all 30 calibration rows" in message


# --- odd networks and rows ---


def dead_layer() -> Net:
    network = net()
    return network._replace(first_bias=network.first_bias - 100)


def zero_layer() -> Net:
    network = net()
    return network._replace(first=network.first * 0, first_bias=network.first_bias * 0)


def constant_channel(count: int) -> Rows:
    data = rows(count)
    data[:, 1] = 3
    return data


ODD = {
    "constant channel": (net(), constant_channel(200), 30),
    "all rows zero": (net(), np.zeros((200, FEATURES), np.float32), 30),
    "dead layer": (dead_layer(), rows(200), 100),
    "zero layer": (zero_layer(), rows(200), 100),
    "1e30": (net(), rows(200) * np.float32(1e30), 30),
    "one row": (net(), rows(1), 30),
    "one row many times": (net(), np.repeat(rows(1), 200, axis=0), 30),
    "positive": (net(), np.abs(rows(200)) + 5, 30),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ODD)
def test_odd_networks_and_rows(workshop: Workshop, case: str, method: str) -> None:
    network, data, least = ODD[case]
    out = workshop(network, data, f"--method={method}")
    with np.errstate(divide="ignore"):
        # Entropy may clip, and percentile must: of few rows what they leave out shows.
        assert sqnr(network(data), outputs(out, data)) > (least if method in ("auto", "minmax") else 10)


def test_values_too_small_to_store_are_told_of(workshop: Workshop) -> None:
    network = net()
    network = network._replace(first_bias=network.first_bias * 0, second_bias=network.second_bias * 0)
    data = rows(200) * np.float32(1e-38)
    code, errors, out = workshop.run(network, data)
    assert code == 0
    assert errors.count("the finest step of a stored value is 2^-100") == 2
    assert "'x' lies within" in errors
    assert "'hidden' lies within" in errors
    assert np.isfinite(outputs(out, data)).all()


def test_no_rows(workshop: Workshop) -> None:
    assert "has no rows" in workshop.error(net(), np.zeros((0, FEATURES), np.float32))
