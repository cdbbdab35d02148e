"""If these fail, a support vector machine of scikit-learn compiles to a program that decides otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import quantc
from hypothesis import given
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, NuSVC, NuSVR
from tables import CALIBRATION_ROWS, FEW, class_tables, fit, sqnr_db, value_tables

CLASSIFIERS = [SVC(), SVC(kernel="linear"), SVC(kernel="poly", degree=2), NuSVC(nu=0.1)]
REGRESSORS = [SVR(C=10), NuSVR(), SVR(kernel="linear")]


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=str)
def test_classifiers(estimator: Any) -> None:
    @FEW
    @given(class_tables())
    def check(table: tuple[NDArray[Any], NDArray[Any]]) -> None:
        rows, labels = table
        known = rows[:CALIBRATION_ROWS]
        model = fit(make_pipeline(StandardScaler(), clone(estimator)), known, labels[:CALIBRATION_ROWS])
        got, expected = quantc.quantize(model, known).predict(rows), model.predict(rows)
        assert got.dtype == expected.dtype
        assert np.mean(got == expected) >= 0.99

    check()


@pytest.mark.parametrize("estimator", REGRESSORS, ids=str)
def test_regressors(estimator: Any) -> None:
    @FEW
    @given(value_tables())
    def check(table: tuple[NDArray[Any], NDArray[Any]]) -> None:
        rows, values = table
        known = rows[:CALIBRATION_ROWS]
        model = fit(make_pipeline(StandardScaler(), clone(estimator)), known, values[:CALIBRATION_ROWS])
        assert sqnr_db(model.predict(rows), quantc.quantize(model, known).predict(rows)) >= 30

    check()
