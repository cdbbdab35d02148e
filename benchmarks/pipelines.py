"""Time scikit-learn pipelines as programs, beside scikit-learn and ONNX Runtime. Called by `./run bench --pipelines`.

    python benchmarks/pipelines.py --build build [--repeats 15]

Each pipeline is fitted on data that scikit-learn ships or that is made here, and judged on rows that it was not
calibrated on. All three are called from Python, on one thread, in turns; the least of several times counts. "C" is the
compiled function alone, called from C (`quantc bench`). Labels are compared with scikit-learn's, numbers by the
signal-to-noise ratio. Exit code 1 if a bar is missed: labels 99.5%, numbers 30 dB, a support vector machine of 256 rows
3 times ONNX Runtime; one row of the network behind a scaler, from C, 50 times scikit-learn and 5 times ONNX Runtime.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import quantc
from numpy.typing import NDArray
from quantc.sklearn import to_onnx
from rich.console import Console
from rich.table import Table
from sklearn.base import is_classifier
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_classification
from sklearn.feature_selection import SelectKBest
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from threadpoolctl import threadpool_limits

BATCHES = (1, 256)
LEAST_AGREEMENT, LEAST_DB = 0.995, 30.0
LEAST_SVM_RATIO, LEAST_SKLEARN_RATIO, LEAST_ROW_RATIO = 3.0, 50.0, 5.0
SECONDS_A_TURN = 0.02  # of calls that are averaged
TABLE_WIDTH = 116

Rows = NDArray[np.float64]


@dataclass
class Result:
    """One pipeline: agreement with scikit-learn (a share, or dB), and microseconds by what is called and batch."""

    name: str
    what: str
    is_svm: bool
    agreement: float
    is_share: bool
    microseconds: dict[str, dict[int, float]]

    def ratio(self, peer: str, batch: int, ours: str = "quantc") -> float:
        """How many times as long the peer takes."""
        return self.microseconds[peer][batch] / self.microseconds[ours][batch]

    def faults(self) -> list[str]:
        """The bars that it misses."""
        checks = {
            "agreement": self.agreement >= (LEAST_AGREEMENT if self.is_share else LEAST_DB),
            "256 rows beside ONNX Runtime": not self.is_svm or self.ratio("onnxruntime", 256) >= LEAST_SVM_RATIO,
            "one row beside scikit-learn": self.is_svm or self.ratio("sklearn", 1, "C") >= LEAST_SKLEARN_RATIO,
            "one row beside ONNX Runtime": self.is_svm or self.ratio("onnxruntime", 1, "C") >= LEAST_ROW_RATIO,
        }
        return [f"{self.name}: {what}" for what, holds in checks.items() if not holds]


def spam() -> tuple[Rows, NDArray[Any]]:
    """4,601 rows of the shape of the spambase data: 57 features of very different sizes, 2 classes."""
    rows, classes = make_classification(4601, 57, n_informative=25, n_redundant=10, random_state=0)
    scales: Rows = 10.0 ** np.random.default_rng(0).uniform(-1, 3, 57)
    return rows * scales, classes


PIPELINES: dict[str, tuple[Any, Callable[[], tuple[Any, Any]]]] = {
    "digits SVC": (SVC(), lambda: load_digits(return_X_y=True)),
    "digits SVC, probabilities": (SVC(probability=True, random_state=0), lambda: load_digits(return_X_y=True)),
    "breast cancer SVC": (SVC(), lambda: load_breast_cancer(return_X_y=True)),
    "diabetes SVR": (SVR(C=100), lambda: load_diabetes(return_X_y=True)),
    "57 columns, 32 best, 64-32": (MLPClassifier((64, 32), max_iter=100, random_state=0), spam),
}


def turn(call: Callable[[], object]) -> float:
    """Microseconds of one call, the mean of as many as fill a turn."""
    start = time.perf_counter()
    calls = 0
    while time.perf_counter() - start < SECONDS_A_TURN:
        call()
        calls += 1
    return (time.perf_counter() - start) / calls * 1e6


def c_function(build: Path, library: Path, batch: int) -> float:
    """Microseconds of the C function: the second column of the table that `quantc bench` writes."""
    command = [str(build / "bin" / "quantc"), "bench", str(library), "--batch", str(batch), "--layers=false"]
    written = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return next(float(line.split()[1]) for line in written.splitlines() if line.split()[:1] == [str(batch)])


def measure(name: str, build: Path, repeats: int, scratch: Path) -> Result:
    estimator, load = PIPELINES[name]
    rows, targets = load()
    known = np.random.default_rng(1).permutation(len(rows)) < len(rows) * 2 // 3
    is_svm = not isinstance(estimator, MLPClassifier)
    steps = [StandardScaler()] if is_svm else [StandardScaler(), SelectKBest(k=32)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some do not converge, which does not matter here
        model = make_pipeline(*steps, estimator).fit(rows[known], targets[known])
    q = quantc.quantize(model, rows[known])
    expected, got = model.predict(rows[~known]), q.predict(rows[~known])
    if is_classifier(model):
        agreement = float(np.mean(expected == got))
    else:
        agreement = float(10 * np.log10(np.square(expected).sum() / np.square(expected - got).sum()))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(to_onnx(model), options, providers=["CPUExecutionProvider"])
    library = q.save(scratch / "out", name="pipeline")
    times: dict[str, dict[int, float]] = {"C": {}, "quantc": {}, "onnxruntime": {}, "sklearn": {}}
    for batch in BATCHES:
        some = np.resize(rows[~known], (batch, rows.shape[1])).astype(np.float32)
        calls: dict[str, Callable[[], object]] = {
            "quantc": lambda some=some: q.predict(some),  # type: ignore[misc]
            "onnxruntime": lambda some=some: session.run(None, {"X": some}),  # type: ignore[misc]
            "sklearn": lambda some=some: model.predict(some),  # type: ignore[misc]
        }
        for _ in range(repeats):
            for who, call in calls.items():
                times[who][batch] = min(times[who].get(batch, np.inf), turn(call))
        times["C"][batch] = c_function(build, library, batch)
    what = " + ".join(type(step).__name__ for _, step in model.steps)
    return Result(name, what, is_svm, agreement, is_classifier(model), times)


def report(console: Console, results: Sequence[Result]) -> None:
    table = Table(title="microseconds of a call, one thread")
    for heading in ("", "agreement", "rows", "C", "quantc", "ONNX Runtime", "scikit-learn"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for result in results:
        agreement = f"{result.agreement:.2%}" if result.is_share else f"{result.agreement:.1f} dB"
        for batch in BATCHES:
            cells = [f"{result.microseconds[who][batch]:.4g}" for who in ("C", "quantc")]
            cells += [
                f"{result.microseconds[peer][batch]:.4g} ({result.ratio(peer, batch):.1f}x)"
                for peer in ("onnxruntime", "sklearn")
            ]
            table.add_row(result.name, agreement, str(batch), *cells)
    console.print(table)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args(arguments)
    console = Console()
    console.width = max(console.width, TABLE_WIDTH)
    results: list[Result] = []
    folder = options.build / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(1):
        for name in PIPELINES:
            console.print(f"{name}: fit, compile, time")
            with tempfile.TemporaryDirectory() as scratch:
                results.append(measure(name, options.build, options.repeats, Path(scratch)))
    report(console, results)
    (folder / "pipelines.json").write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")
    faults = [fault for result in results for fault in result.faults()]
    console.print("\n".join(f"bar missed: {fault}" for fault in faults) or "all bars are met")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
