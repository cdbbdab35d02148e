"""Tables and fitted estimators for the tests of the scikit-learn front end."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import quantc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from quantc import Quantized
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FEW = settings(max_examples=2, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
CALIBRATION_ROWS, TEST_ROWS = 200, 400
NAMES: dict[str, list[Any]] = {"int": [3, 5, 8, 9], "str": ["ant", "bee", "cat", "elk"], "bool": [False, True]}


@st.composite
def class_tables(draw: st.DrawFn, kinds: tuple[str, ...] = ("int", "str", "bool")) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows of features in units of their own, and the class of each: clouds that overlap little."""
    random = np.random.default_rng(draw(st.integers(0, 1000), label="seed"))
    kind = draw(st.sampled_from(kinds), label="kind")
    features = draw(st.integers(3, 8), label="features")
    classes = 2 if kind == "bool" else draw(st.integers(2, 4), label="classes")
    label = random.integers(classes, size=CALIBRATION_ROWS + TEST_ROWS)
    centers = random.standard_normal((classes, features)) * 3
    units = 10.0 ** random.integers(-2, 3, features)
    rows = (centers[label] + random.standard_normal((len(label), features))) * units
    return rows, np.array(NAMES[kind][:classes])[label]


@st.composite
def value_tables(draw: st.DrawFn, targets: int = 1) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows of features in units of their own, and numbers that depend on them."""
    random = np.random.default_rng(draw(st.integers(0, 1000), label="seed"))
    features = draw(st.integers(2, 8), label="features")
    standard = random.standard_normal((CALIBRATION_ROWS + TEST_ROWS, features))
    units = 10.0 ** random.integers(-2, 3, features)
    values = standard @ random.standard_normal((features, targets)) + 0.5 * np.sin(standard[:, :1])
    return standard * units, values[:, 0] if targets == 1 else values


@st.composite
def plain_tables(draw: st.DrawFn, kind: str) -> NDArray[np.float64]:
    """Rows for one transformer: "any" numbers, "positive" ones, some "empty", or a few "categories"."""
    random = np.random.default_rng(draw(st.integers(0, 1000), label="seed"))
    features = draw(st.integers(1, 6), label="features")
    rows = random.standard_normal((CALIBRATION_ROWS + TEST_ROWS, features)) * 3
    if kind == "positive":
        return np.asarray(np.abs(rows) + 0.1)
    if kind == "empty":
        rows[random.random(rows.shape) < 0.2] = np.nan
    if kind == "categories":
        rows = np.clip(rows.round(), -4, 4)
    return rows


def fit(estimator: Any, *data: Any) -> Any:
    """The estimator, fitted; that it did not converge does not matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(*data)


def scaled(estimator: Any, rows: NDArray[Any], targets: NDArray[Any] | None) -> tuple[Any, Quantized]:
    """The estimator behind a scaler, fitted and calibrated on the first rows, and as a program."""
    known = rows[:CALIBRATION_ROWS]
    pipeline = make_pipeline(StandardScaler(), clone(estimator))
    model = fit(pipeline, known) if targets is None else fit(pipeline, known, targets[:CALIBRATION_ROWS])
    return model, quantc.quantize(model, known)


def check_classifier(estimator: Any, rows: NDArray[Any], labels: NDArray[Any]) -> None:
    """A program decides as its estimator does, and gives the same scores."""
    model, q = scaled(estimator, rows, labels)
    got, expected = q.predict(rows), model.predict(rows)
    assert got.dtype == expected.dtype
    assert np.mean(got == expected) >= 0.995
    if q.manifest["frontend"]["result"]["scores"] == "probability":
        np.testing.assert_allclose(q.predict_proba(rows).sum(axis=1), 1, atol=1e-4)
        assert np.abs(q.predict_proba(rows) - model.predict_proba(rows)).mean() < 0.01
    else:
        assert sqnr_db(model.decision_function(rows), q.decision_function(rows)) > 30


def check_regressor(estimator: Any, rows: NDArray[Any], values: NDArray[Any]) -> None:
    """A program's numbers are its estimator's."""
    model, q = scaled(estimator, rows, values)
    assert sqnr_db(model.predict(rows), q.predict(rows)) >= 30


def over(tables: st.SearchStrategy[tuple[Any, Any]], check: Callable[[Any, Any], None]) -> None:
    """Run a check on a few tables."""

    @FEW
    @given(tables)
    def run(table: tuple[Any, Any]) -> None:
        check(*table)

    run()


def sqnr_db(expected: NDArray[Any], got: NDArray[Any]) -> float:
    """How much of `got` is signal; shapes must be equal."""
    assert got.shape == expected.shape
    noise = float(np.square(np.asarray(expected, np.float64) - got).sum())
    return float(10 * np.log10(max(float(np.square(expected, dtype=np.float64).sum()), 1e-30) / max(noise, 1e-30)))


def customers(rows: int, seed: int) -> tuple[pd.DataFrame, NDArray[Any]]:
    """Texts, numbers and empty cells, and what each row is."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": random.integers(18, 90, rows).astype(float),
            "name": [f"customer {i}" for i in range(rows)],
            "city": random.choice(["Bern", "Oslo", "Rome"], rows),
            "income": random.lognormal(10, 0.5, rows),
            "grade": random.choice(["low", "mid", "high"], rows),
            "children": random.integers(0, 4, rows),
        }
    )
    score = (frame["age"] - 54) / 20 + frame["income"] / 22000 - 1 + 1.5 * (frame["city"] == "Rome")
    score = score - 2.0 * (frame["grade"] == "low") + 1.5 * (frame["grade"] == "high") + 0.3 * frame["children"]
    frame.loc[random.random(rows) < 0.1, "age"] = np.nan
    frame.loc[random.random(rows) < 0.1, "city"] = None
    return frame, np.select([score > 1, score < -1], ["buys", "leaves"], "waits")
