"""If these fail, saved networks cannot be loaded again, or what is printed and compared is not what was compiled."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantc
from conftest import manifest
from quantc.cpu import missing_features

Calls = Callable[[], list[list[str]]]
A = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
B = np.ones((2, 2), np.float32)


def test_load_and_predict(network: Path) -> None:
    q = quantc.load(network)
    assert (q.name, [t.name for t in q.inputs], q.outputs[0].row_shape) == ("sums", ["a", "b"], (3,))
    sums, _ = q.predict(A, B)
    np.testing.assert_array_equal(sums, A[:, 0] + A[:, 1] + 1)
    np.testing.assert_array_equal(q(A, B)[0], sums)


def test_print(network: Path) -> None:
    text = str(quantc.load(network))
    assert repr(quantc.load(network)) == text
    assert "Quantized network 'sums', target x86_64-unknown-linux-gnu, cpu haswell" in text
    assert "input  a  float32 (rows, 2, 3), scale 0.25, zero point 3" in text
    assert "output aligned  float32 (rows)" in text
    assert "sizes: object 4.0 KiB, weights 12 B" in text
    table = [line.split() for line in text.splitlines() if "first" in line or "second" in line]
    assert table == [
        ["first", "qdense", "relu", "gemm_avx2", "6", "3", "8", "8", "32", "0.003922", "2.0", "KiB"],
        ["second", "lookup"],
    ]


class Page(HTMLParser):
    """The text of each cell, and the names of all tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def test_in_a_notebook(network: Path) -> None:
    """Names come from the model: they are text, whatever they hold."""
    q = quantc.load(network)
    q.manifest["layers"][0]["name"] = "<script>alert(1)</script>"
    page = Page(q._repr_html_())
    assert "<script>alert(1)</script>" in page.cells
    assert page.tags == {"pre", "table", "thead", "tbody", "tr", "th", "td"}
    assert page.cells[0] == "layer"


def test_comparison_in_a_notebook() -> None:
    page = Page(quantc.Comparison({"sqnr_db": 41.5, "layers": [{"name": "<b>", "sqnr_db": 40.0}]})._repr_html_())
    assert {"<b>", "40", "sqnr db", "41.5"} <= set(page.cells)
    assert "b" not in page.tags


def test_pickled(network: Path, tmp_path: Path) -> None:
    """As joblib and multiprocessing do it: another process has all of it, and leaves nothing behind."""
    q = quantc.load(network)
    script = (
        "import pickle, sys, numpy as np\n"
        "q = pickle.load(open(sys.argv[1], 'rb'))\n"
        "a, b = np.arange(12, dtype=np.float32).reshape(2, 2, 3), np.ones((2, 2), np.float32)\n"
        "print(q.predict(a, b)[0].tolist(), q.path.parent)\n"
    )
    (tmp_path / "q.pickle").write_bytes(pickle.dumps(q))
    run = [sys.executable, "-c", script, str(tmp_path / "q.pickle")]
    written = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    result, _, folder = written.strip().rpartition(" ")
    assert json.loads(result) == q.predict(A, B)[0].tolist()
    assert not Path(folder).exists()
    copied = copy.deepcopy(q)
    assert copied.path != q.path
    np.testing.assert_array_equal(copied(A, B)[0], q(A, B)[0])


def test_save_and_load(network: Path, tmp_path: Path) -> None:
    saved = quantc.load(network).save(tmp_path / "a" / "b")
    assert saved == tmp_path / "a" / "b" / "sums.so"
    assert sorted(p.name for p in saved.parent.iterdir()) == [f"sums.{s}" for s in ("h", "json", "mlirbc", "o", "so")]
    np.testing.assert_array_equal(quantc.load(saved)(A, B)[0], A[:, 0] + A[:, 1] + 1)


def test_save_over_a_loaded_library(network: Path, tmp_path: Path) -> None:
    saved = quantc.load(network).save(tmp_path)
    q = quantc.load(saved)
    q.save(tmp_path)
    np.testing.assert_array_equal(q(A, B)[0], A[:, 0] + A[:, 1] + 1)


def test_save_under_another_name_compiles_again(recording_tool: Calls, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"x")
    q = quantc.quantize(tmp_path / "model.onnx", A, method="minmax")
    saved = q.save(tmp_path / "out", name="mnist")
    first, second = recording_tool()
    assert second[second.index("--name") + 1] == "mnist"
    assert "--method=minmax" in second and second[1] == first[1]
    assert quantc.load(saved).name == "mnist"
    assert sorted(p.name for p in saved.parent.iterdir()) == [f"mnist.{s}" for s in ("h", "json", "mlirbc", "o", "so")]


def test_loaded_network_keeps_its_name(network: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="loaded as 'sums', and its C functions carry that name"):
        quantc.load(network).save(tmp_path, name="other")


@pytest.mark.parametrize("name", ["", "a-b", "1a", "a b", "../a", "ä", "a\n"])
def test_names_that_c_does_not_take(network: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no C name"):
        quantc.load(network).save(tmp_path, name=name)


def test_save_where_a_file_is(network: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        quantc.load(network).save(tmp_path / "file")


def test_load_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no compiled network at"):
        quantc.load(tmp_path / "none.so")


def test_load_the_wrong_file(network: Path) -> None:
    with pytest.raises(ValueError, match=r"give the \.so file"):
        quantc.load(network.with_suffix(".json"))


def test_load_without_manifest(network: Path, tmp_path: Path) -> None:
    shutil.copy(network, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no manifest at .*keep them together"):
        quantc.load(tmp_path / network.name)


def test_load_what_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "sums.so").write_text("text")
    (tmp_path / "sums.json").write_text(json.dumps(manifest("sums", tmp_path / "sums.so")))
    with pytest.raises(quantc.QuantcError, match="cannot open"):
        quantc.load(tmp_path / "sums.so")


def test_load_another_library_than_the_manifest_describes(network: Path, tmp_path: Path) -> None:
    shutil.copy(network.with_suffix(".json"), tmp_path)
    (tmp_path / "sums.so").write_bytes(network.read_bytes() + b"x")
    with pytest.raises(quantc.QuantcError, match="not the library that its manifest describes; compile"):
        quantc.load(tmp_path / "sums.so")


def broken(change: Callable[[dict[str, Any]], object]) -> str:
    data = manifest("sums", Path(__file__))
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "no JSON object"),
        ("[" * 100_000, "not JSON"),
        ("\udcff", "not JSON"),
        (broken(lambda d: d.pop("name")), "'name' is None"),
        (broken(lambda d: d.update(name="a b")), "'name' is 'a b'"),
        (broken(lambda d: d.update(inputs={})), "'inputs' is no list of tensors"),
        (broken(lambda d: d.update(outputs=[])), "'outputs' is no list of tensors"),
        (broken(lambda d: d["inputs"].append(3)), r"'inputs\[2\]' is no object"),
        (broken(lambda d: d["inputs"][0].pop("name")), r"'inputs\[0\]' has no name"),
        (broken(lambda d: d["inputs"][0].update(shape=[])), "no list that starts with the batch"),
        (broken(lambda d: d["inputs"][0].update(shape=[None, -2, 3])), "which is no shape"),
        (broken(lambda d: d["inputs"][0].update(shape=[None, 2.0, 3])), "which is no shape"),
        (broken(lambda d: d["inputs"][0].update(shape=[None, None, 3])), "which is no shape"),
        (broken(lambda d: d["inputs"][0].update(shape=[None, 1 << 30, 1 << 30])), "which is no shape"),
        (broken(lambda d: d["inputs"][0].update(values=7)), "has 7 values a row, but shape"),
    ],
)
def test_broken_manifest(network: Path, tmp_path: Path, text: str, message: str) -> None:
    shutil.copy(network, tmp_path)
    (tmp_path / "sums.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(quantc.QuantcError, match=f"sums.json: not a manifest of quantc: .*{message}"):
        quantc.load(tmp_path / "sums.so")


def test_reference(recording_tool: Calls, network: Path) -> None:
    first, second = quantc.reference(quantc.load(network), A, B)
    (call,) = recording_tool()
    assert call[:2] == ["run", str(network.with_suffix(".mlirbc"))]
    assert (call.count("--input"), call.count("--output")) == (2, 2)
    np.testing.assert_array_equal(first, A + 1)
    assert second.dtype == np.float32


def test_reference_with_the_wrong_number_of_inputs(recording_tool: Calls, network: Path) -> None:
    with pytest.raises(TypeError, match=r"2 inputs \(a, b\), got 1"):
        quantc.reference(quantc.load(network), A)
    assert recording_tool() == []


def test_compare(recording_tool: Calls, network: Path, tmp_path: Path) -> None:
    comparison = quantc.load(network).compare({"a": A, "b": B}, labels=[1, 2], model=tmp_path / "m.onnx")
    (call,) = recording_tool()
    assert call[:3] == ["compare", str(tmp_path / "m.onnx"), str(network)]
    assert "--json" in call and call[call.index("--labels") + 1].endswith("labels.npy")
    assert comparison["layers"][1]["sqnr_db"] == 44.0
    text = str(comparison)
    assert [line.split() for line in text.splitlines() if "first" in line] == [["first", "51.25", "0.001"]]
    assert "bits equal" in text and "yes" in text


def test_compare_needs_the_float_model(network: Path) -> None:
    with pytest.raises(ValueError, match="does not know its float model"):
        quantc.load(network).compare(A)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("processor : 0\nflags\t\t: fpu sse4_1 bmi1 abm avx2\n", ["avx512vnni"]),
        ("flags : sse4_1 bmi1 abm avx2 avx512_vnni\n", []),
        ("Features : fp asimd asimddp\n", ["sse4.1", "bmi", "lzcnt", "avx2", "avx512vnni"]),
        ("nothing of the kind", []),
    ],
)
def test_features_that_the_cpu_lacks(tmp_path: Path, text: str, missing: list[str]) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    required = ["sse4.1", "bmi", "lzcnt", "avx2", "avx512vnni", 7]
    assert missing_features(required, tmp_path / "cpuinfo") == missing
    assert missing_features(required, tmp_path / "none") == []
