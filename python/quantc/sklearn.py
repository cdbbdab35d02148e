"""Fitted scikit-learn estimators and pipelines as ONNX, and what their rows and labels mean to the program.

Needs scikit-learn and skl2onnx (`pip install quantc-mlir[sklearn]`).
"""

from __future__ import annotations

import copy
import json
import re
import warnings
from typing import Any

import numpy as np
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from .errors import QuantcError
from .frontend import Frontend, Result
from .sklearn_columns import Source, resolve
from .sklearn_converters import FUNCTIONS, converters, parsers, shape_calculators

__all__ = ["SUPPORTED", "frontend_of", "to_onnx"]

OPSETS = {"": 17, "ai.onnx.ml": 3}
INPUT = "X"
COLUMNS_KEY = "quantc.columns"  # metadata that the tool reads
COMPOSITES = ("Pipeline", "ColumnTransformer", "FeatureUnion")
LIBSVM_CLASSIFIERS = ("SVC", "NuSVC")
SEARCHES = ("GridSearchCV", "RandomizedSearchCV")
SUPPORTED = {
    "pipelines": (*COMPOSITES, *SEARCHES),
    "classifiers": (
        "LogisticRegression",
        "LogisticRegressionCV",
        "RidgeClassifier",
        "RidgeClassifierCV",
        "SGDClassifier",
        "Perceptron",
        "LinearDiscriminantAnalysis",
        "MLPClassifier",
        "LinearSVC",
        "SVC",
        "NuSVC",
    ),
    "outlier detectors": ("OneClassSVM",),
    "regressors": (
        "LinearRegression",
        "Ridge",
        "RidgeCV",
        "Lasso",
        "LassoCV",
        "ElasticNet",
        "ElasticNetCV",
        "SGDRegressor",
        "HuberRegressor",
        "MLPRegressor",
        "LinearSVR",
        "SVR",
        "NuSVR",
    ),
    "transformers": (
        "StandardScaler",
        "MinMaxScaler",
        "MaxAbsScaler",
        "RobustScaler",
        "Normalizer",
        "Binarizer",
        "SimpleImputer",
        "OneHotEncoder",
        "OrdinalEncoder",
        "KBinsDiscretizer",
        "PolynomialFeatures",
        "PowerTransformer",
        "QuantileTransformer",
        "FunctionTransformer",
        "PCA",
        "TruncatedSVD",
        "SelectKBest",
        "SelectPercentile",
        "SelectFromModel",
        "RFE",
        "RFECV",
        "VarianceThreshold",
    ),
}
_NAMES = frozenset(name for names in SUPPORTED.values() for name in names)


def to_onnx(model: Any, calibration: Any = None) -> bytes:  # noqa: ARG001 - the signature that all frameworks have
    """A fitted estimator as an ONNX model with one input "X" of float32, shape (rows, features).

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted. It is not changed.
    calibration : any
        Not used: an estimator says itself what it takes.

    Returns
    -------
    bytes
        The model; a classifier's outputs are the class (int64, or its index where classes are no integers) and scores.

    Raises
    ------
    QuantcError
        If it is not fitted, or a step is not supported; the message names the step.
    """
    estimator = _checked(model)
    resolved = _with_integer_classes(resolve(estimator, _sources(estimator)))
    final = _final(resolved)
    kind = type(final).__name__
    options: dict[str, Any] = {}
    if kind in SUPPORTED["classifiers"]:
        options = {"raw_scores": True} if kind == "LinearSVC" else {"zipmap": False}
    if _decides_by_score(final):
        options["raw_scores"] = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # skl2onnx warns of what its converters do, which quantc's tests compare
            converted = skl2onnx.convert_sklearn(
                resolved,
                initial_types=[(INPUT, FloatTensorType([None, _features(estimator)]))],
                target_opset=OPSETS,
                options={id(final): options} if options else None,
                custom_conversion_functions=converters(),
                custom_shape_calculators=shape_calculators(),
                custom_parsers=parsers(),
            )
    except (RuntimeError, ValueError, TypeError, NotImplementedError, AttributeError, IndexError, KeyError) as error:
        raise QuantcError(
            f"skl2onnx cannot convert this {type(estimator).__name__}: {_first_line(error)}",
            remedy="export it by hand and give the ONNX file",
        ) from error
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        converted.metadata_props.add(key=COLUMNS_KEY, value=json.dumps([str(name) for name in names]))
    content: bytes = converted.SerializeToString()
    return content


def frontend_of(model: Any) -> Frontend:
    """How rows become the input of what `to_onnx` gives, and its outputs what the estimator gives.

    Raises
    ------
    QuantcError
        As `to_onnx` does.
    """
    estimator = _checked(model)
    sources = _sources(estimator)
    resolved = resolve(estimator, sources)
    names = getattr(estimator, "feature_names_in_", None)
    return Frontend(
        features=len(sources),
        result=_result(_final(resolved)),
        names=None if names is None else tuple(str(name) for name in names),
        text={j: source.text_column() for j, source in enumerate(sources) if source.is_text},
        unused=frozenset(j for j, source in enumerate(sources) if not (source.is_text or source.is_number)),
    )


def _result(final: Any) -> Result:
    kind = type(final).__name__
    if kind in SUPPORTED["outlier detectors"]:
        return Result("labels", "int64", scores="decision")
    if kind in SUPPORTED["classifiers"]:
        classes = np.asarray(final.classes_)
        is_probability = hasattr(final, "predict_proba") and not _decides_by_score(final)
        scores = "probability" if is_probability else "decision"
        known = None if _are_integers(classes) else tuple(classes.tolist())
        # libsvm's score speaks for the first class, and skl2onnx puts it there.
        column = 0 if kind in LIBSVM_CLASSIFIERS else -1
        return Result("labels", classes.dtype.str, known, scores=scores, decision_column=column)
    if kind not in SUPPORTED["regressors"]:
        return Result("values")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = final.predict(np.zeros((1, final.n_features_in_)))
    return Result("values", is_vector=given.ndim == 1)


def _decides_by_score(final: Any) -> bool:
    """Whether classes are told by the score alone: several can have the same probability, 1 or 0."""
    return type(final).__name__ == "SGDClassifier" and final.loss == "modified_huber"


def _checked(model: Any) -> Any:
    """The fitted estimator that is to be compiled: the model, or the best one of a search."""
    if isinstance(model, type):
        raise QuantcError(f"{model.__name__} is a class, not a fitted estimator")
    kind = type(model).__name__
    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise QuantcError(f"this {kind} is not fitted", remedy="call its fit(X, y) before quantize") from error
    except TypeError as error:
        raise QuantcError(f"this {kind} is no estimator: {error}") from error
    if kind in SEARCHES:
        if not hasattr(model, "best_estimator_"):
            raise QuantcError(f"this {kind} keeps no estimator", remedy="search with refit=True")
        return _checked(model.best_estimator_)
    _check_steps(model, "")
    return model


def _check_steps(step: Any, where: str) -> None:
    kind = type(step).__name__
    is_sklearn = type(step).__module__.partition(".")[0] == "sklearn"
    if kind not in _NAMES or kind in SEARCHES or not is_sklearn:
        role = "classifiers" if is_classifier(step) else "regressors" if is_regressor(step) else "transformers"
        raise QuantcError(
            f"{kind} is not supported",
            where=f"step {where!r}" if where else None,
            remedy=f"{role} that can be compiled: {', '.join(SUPPORTED[role])}",
        )
    if kind == "FunctionTransformer" and not _is_known_function(step):
        raise QuantcError(
            f"the function {getattr(step.func, '__name__', step.func)!r} of a FunctionTransformer is not known",
            where=f"step {where!r}" if where else None,
            remedy=f"use one of numpy's {', '.join(function.__name__ for function in FUNCTIONS)}, without arguments",
        )
    if is_classifier(step) and (isinstance(step.classes_, list) or _is_multilabel(step)):
        raise QuantcError(f"this {kind} gives several labels a row, which is not supported", where=where or None)
    for name, part in _parts(step):
        if not isinstance(part, str) and part is not None:
            _check_steps(part, f"{where}.{name}" if where else name)


def _parts(step: Any) -> list[tuple[str, Any]]:
    kind = type(step).__name__
    if kind == "Pipeline":
        return list(step.steps)
    if kind == "ColumnTransformer":
        return [(name, part) for name, part, _ in step.transformers_]
    if kind == "FeatureUnion":
        return list(step.transformer_list)
    return []


def _is_known_function(step: Any) -> bool:
    if step.func is None:
        return True
    return any(step.func is function for function in FUNCTIONS) and not step.kw_args


def _is_multilabel(step: Any) -> bool:
    binarizer = getattr(step, "_label_binarizer", None)
    return str(getattr(binarizer, "y_type_", "")).startswith("multilabel")


def _features(estimator: Any) -> int:
    """How many columns it takes: what its first step that counts them says."""
    count = getattr(estimator, "n_features_in_", None)
    if count is None:
        counts = [_features(part) for _, part in _parts(estimator) if not isinstance(part, str) and part is not None]
        count = next((number for number in counts if number), 0)
    return int(count)


def _sources(estimator: Any) -> list[Source]:
    names = getattr(estimator, "feature_names_in_", None)
    count = _features(estimator)
    if count < 1:
        raise QuantcError("this estimator does not say how many columns it takes", remedy="put a scaler first")
    return [Source(f"column {j}" if names is None else f"column {names[j]!r}") for j in range(count)]


def _final(estimator: Any) -> Any:
    while type(estimator).__name__ == "Pipeline":
        steps = [step for _, step in estimator.steps if step is not None and not isinstance(step, str)]
        estimator = steps[-1]
    return estimator


def _with_integer_classes(estimator: Any) -> Any:
    """A copy whose classifier's classes are their positions, where they are no integers already."""
    if type(estimator).__name__ == "Pipeline":
        copied = copy.copy(estimator)
        copied.steps = [(name, _with_integer_classes(step)) for name, step in estimator.steps]
        return copied
    if isinstance(estimator, str) or estimator is None or not is_classifier(estimator):
        return estimator
    copied = copy.copy(estimator)  # also where nothing changes: skl2onnx's options go by identity
    classes = np.asarray(estimator.classes_)
    if not _are_integers(classes):
        positions = np.arange(len(classes))
        if hasattr(copied, "_label_binarizer"):
            copied._label_binarizer = copy.copy(copied._label_binarizer)
            copied._label_binarizer.classes_ = positions
        if "classes_" in vars(copied):
            copied.classes_ = positions
    return copied


def _are_integers(classes: Any) -> bool:
    return classes.dtype.kind in "iu" and bool(np.all(classes <= np.iinfo(np.int64).max))


def _first_line(error: Exception) -> str:
    lines = [line for line in re.split(r"\n|\. You may raise", str(error)) if line.strip()]
    return lines[0].strip() if lines else type(error).__name__
