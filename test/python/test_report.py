"""If these fail, a report shows other figures than the program has, loads something, or runs what a model is named."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import quantc
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from quantc.tool import find_tool
from sklearn.linear_model import LogisticRegression

CHROMIUM = "/usr/bin/chromium"
BROWSER_OPTIONS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync""".split()
ROWS = 400
SECTIONS = "program accuracy confusion culprits ranges sizes times ledger frontier influence".split()
HOSTILE = (
    "</script><script>window.ran = true</script>",
    "\"quotes' & <img src=x onerror='window.ran = true'> <!--",
    "right\u202eto left\u2028and a line",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=BROWSER_OPTIONS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, path: Path, width: int = 1280, scheme: Any = "light") -> Iterator[Page]:
    """The page with its charts drawn; whatever it says on the console, throws or asks for fails the test."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    problems: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        problems.append(f"{message.type}: {message.text}")

    page.on("console", heard)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-charts=drawn]")
    yield page
    assert problems == []
    page.close()


def network(path: Path, sizes: list[int], names: tuple[str, ...]) -> None:
    """A ReLU network of these widths whose nodes are named so."""
    random = np.random.default_rng(5)
    nodes, constants, value = [], [], "x"
    for i, (a, b) in enumerate(itertools.pairwise(sizes)):
        constants += [
            numpy_helper.from_array((random.standard_normal((a, b)) / np.sqrt(a)).astype(np.float32), f"w{i}"),
            numpy_helper.from_array((random.standard_normal(b) / 4).astype(np.float32), f"b{i}"),
        ]
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [f"h{i}"], name=names[i]))
        value = f"h{i}"
        if i < len(sizes) - 2:
            nodes.append(helper.make_node("Relu", [value], [f"r{i}"], name=f"relu of {names[i]}"))
            value = f"r{i}"
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [tensor("x", TensorProto.FLOAT, ["n", sizes[0]])],
        [tensor(value, TensorProto.FLOAT, ["n", sizes[-1]])],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    network(folder / "classes.onnx", [6, 24, 16, 4], HOSTILE)
    network(folder / "value.onnx", [3, 12, 1], ("first", "last"))
    return folder


def rows_of(width: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((ROWS, width)).astype(np.float32)


@pytest.fixture(scope="module")
def classifier(files: Path) -> quantc.Quantized:
    return quantc.quantize(files / "classes.onnx", rows_of(6, 1))


@pytest.fixture(scope="module")
def labels(classifier: quantc.Quantized) -> NDArray[np.int64]:
    """What the network decides, but for one row in ten."""
    decided: NDArray[np.int64] = classifier(rows_of(6, 2)).argmax(axis=1)
    decided[::10] = (decided[::10] + 1) % 4
    return decided


@pytest.fixture(scope="module")
def report(classifier: quantc.Quantized, labels: NDArray[np.int64], files: Path) -> Path:
    frontier = quantc.tune(files / "classes.onnx", rows_of(6, 1), points=3)
    path = classifier.report(files / "classes.html", rows_of(6, 2), labels, frontier=frontier)
    assert path == files / "classes.html"
    return path


def cells(page: Page, label: str) -> list[list[str]]:
    """The rows of a table as they are read."""
    rows: list[list[str]] = page.evaluate(
        """label => [...document.querySelectorAll(`[aria-label="${label}"] tbody tr`)].map(
             row => [...row.children].map(cell => cell.textContent))""",
        label,
    )
    assert rows, f"no table {label!r}"
    return rows


def document_of(path: Path) -> Any:
    text = re.search(r'<script type="application/json" id="figures">(.*?)</script>', path.read_text(), re.DOTALL)
    assert text is not None
    return json.loads(text[1])


def test_figures_are_those_of_compare(
    browser: Browser, report: Path, classifier: quantc.Quantized, labels: NDArray[np.int64]
) -> None:
    wanted = classifier.compare(rows_of(6, 2), labels)
    with opened(browser, report) as page:
        assert page.evaluate("[...document.querySelectorAll('h2')].map(h => h.id)") == SECTIONS
        assert page.locator(".missing").count() == 0
        layers = cells(page, "Error of each value")
        assert [row[0] for row in layers] == [layer["name"] for layer in wanted["layers"]]
        assert [float(row[3]) for row in layers] == pytest.approx([x["sqnr_db"] for x in wanted["layers"]], abs=0.051)
        assert [float(row[4]) for row in layers] == pytest.approx([x["max_error"] for x in wanted["layers"]], rel=1e-3)
        for row, layer in zip(layers, wanted["layers"], strict=True):
            assert float(row[5].rstrip("%")) == pytest.approx(100 * layer["agreement"], abs=0.0051)
        right = {row[0]: float(row[1].rstrip("%")) / 100 for row in cells(page, "Against the labels")}
        assert right == pytest.approx(
            {"float": wanted["float_accuracy"], "integer": wanted["integer_accuracy"]}, abs=5e-5
        )
        confusion = [[int(cell) for cell in row[1:]] for row in cells(page, "Decisions of the integer network")]
        decided = classifier(rows_of(6, 2)).argmax(axis=1)
        seen = sorted({*decided, *labels})
        assert confusion == [[(decided[labels == i] == j).sum() for j in seen] for i in seen]
        weights = {row[0]: row[1] for row in cells(page, "Weights by layer")}
        assert set(weights) == {layer["name"] for layer in classifier.manifest["layers"] if layer["weights_bits"]}
        assert [row[0] for row in cells(page, "Time of a call")] == ["1 row", "16 rows", "256 rows"]
        assert len(cells(page, "Points of the search")) >= 3
        assert len(cells(page, "Influence of input features")) == 6
        assert len(cells(page, "Schedules and bounds")) == 3
        assert page.locator(".chart svg").count() == page.locator(".chart").count() >= 9
        lead = page.locator("h1").inner_text()
        assert page.title() == lead
        assert re.fullmatch(
            r"classes: int8, [\d.]+% of float's decisions, SQNR [\d.]+ dB, \d+ KiB, [\d.]+ us a row", lead
        )


def test_document_counts_what_numpy_counts(report: Path, classifier: quantc.Quantized) -> None:
    document = document_of(report)
    assert (document["format"], document["format_version"]) == ("quantc-report", 1)
    value = document["ranges"]["values"][0]
    x = rows_of(6, 1)  # the calibration rows, and not those of the comparison
    edges = value["start"] + value["width"] * np.arange(len(value["counts"]) + 1)
    assert len(value["counts"]) <= 64
    np.testing.assert_array_equal(value["counts"], np.histogram(x, edges)[0])
    assert value["min"] == x.min() and value["max"] == x.max()
    first = classifier.manifest["layers"][0]
    assert value["hi"] == pytest.approx(first["output_scale"] * (first["output_range"][1] - first["output_zero_point"]))
    dense = next(layer for layer in document["ledger"]["layers"] if layer["kernel"])
    assert 0 < dense["largest_sum"] < document["ledger"]["accumulator_limit"] == 2**31 - 1
    assert document["accuracy"]["bits_equal"] is True
    assert document["accuracy"]["rows_from"] == "input"
    shares = [layer["share"] for layer in document["times"]["batches"][0]["layers"]]
    assert sum(shares) == pytest.approx(1)


def test_names_are_text_whatever_they_are(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        assert page.evaluate("window.ran") is None
        shown = {row[0] for row in cells(page, "Weights by layer")}
        assert shown == {f"relu of {name}" for name in HOSTILE[:2]} | {HOSTILE[2]}
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 3
    assert "</script><script>window" not in report.read_text()


def test_manifest_of_another_hand(browser: Browser, classifier: quantc.Quantized, tmp_path: Path) -> None:
    """Not one text of it may leave its place, not even the name in the page's title."""
    classifier.save(tmp_path / "out")
    manifest = tmp_path / "out" / "classes.json"
    poison = "</title></script><script>window.ran = true</script>\u2028\u202e"
    names = dict.fromkeys(("name", "version", "target", "cpu"), poison)
    record = {"names": [poison] * 6, "result": {"kind": "labels", "classes": [poison, 3, None, [poison]]}}
    content = json.loads(manifest.read_text()) | names | {"frontend": record, "methods": {poison: poison}}
    content["layers"][0]["name"] = content["inputs"][0]["name"] = poison
    content["ledger"] = [{"node": poison, "op": poison, "reason": poison}]
    manifest.write_text(json.dumps(content))
    page_path = tmp_path / "page.html"
    subprocess.run([find_tool(), "report", tmp_path / "out", "--output", page_path], check=True, capture_output=True)
    with opened(browser, page_path, 400) as page:
        assert page.evaluate("window.ran") is None
        assert page.title().startswith("</title></script><script>window.ran")
        assert page.locator("script").count() == 3
        assert cells(page, "What stayed in float")[0] == [poison] * 3
        assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_page_fits_and_follows_the_colour_scheme(browser: Browser, report: Path) -> None:
    colours = {}
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 400), ("dark", 400)):
        with opened(browser, report, width, scheme) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            edges = page.evaluate(
                "[...document.querySelectorAll('.chart svg')].map(svg => svg.getBoundingClientRect().right)"
            )
            assert max(edges) <= width
            colours[scheme] = page.evaluate(
                """[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,
                   getComputedStyle(document.querySelector('.chart .mark-rect path')).fill,
                   getComputedStyle(document.querySelector('.chart .role-axis-label text')).fill]"""
            )
    assert all(light != dark for light, dark in zip(colours["light"], colours["dark"], strict=True))


def test_regression_with_one_argument(browser: Browser, files: Path) -> None:
    q = quantc.quantize(files / "value.onnx", rows_of(3, 3))
    path = q.report(files / "value.html", times=False)
    document = document_of(path)
    assert document["accuracy"]["rows_from"] == "calibration"
    wanted = q.compare(rows_of(3, 3))["layers"][-1]
    assert document["accuracy"]["sqnr_db"] == pytest.approx(wanted["sqnr_db"], rel=1e-9)
    with opened(browser, path) as page:
        for section, reason in {
            "confusion": "decides nothing",
            "frontier": "quantc tune",
            "times": "not asked for",
        }.items():
            text = page.locator(f"section[aria-labelledby={section}]")
            assert reason in text.inner_text()
            assert text.locator(".chart").count() == 0
        assert "Ranges were fitted to these very rows" in page.locator("main").inner_text()
        assert "decision" not in page.locator("h1").inner_text()
    targets = rows_of(3, 4)[:, 0] * 3
    found = document_of(q.report(files / "value.html", rows_of(3, 4), targets, times=False))["accuracy"]
    error = np.sqrt(np.square(q(rows_of(3, 4))[:, 0] - targets.astype(np.float64)).mean())
    assert found["integer_rmse"] == pytest.approx(error, rel=1e-6)
    assert "integer_accuracy" not in found


def test_classes_and_columns_have_the_front_ends_names(files: Path) -> None:
    frame = pd.DataFrame(rows_of(3, 5), columns=["age", "<b>height</b>", "weight"])
    truth = np.where(frame["age"] > frame["weight"], "older", "heavier")
    estimator = LogisticRegression().fit(frame, truth)
    q = quantc.quantize(estimator, frame)
    document = document_of(q.report(files / "named.html", frame, truth, times=False))
    assert document["confusion"]["classes"] == ["heavier", "older"]
    assert np.trace(document["confusion"]["integer"]) == round(document["accuracy"]["integer_accuracy"] * ROWS)
    assert {one["column"] for one in document["influence"]["features"]} == {"age", "<b>height</b>", "weight"}
    assert document["program"]["inputs"][0]["columns"] == ["age", "<b>height</b>", "weight"]


def test_many_classes_and_deep_networks_are_cut(browser: Browser, files: Path) -> None:
    depth = 50
    network(files / "deep.onnx", [4] + [5] * depth + [90], tuple(f"layer {i}" for i in range(depth + 1)))
    q = quantc.quantize(files / "deep.onnx", rows_of(4, 6), method="minmax", effort="low")
    truth = np.random.default_rng(7).integers(0, 90, ROWS)
    path = q.report(files / "deep.html", rows_of(4, 6), truth, times=False)
    document = document_of(path)
    assert len(document["confusion"]["classes"]) == 50 and document["confusion"]["has_others"]
    assert np.sum(document["confusion"]["integer"]) == ROWS
    assert len(document["ranges"]["values"]) == 48 and document["ranges"]["values_left_out"] > 0
    with opened(browser, path, 400) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_loaded_network_and_refusals(
    classifier: quantc.Quantized, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = quantc.load(classifier.save(tmp_path / "out"))
    monkeypatch.chdir(tmp_path)
    document = document_of(loaded.report("page.html", times=False))
    assert all("--model" in document[key]["remedy"] for key in ("accuracy", "ranges", "influence"))
    with pytest.raises(ValueError, match="model: a loaded network"):
        loaded.report("page.html", rows_of(6, 2))
    with_model = document_of(loaded.report("page.html", rows_of(6, 2), model=files / "classes.onnx", times=False))
    assert with_model["accuracy"]["rows"] == ROWS
    with pytest.raises(quantc.QuantcError, match="but the data is"):
        loaded.report("page.html", rows_of(3, 2), model=files / "value.onnx", times=False)
    assert document_of(tmp_path / "page.html") == with_model, "a failure has touched the page"
    with pytest.raises(FileNotFoundError, match=r"frontier\.json"):
        loaded.report("page.html", frontier=tmp_path)
    with pytest.raises(TypeError, match="frontier"):
        loaded.report("page.html", frontier=3)  # type: ignore[arg-type]
    kept = tmp_path / "rows.npy"
    np.save(kept, rows_of(6, 1))
    q = quantc.quantize(files / "classes.onnx", kept)
    kept.unlink()
    with pytest.raises(quantc.QuantcError, match="no longer at"):
        q.report("other.html")
    assert not (tmp_path / "other.html").exists()


def test_json_alone(classifier: quantc.Quantized, files: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", rows_of(6, 2))
    command: list[str | Path] = [
        find_tool(),
        "report",
        classifier.path,
        "--json",
        "--no-times",
        "--model",
        files / "classes.onnx",
    ]
    done = subprocess.run([*command, "--input", tmp_path / "x.npy"], capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    assert document["accuracy"]["layers"][-1]["sqnr_db"] == classifier.compare(rows_of(6, 2))["layers"][-1]["sqnr_db"]
    np.savetxt(tmp_path / "x.csv", rows_of(6, 2), delimiter=",", fmt="%.9g")
    done = subprocess.run([*command, "--input", tmp_path / "x.csv"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["accuracy"]["sqnr_db"] == document["accuracy"]["sqnr_db"]
    np.save(tmp_path / "nan.npy", np.full((4, 6), np.nan, np.float32))
    done = subprocess.run([*command, "--input", tmp_path / "nan.npy"], capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    assert all("could not be measured" in document[key]["missing"] for key in ("culprits", "influence", "ranges"))
