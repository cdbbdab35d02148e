"""If these fail, `./run bench` may tell other ratios, means or accuracies than it measured."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))  # the benchmark's modules are no package

import calibration  # noqa: E402
import figures  # noqa: E402
import forms  # noqa: E402
import networks  # noqa: E402
import plain_c  # noqa: E402
import report  # noqa: E402
import turns  # noqa: E402
from contenders import DEFAULT_FORM, SPEED_FORM  # noqa: E402
from figures import Ratio, Timing  # noqa: E402

QUICK = Timing(best_s=2e-6, median_s=4e-6, cpu=1.0, idle_cpu=0.0)
SLOW = Timing(best_s=3e-6, median_s=3e-6, cpu=1.0, idle_cpu=0.0)


def small_report() -> report.Report:
    """One network with two cells: a peer is slower than quantc from C, and as quick as from Python in the second."""
    timings = {report.OUR_ENTRY: QUICK, report.RIVAL: SLOW}
    first = report.Cell("seed", 1, timings, exact_bits=True)
    second = report.Cell("seed", 16, timings | {report.PYTHON_ENTRY: SLOW}, exact_bits=True)
    timing = plain_c.CTiming(plain_best_s=0.5e-6, plain_median_s=1e-6, quantc_best_s=1e-6, quantc_median_s=1e-6)
    second.plain = {DEFAULT_FORM: timing}
    network = report.NetworkResult("seed", [first, second], {report.OUR_ENTRY: 30.0, report.RIVAL: 20.5})
    return report.Report("a machine", {"onnxruntime": "1"}, ["--flag"], 3, [network])


def test_ratio_is_the_quickest_peers() -> None:
    assert figures.ratio(2.0, {"a": 3.0, "b": 1.0}) == Ratio(0.5, "b")
    assert figures.ratio(2.0, {}) is None


def test_geometric_mean() -> None:
    assert figures.geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2.0)
    assert math.isnan(figures.geometric_mean([]))


def test_sqnr() -> None:
    exact = np.array([[3.0], [4.0]])
    assert figures.sqnr_db(exact, np.array([[3.5], [4.0]], np.float32)) == pytest.approx(20.0)
    assert figures.sqnr_db(exact, exact.astype(np.float32)) == math.inf


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ([[3.0], [4.1]], None),
        ([[3.0, 4.0]], "shape (1, 2)"),
        ([[3.0], [np.nan]], "not finite"),
        ([[-3.0], [4.0]], "SQNR -1.6 dB"),
    ],
)
def test_wrong_results_are_refused(result: list[list[float]], said: str | None) -> None:
    reason = figures.wrong(np.array([[3.0], [4.0]]), np.array(result, np.float32))
    assert reason is None if said is None else reason is not None and said in reason


def test_other_results_at_a_batch_are_refused() -> None:
    whole = np.array([[3.0], [4.0]], np.float32)
    assert figures.strays(whole, whole[:1] + np.float32(0.5)) is None
    assert "other results" in str(figures.strays(whole, whole[1:] + 2))
    assert "shape" in str(figures.strays(whole, whole[0]))


def test_threads_are_refused() -> None:
    assert figures.thread_fault(QUICK, idle_s=1.0) is None
    assert "1.90 processors" in str(figures.thread_fault(Timing(1.0, 1.0, 1.9, 0.0), idle_s=1.0))
    spinning = Timing(1.0, 1.0, 1.0, 0.9)
    assert "while others" in str(figures.thread_fault(spinning, idle_s=1.0))
    assert figures.thread_fault(spinning, idle_s=0.01) is None


def test_turns_fill_their_time() -> None:
    assert turns.calls_for(1e-6) == pytest.approx(4_000, abs=1)
    assert turns.calls_for(1.0) == 1
    assert turns.rounds_for({("a", "float"): 1e-6}) == turns.MOST_ROUNDS
    assert turns.rounds_for({("a", "float"): 10.0}) == turns.FEWEST_ROUNDS


def test_turns_add_up() -> None:
    measured = turns.Turns(calls=2)
    for wall in (2.0, 4.0, 12.0):
        measured.add({"wall_s": wall, "cpu_s": wall / 2, "idle_s": 1.0, "idle_cpu_s": 0.25})
    assert measured.timing() == Timing(best_s=1.0, median_s=2.0, cpu=0.5, idle_cpu=0.25)


def test_ratios_of_a_cell() -> None:
    first, second = small_report().cells
    assert first.ratio() == Ratio(1.5, "ONNX Runtime int8")
    assert first.ratio(median=True) == Ratio(0.75, "ONNX Runtime int8")
    assert first.ratio(report.PYTHON_ENTRY) is None
    assert second.ratio(report.PYTHON_ENTRY) == Ratio(1.0, "ONNX Runtime int8")
    assert first.plain_ratio(DEFAULT_FORM) is None
    assert second.plain_ratio(SPEED_FORM) is None
    assert second.plain_ratio(DEFAULT_FORM) == pytest.approx(0.5)
    assert report.Cell("seed", 1).ratio() is None


def test_summary() -> None:
    lines = report.summary(small_report())
    assert lines == [
        "quantc int8 for speed: geometric mean of 2 ratios 1.500 (by medians 0.750), smallest 1.500 (seed at batch 1, "
        "ONNX Runtime int8), a peer is quicker in 0",
        "quantc int8 for speed: SQNR beside ONNX Runtime int8, dB: seed +9.5",
        "quantc int8 for speed, from Python: geometric mean of 1 ratio 1.000 (by medians 1.000), smallest 1.000 (seed "
        "at batch 16, ONNX Runtime int8), a peer is quicker in 0",
        "plain C float function's time over that of quantc int8: seed at batch 16 0.50",
        "the reference interpreter's bits in 2 cells of 2",
        "incomplete: 2 of 3 cells timed",
    ]


def test_wrong_bits_are_told() -> None:
    wrong = small_report()
    wrong.cells[0].exact_bits = False
    assert "NOT the reference interpreter's bits: seed at batch 1" in report.summary(wrong)


def test_tables() -> None:
    text = report.markdown(small_report())
    assert "| network | batch 1 | batch 16 |\n| --- | ---: | ---: |\n" in text
    assert "| seed | 1.50 ONNX Runtime int8 | 1.50 ONNX Runtime int8 |" in text
    assert "| seed | - | 1.00 ONNX Runtime int8 |" in text
    assert "| quantc int8 for speed | 2.00 (4.00) | 2.00 (4.00) | 30.0 |" in text
    assert "| ONNX Runtime int8 | 3.00 (3.00) | 3.00 (3.00) | 20.5 |" in text
    assert "OpenVINO" not in text


def test_what_is_missing_is_told_once() -> None:
    lacking = small_report()
    lacking.fault("LiteRT (it is not there)")
    lacking.fault("LiteRT (it is not there)")
    assert report.markdown(lacking).count("Not measured: LiteRT (it is not there).") == 1


def test_json_has_no_nan() -> None:
    data = json.loads(report.as_json(small_report()))
    cell = data["networks"]["seed"]["batches"]["16"]
    assert cell["ratios"]["quantc int8 for speed"] == {"value": 1.5, "peer": "ONNX Runtime int8"}
    assert cell["quantc_single_call"] == {"p50_s": None, "p99_s": None}
    assert data["smallest"]["quantc int8 for speed"] == pytest.approx(1.5)
    assert data["smallest"]["quantc int8"] is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(6.54e-8, "0.065"), (1.234e-6, "1.23"), (5.6789e-5, "56.8"), (2.5e-3, "2,500")]
)
def test_microseconds(seconds: float, text: str) -> None:
    assert report.microseconds(seconds) == text
    assert report.microseconds(seconds, math.nan) == f"{text} (-)"


def test_networks_are_the_same_in_every_run(tmp_path: Path) -> None:
    network = networks.random_network("seed")
    networks.write_network(network, tmp_path / "seed")
    again = networks.read_network(tmp_path / "seed")
    assert [w.shape for w in again.weights] == [(64, 2), (32, 64), (1, 32)]
    assert all(np.array_equal(a, b) for a, b in zip(network.weights, again.weights, strict=True))
    assert np.array_equal(network.rows, again.rows)
    *_, result = again.activations(again.rows)
    assert figures.sqnr_db(again.exact(), result) > 100


def test_rows_to_calibrate_on_are_a_numpy_file(tmp_path: Path) -> None:
    calibration.write_rows(tmp_path / "rows.npy", 5003, 7)
    rows = np.load(tmp_path / "rows.npy")
    assert (rows.shape, rows.dtype) == ((5003, 7), np.float32)
    assert 0 <= rows.min() < 0.01
    assert 0.99 < rows.max() < 1


def test_of_several_runs_the_least_time_and_the_most_memory_count() -> None:
    first, second = calibration.Run(3.0, 1.0, 100.0), calibration.Run(2.0, 1.5, 120.0)
    assert first.least(second) == calibration.Run(2.0, 1.0, 120.0)


def test_forms_miss_the_bars_that_they_miss() -> None:
    """A form's ratio is the 8-bit form's best turn over its own, and each bar is of its network and batch."""
    cell = forms.FormCell("ffn", 1)
    for form, seconds in {"8 bits": [2.0, 4.0], "4 bits": [1.8, 2.0], "3/4 of blocks 0": [0.5, 1.0]}.items():
        cell.forms[form] = forms.FormTimes(1, seconds)
    cell.forms |= {form: forms.FormTimes(1, [2.0]) for form in forms.FORMS if form not in cell.forms}
    assert cell.ratio("4 bits") == pytest.approx(2 / 1.8)
    assert cell.ratio("4 bits", median=True) == pytest.approx(3 / 1.9)
    assert cell.missed() == ["ffn at batch 1, 4 bits: 1.11 of 1.2"]
    cell.network = "mnist"
    assert cell.missed() == [], "a bar of another network"
    cell.forms["4 bits"].seconds = [2.2]
    assert cell.missed() == ["mnist at batch 1, 4 bits: 0.91 of 0.95"]
    table = forms.markdown([cell], ["--cpu=x86-64-v3"]).splitlines()
    assert table[2].startswith("| mnist | 1 | 2,000,000 (3,000,000) | 1.00 (1.50) | 0.91 (1.36) | 4.00 (4.00) |")
