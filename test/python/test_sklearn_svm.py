"""If these fail, a support vector machine of scikit-learn compiles to a program that decides otherwise."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM
from tables import (
    CALIBRATION_ROWS,
    check_classifier,
    check_regressor,
    class_tables,
    over,
    scaled,
    sqnr_db,
    value_tables,
)

CLASSIFIERS = [
    SVC(),
    SVC(probability=True),
    SVC(kernel="linear"),
    SVC(kernel="linear", probability=True),
    SVC(kernel="poly", degree=2),
    NuSVC(nu=0.1),
]
REGRESSORS = [SVR(C=10), NuSVR(), SVR(kernel="linear")]


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=str)
def test_classifiers(estimator: Any) -> None:
    over(class_tables(), partial(check_classifier, estimator))


@pytest.mark.parametrize("estimator", REGRESSORS, ids=str)
def test_regressors(estimator: Any) -> None:
    over(value_tables(), partial(check_regressor, estimator))


@pytest.mark.parametrize("kernel", ["rbf", "sigmoid", "linear"])
def test_one_class(kernel: str) -> None:
    """Some rows it was fitted on are support vectors: they lie on the border itself, and are left out here."""

    def check(rows: NDArray[Any], _: NDArray[Any]) -> None:
        model, q = scaled(OneClassSVM(nu=0.1, kernel=kernel), rows, None)
        fresh = rows[CALIBRATION_ROWS:]
        got, expected = q.predict(fresh), model.predict(fresh)
        assert got.dtype == expected.dtype
        assert np.mean(got == expected) >= 0.995
        assert sqnr_db(model.decision_function(fresh), q.decision_function(fresh)) >= 30

    over(value_tables(), check)
