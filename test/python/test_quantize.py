"""If these fail, quantize's arguments reach the compiler wrongly, or its result is not what was compiled."""

from __future__ import annotations

import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import quantc
import two_layers
from numpy.typing import NDArray
from onnx import TensorProto, helper
from quantc.tool import find_tool

Calls = Callable[[], list[list[str]]]
ROWS = np.ones((5, 2, 3), np.float32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "digits-v1.onnx"
    path.write_bytes(b"a model")
    return path


def option(call: list[str], name: str) -> str:
    return call[call.index(name) + 1]


def test_defaults(recording_tool: Calls, model: Path) -> None:
    q = quantc.quantize(model, ROWS)
    (call,) = recording_tool()
    assert call[:2] == ["compile", str(model)]
    assert option(call, "--name") == "digits_v1" == q.name
    assert "--progress=json" in call
    assert not [word for word in call if word.startswith(("--method", "--weights", "--cpu", "--threads", "--prune"))]
    sums, _ = q(ROWS, np.zeros((5, 2), np.float32))
    np.testing.assert_array_equal(sums, np.full((5, 3), 2, np.float32))


def test_options(recording_tool: Calls, model: Path, tmp_path: Path) -> None:
    labels = tmp_path / "y.npy"
    np.save(labels, np.zeros(5, np.int64))
    quantc.quantize(
        model,
        ROWS,
        method="percentile",
        weights="int4",
        prune="2:4",
        accuracy_budget=0.001,
        cpu="haswell",
        threads=2,
        labels=labels,
        activations="int16",
        effort="high",
    )
    (call,) = recording_tool()
    assert "--activations=int16" in call
    assert "--effort=high" in call
    expected = ["--method=percentile", "--weights=int4", "--prune=2:4", "--accuracy-budget=0.1%", "--cpu=haswell"]
    assert [word for word in expected if word not in call] == []
    assert "--threads=2" in call
    assert option(call, "--labels") == str(labels)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"freeze": "fc*"}, ["--freeze=fc*"]),
        ({"freeze": ["fc1", "out,2"]}, ["--freeze=fc1", "--freeze=out,2"]),
        (
            {"fold": {"x[3]": "mean", "fc1[0]": 0.5, "age": -2}},
            ["--fold=x[3]=mean", "--fold=fc1[0]=0.5", "--fold=age=-2.0"],
        ),
        ({"fold": {"x[3]": np.float32(0.1)}}, ["--fold=x[3]=0.10000000149011612"]),
        (
            {"fix_range": {"fc1": (-1.5, 4), "a=b:c": [0, 1e-30]}},
            ["--fix-range=fc1=-1.5:4.0", "--fix-range=a=b:c=0.0:1e-30"],
        ),
        ({"method": "percentile", "percentile": 99.5}, ["--method=percentile", "--percentile=99.5"]),
        ({"prefer": "speed"}, ["--prefer=speed"]),
        ({"require_int": True}, ["--require-int"]),
        ({"freeze": (), "fold": {}, "fix_range": {}, "prefer": "accuracy", "require_int": False}, []),
    ],
)
def test_each_option_becomes_the_tools(
    recording_tool: Calls, model: Path, arguments: dict[str, object], words: list[str]
) -> None:
    quantc.quantize(model, ROWS, **arguments)  # type: ignore[arg-type]
    (call,) = recording_tool()
    given = [word for word in call if word.startswith("--") and ("=" in word or word == "--require-int")]
    assert given == [*words, "--progress=json"]


def test_calibration_is_written_as_float32(recording_tool: Calls, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[NDArray[np.float32]] = []
    compile_source = quantc.quantized.Source.compile

    def compile_and_look(self: quantc.quantized.Source, folder: Path, *rest: object) -> Path:
        seen.append(np.load(self.options[self.options.index("--calibration") + 1]))
        return compile_source(self, folder, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(quantc.quantized.Source, "compile", compile_and_look)
    quantc.quantize(model, [[0.5, 2.0], [1.0, 3.0]])
    assert seen[0].dtype == np.float32
    np.testing.assert_array_equal(seen[0], [[0.5, 2], [1, 3]])


def test_calibration_by_input_name(recording_tool: Calls, model: Path) -> None:
    q = quantc.quantize(model, {"file": ROWS, "b/0": ROWS[:, 0]})
    path = option(recording_tool()[0], "--calibration")
    assert path.endswith(".npz")
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["file.npy", "b/0.npy"]
    with np.load(path) as archive:
        np.testing.assert_array_equal(archive["b/0"], ROWS[:, 0])
    del q
    assert not Path(path).exists(), "the temporary folder outlives the network"


def test_calibration_file_is_passed_on(recording_tool: Calls, model: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("1,2\n")
    quantc.quantize(model, rows)
    assert option(recording_tool()[0], "--calibration") == str(rows)


def test_bytes_and_proto(recording_tool: Calls) -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
    )
    proto = helper.make_model(graph)
    first = quantc.quantize(proto, ROWS)
    assert first.name == "model"
    written = onnx.load(recording_tool()[0][1])
    assert written.graph.node[0].op_type == "Relu"
    second = quantc.quantize(proto.SerializeToString(), ROWS)
    assert Path(recording_tool()[1][1]).read_bytes() == proto.SerializeToString()
    assert second.path != first.path


def test_a_model_of_tensorflow_alone_names_its_exporter(recording_tool: Calls) -> None:
    base = type("Module", (), {"__module__": "tensorflow.python"})
    mine = type("Net", (base,), {"__module__": "__main__"})
    with pytest.raises(TypeError, match=r"onnx\.ModelProto, got a __main__\.Net; .*TFLiteConverter"):
        quantc.quantize(mine(), ROWS)
    assert recording_tool() == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"method": "best"}, ValueError, "method: 'best' is none of"),
        ({"weights": "int3"}, ValueError, "weights: 'int3'"),
        ({"activations": "int12"}, ValueError, "activations: 'int12'"),
        ({"effort": "most"}, ValueError, "effort: 'most'"),
        ({"threads": 0}, ValueError, "threads: needs a positive integer"),
        ({"threads": True}, ValueError, "threads"),
        ({"accuracy_budget": 2}, ValueError, "accuracy_budget"),
        ({"accuracy_budget": "0.1"}, ValueError, "accuracy_budget"),
        ({"accuracy_budget": float("nan")}, ValueError, "accuracy_budget"),
        ({"prune": ""}, TypeError, "prune"),
        ({"cpu": 3}, TypeError, "cpu"),
        ({"progress": 3}, TypeError, "progress"),
        ({"prefer": "size"}, ValueError, "prefer: 'size' is none of 'accuracy', 'speed'"),
        ({"percentile": 99.9}, ValueError, "percentile: is of method='percentile', and the method is 'auto'"),
        ({"method": "percentile", "percentile": 50}, ValueError, "percentile: needs a share in percent, above 50"),
        ({"method": "percentile", "percentile": 100.1}, ValueError, "percentile: needs a share in percent, above 50"),
        ({"method": "percentile", "percentile": "99%"}, ValueError, "percentile: needs a finite number, got '99%'"),
        ({"freeze": 3}, ValueError, r"freeze: needs names of layers, or patterns such as 'fc\*', got 3"),
        ({"freeze": ["fc1", ""]}, ValueError, "freeze: needs names of layers"),
        ({"freeze": [b"fc1"]}, ValueError, "freeze: needs names of layers"),
        ({"fold": ["x[3]"]}, ValueError, "fold: needs a mapping of names to a number or 'mean'"),
        ({"fold": {3: 0.5}}, ValueError, "fold: needs a mapping of names"),
        ({"fold": {"x[3]": "median"}}, ValueError, r"fold\['x\[3\]'\]: needs a finite number or 'mean', got 'median'"),
        ({"fold": {"x[3]": None}}, ValueError, r"fold\['x\[3\]'\]: needs a finite number or 'mean', got None"),
        ({"fold": {"x[3]": float("inf")}}, ValueError, "needs a finite number or 'mean', got inf"),
        ({"fold": {"x[3]": 1e39}}, ValueError, r"needs a number of float32, got 1e\+39"),
        ({"fix_range": [("fc1", 0, 1)]}, ValueError, r"fix_range: needs a mapping of names to \(lo, hi\)"),
        ({"fix_range": {"": (0, 1)}}, ValueError, r"fix_range: needs a mapping of names to \(lo, hi\)"),
        ({"fix_range": {"fc1": 3}}, ValueError, r"fix_range\['fc1'\]: needs two numbers \(lo, hi\), got 3"),
        ({"fix_range": {"fc1": "01"}}, ValueError, r"fix_range\['fc1'\]: needs two numbers \(lo, hi\), got '01'"),
        ({"fix_range": {"fc1": (0, 1, 2)}}, ValueError, r"needs two numbers \(lo, hi\), got \(0, 1, 2\)"),
        ({"fix_range": {"fc1": (0, "1")}}, ValueError, r"fix_range\['fc1'\]: needs a finite number, got '1'"),
        ({"fix_range": {"fc1": (1, 1)}}, ValueError, "needs two numbers of float32, the smaller first"),
        ({"fix_range": {"fc1": (0, 1e39)}}, ValueError, "needs two numbers of float32, the smaller first"),
        ({"fix_range": {"fc1": (0, float("nan"))}}, ValueError, "needs a finite number, got nan"),
        ({"calibration": np.zeros((0, 3))}, ValueError, "calibration: needs at least one row"),
        ({"calibration": np.float32(1)}, ValueError, "calibration: needs at least one row"),
        ({"calibration": {}}, ValueError, "calibration: the mapping holds no array"),
        ({"calibration": np.array([[object()]])}, TypeError, "calibration needs real numbers, got dtype object"),
        ({"calibration": [[1, 2], [3]]}, TypeError, "calibration cannot be read as one array"),
        ({"calibration": "none.npy"}, FileNotFoundError, "calibration: no file at"),
        ({"calibration": __file__}, ValueError, r"is none of \.npy, \.npz, \.csv, \.parquet"),
        ({"labels": ["a"]}, TypeError, "labels needs real numbers"),
        ({"model": "none.onnx"}, FileNotFoundError, "model: no file at"),
        ({"model": 3}, TypeError, "got a builtins.int; give an ONNX model"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_runs(
    recording_tool: Calls, model: Path, arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    call = {"model": model, "calibration": ROWS, **arguments}
    with pytest.raises(error, match=message):
        quantc.quantize(**call)  # type: ignore[arg-type]
    assert recording_tool() == []


def test_progress_callable(recording_tool: Calls, model: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    quantc.quantize(model, ROWS, progress=lambda *event: seen.append(event))
    assert seen == [("calibrate", 1, 1)]


def test_progress_line(recording_tool: Calls, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quantc.quantize(model, ROWS, progress=True)
    assert capsys.readouterr().err == "calibrate: 1 of 1\n"


def test_bars_on_a_terminal(
    recording_tool: Calls, model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are there unless nobody looks, or asked for silence."""
    monkeypatch.setenv("TERM", "xterm")
    quantc.quantize(model, ROWS)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    quantc.quantize(model, ROWS, progress=False)
    assert capsys.readouterr().err == ""
    quantc.quantize(model, ROWS)
    written = capsys.readouterr().err
    assert "calibrate" in written and "100%" in written
    assert written.endswith("\x1b[2K")  # nothing of it is left


def test_another_target_does_not_run_here(recording_tool: Calls, model: Path) -> None:
    q = quantc.quantize(model, ROWS, target="aarch64-linux-gnu")
    assert "--target=aarch64-linux-gnu" in recording_tool()[0]
    with pytest.raises(quantc.QuantcError, match=r"does not run here; quantc\.reference"):
        q(ROWS, ROWS)


def test_failed_compilation_leaves_no_files(
    stand_in: Callable[[str], Path], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    stand_in("sys.stderr.write('error: node x: no\\n'); sys.exit(1)")
    with pytest.raises(quantc.QuantcError, match="node x: no"):
        quantc.quantize(model, ROWS)
    assert list(temporary.iterdir()) == []


def test_the_same_program_as_by_command_line(tmp_path: Path) -> None:
    path, rows = two_layers.save(tmp_path)
    arguments = {
        "method": "percentile",
        "percentile": 99,
        "prefer": "speed",
        "freeze": ["fc2"],
        "fold": {"x[3]": "mean", "x[5]": 0.25},
        "fix_range": {"relu1": (0, 4.5)},
        "require_int": True,
    }
    flags = ["--method=percentile", "--percentile=99", "--prefer=speed", "--freeze=fc2", "--fold=x[3]=mean",
             "--fold=x[5]=0.25", "--fix-range=relu1=0:4.5", "--require-int"]  # fmt: skip
    quantc.quantize(path, rows, **arguments).save(tmp_path / "python")  # type: ignore[arg-type]
    data = tmp_path / "rows.npy"
    command: list[str | Path] = [find_tool(), "compile", path, "--calibration", data, "--name=net", *flags]
    subprocess.run([*command, "-o", tmp_path / "tool"], check=True)
    made = (tmp_path / "tool/net.o").read_bytes()
    assert (tmp_path / "python/net.o").read_bytes() == made
    # Each of them changes the program, so that none could be lost unseen; but for the check of integers.
    for name in arguments.keys() - {"method", "percentile", "require_int"}:
        others = {key: value for key, value in arguments.items() if key != name}
        quantc.quantize(path, rows, **others).save(tmp_path / name)  # type: ignore[arg-type]
        assert (tmp_path / name / "net.o").read_bytes() != made, name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"freeze": "fc9"}, "freeze-layers: no dense layer is named 'fc9'; the nearest are 'fc2', 'relu1'"),
        ({"fold": {"x[12]": 0.5}}, "'x' has only 12 features, 0 to 11"),
        ({"fix_range": {"fc9": (0, 1)}}, "--fix-range: no value that is measured has the name 'fc9'"),
    ],
)
def test_names_that_the_network_has_not(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    path, rows = two_layers.save(tmp_path)
    with pytest.raises(quantc.QuantcError, match=re.escape(message)):
        quantc.quantize(path, rows, **arguments)  # type: ignore[arg-type]
