"""If these fail, a scikit-learn estimator compiles to a program that decides otherwise, or is refused unexplained."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantc
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest, SelectPercentile, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC, LinearSVR
from tables import (
    CALIBRATION_ROWS,
    FEW,
    check_classifier,
    check_regressor,
    class_tables,
    customers,
    fit,
    over,
    plain_tables,
    sqnr_db,
    value_tables,
)

ROOT = Path(__file__).resolve().parents[2]

CLASSIFIERS = [
    LogisticRegression(),
    SGDClassifier(random_state=0),
    SGDClassifier(loss="log_loss", random_state=0),
    SGDClassifier(loss="modified_huber", random_state=0),
    RidgeClassifier(),
    Perceptron(random_state=0),
    LinearDiscriminantAnalysis(),
    LinearSVC(),
    MLPClassifier((12,), solver="lbfgs", max_iter=100, random_state=0),
]
REGRESSORS = [
    LinearRegression(),
    Ridge(),
    Lasso(alpha=0.01),
    ElasticNet(alpha=0.01),
    SGDRegressor(random_state=0),
    LinearSVR(),
    MLPRegressor(hidden_layer_sizes=(12,), alpha=1.0, solver="lbfgs", max_iter=100, random_state=0),
]
SEVERAL_TARGETS = [
    LinearRegression(),
    Ridge(),
    MLPRegressor(hidden_layer_sizes=(12,), alpha=1.0, solver="lbfgs", max_iter=100, random_state=0),
]
TRANSFORMERS = [
    ("any", StandardScaler()),
    ("any", StandardScaler(with_mean=False)),
    ("any", MinMaxScaler((-1, 1))),
    ("any", MinMaxScaler(clip=True)),
    ("any", MaxAbsScaler()),
    ("any", RobustScaler()),
    ("any", Normalizer()),
    ("any", Normalizer("l1")),
    ("any", Normalizer("max")),
    ("any", Binarizer(threshold=0.5)),
    ("any", KBinsDiscretizer(4)),
    ("any", KBinsDiscretizer(3, encode="ordinal", strategy="uniform")),
    ("any", PolynomialFeatures(2)),
    ("any", PolynomialFeatures(3, interaction_only=True, include_bias=False)),
    ("any", PCA(1)),
    ("any", PCA(whiten=True)),
    ("any", PowerTransformer()),
    ("any", QuantileTransformer(n_quantiles=20)),
    ("any", QuantileTransformer(n_quantiles=20, output_distribution="normal")),
    ("any", VarianceThreshold()),
    ("any", FunctionTransformer()),
    ("any", FunctionTransformer(np.abs)),
    ("positive", FunctionTransformer(np.log1p)),
    ("positive", FunctionTransformer(np.sqrt)),
    ("positive", PowerTransformer("box-cox", standardize=False)),
    ("empty", SimpleImputer()),
    ("empty", SimpleImputer(strategy="constant", fill_value=-7.0)),
    ("empty", SimpleImputer(add_indicator=True)),
    ("categories", SimpleImputer(missing_values=2.0)),
    ("categories", QuantileTransformer(n_quantiles=20)),
    ("categories", OneHotEncoder(handle_unknown="ignore")),
    ("categories", OneHotEncoder(drop="first")),
    ("categories", OneHotEncoder(drop="if_binary", sparse_output=False)),
    ("categories", OneHotEncoder(min_frequency=30, handle_unknown="infrequent_if_exist")),
    ("categories", OrdinalEncoder()),
    ("categories", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)),
]
SELECTORS = [
    SelectKBest(k=2),
    SelectPercentile(percentile=50),
    SelectFromModel(LogisticRegression()),
    RFE(LinearRegression(), n_features_to_select=2),
    TruncatedSVD(2),
]


def name_of(value: Any) -> str:
    return value if isinstance(value, str) else re.sub(r"[^\w=.]+", "-", str(value)).strip("-")


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=name_of)
def test_classifiers(estimator: Any) -> None:
    over(class_tables(), partial(check_classifier, estimator))


@pytest.mark.parametrize("estimator", REGRESSORS, ids=name_of)
def test_regressors(estimator: Any) -> None:
    over(value_tables(), partial(check_regressor, estimator))


@pytest.mark.parametrize("estimator", SEVERAL_TARGETS, ids=name_of)
def test_regressors_of_several_targets(estimator: Any) -> None:
    over(value_tables(targets=3), partial(check_regressor, estimator))


@pytest.mark.parametrize(("kind", "transformer"), TRANSFORMERS, ids=name_of)
def test_transformers(kind: str, transformer: Any) -> None:
    @FEW
    @given(plain_tables(kind))
    def check(rows: NDArray[Any]) -> None:
        model = fit(clone(transformer), rows)
        expected = model.transform(rows)
        expected = expected.toarray() if hasattr(expected, "toarray") else expected
        assert sqnr_db(expected, quantc.quantize(model, rows[:CALIBRATION_ROWS]).predict(rows)) >= 40

    check()


@pytest.mark.parametrize("selector", SELECTORS, ids=name_of)
def test_selectors(selector: Any) -> None:
    @FEW
    @given(class_tables(kinds=("int",)))
    def check(table: tuple[NDArray[Any], NDArray[Any]]) -> None:
        rows, labels = table
        model = fit(clone(selector), rows, labels)
        assert sqnr_db(model.transform(rows), quantc.quantize(model, rows[:CALIBRATION_ROWS]).predict(rows)) >= 40

    check()


def columns(**arguments: Any) -> ColumnTransformer:
    """Cleaning, scaling and encoding of `customers`."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    cities = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    grades = OrdinalEncoder(categories=[["low", "mid", "high"]])
    parts = [("numbers", numbers, ["income", "age"]), ("cities", cities, ["city"]), ("grade", grades, ["grade"])]
    return ColumnTransformer([*parts, ("children", "passthrough", ["children"])], **arguments)


@pytest.fixture(scope="module")
def model() -> Pipeline:
    frame, labels = customers(600, seed=0)
    network = MLPClassifier((16,), solver="lbfgs", max_iter=200, random_state=0)
    return fit(Pipeline([("columns", columns()), ("network", network)]), frame, labels)


@pytest.fixture(scope="module")
def network(model: Pipeline) -> quantc.Quantized:
    return quantc.quantize(model, customers(200, seed=1)[0])


def test_raw_rows_to_labels(model: Pipeline, network: quantc.Quantized) -> None:
    frame, _ = customers(2000, seed=2)
    frame.loc[3, "city"] = "Paris"  # handle_unknown="ignore"
    assert set(model.predict(frame)) == {"buys", "leaves", "waits"}
    assert np.mean(network.predict(frame) == model.predict(frame)) >= 0.995
    np.testing.assert_array_equal(network(frame[frame.columns[::-1]]), network(frame))  # matched by name


def test_model_is_not_changed(model: Pipeline) -> None:
    frame, _ = customers(50, seed=3)
    before, probabilities = copy.deepcopy(model), model.predict_proba(frame)
    quantc.quantize(model, frame)
    np.testing.assert_array_equal(model.predict_proba(frame), probabilities)
    assert str(before) == str(model)
    assert list(model.classes_) == ["buys", "leaves", "waits"]


def test_saved_program_needs_no_sklearn(network: quantc.Quantized, tmp_path: Path) -> None:
    frame, _ = customers(100, seed=4)
    frame.to_json(tmp_path / "rows.json")
    library = network.save(tmp_path / "out", name="customers")
    script = (
        "import sys, pandas, quantc\n"
        f"q = quantc.load({str(library)!r})\n"
        f"print(*q.predict(pandas.read_json({str(tmp_path / 'rows.json')!r})))\n"
        "assert not {'sklearn', 'skl2onnx', 'onnx'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == list(network.predict(frame))


def test_reference_gives_the_same_labels(network: quantc.Quantized) -> None:
    frame, _ = customers(100, seed=5)
    np.testing.assert_array_equal(quantc.reference(network, frame), network.predict(frame))


def test_compare_takes_rows_and_labels(model: Pipeline, network: quantc.Quantized) -> None:
    frame, _ = customers(300, seed=6)
    comparison = network.compare(frame, labels=model.predict(frame))
    assert comparison["float_accuracy"] == 1
    assert comparison["integer_accuracy"] >= 0.99
    with pytest.raises(ValueError, match="'stays' is none of the estimator's classes, 'buys', 'leaves', 'waits'"):
        network.compare(frame, labels=["stays"] * len(frame))


def test_tune(model: Pipeline) -> None:
    frame, labels = customers(200, seed=7)
    points = quantc.tune(model, frame, labels=labels, points=2)
    assert isinstance(quantc.quantize(model, frame, plan=points[0]), quantc.Quantized)


@pytest.mark.parametrize(
    ("part", "selected"),
    [
        (SimpleImputer(), ["income", "age"]),
        (SimpleImputer(), [3, 0]),
        (SimpleImputer(), [-3, 0]),
        (StandardScaler(), slice("income", "income")),
        (OneHotEncoder(), slice(4, 5)),
        (SimpleImputer(), [True, False, False, True, False, False]),
        pytest.param(SimpleImputer(), make_column_selector(dtype_include="number"), id="numbers"),
        (OneHotEncoder(), ["grade", "city"]),
    ],
    ids=name_of,
)
def test_columns_are_found_as_they_were_selected(part: Any, selected: Any) -> None:
    frame, _ = customers(200, seed=8)
    chosen = fit(ColumnTransformer([("some", part, selected)], sparse_threshold=0), frame)
    assert sqnr_db(chosen.transform(frame), quantc.quantize(chosen, frame).predict(frame)) > 60


def test_the_header_names_the_columns_that_are_read(tmp_path: Path) -> None:
    frame, labels = customers(200, seed=12)
    numbers = frame[["age", "income", "children"]].fillna(50.0)
    model = fit(make_pipeline(StandardScaler(), SelectKBest(k=1), LogisticRegression()), numbers, labels)
    q = quantc.quantize(model, numbers)
    read = int(np.flatnonzero(model[1].get_support())[0])
    header = q.save(tmp_path, name="some").with_suffix(".h").read_text()
    assert '#define some_INPUT_COLUMNS {"age", "income", "children"}' in header
    assert f"of which only 1 are read:\n *       {read} ({numbers.columns[read]})" in header


def test_remainder_weights_and_union() -> None:
    frame, _ = customers(200, seed=9)
    numbers = frame[["age", "income", "children"]].fillna(50.0)
    parts = ColumnTransformer(
        [("age", StandardScaler(), ["age"]), ("income", FunctionTransformer(np.log), ["income"])],
        remainder="passthrough",
        transformer_weights={"age": 2.0},
    )
    union = FeatureUnion([("parts", parts), ("squares", PolynomialFeatures(2)), ("none", "drop")])
    fitted = fit(union, numbers)
    assert sqnr_db(fitted.transform(numbers), quantc.quantize(fitted, numbers).predict(numbers)) > 60


def test_text_that_means_an_empty_cell() -> None:
    frame = customers(200, seed=10)[0][["city"]].fillna("?")
    encode = make_pipeline(SimpleImputer(missing_values="?", strategy="constant", fill_value="none"), OrdinalEncoder())
    fitted = fit(encode, frame)
    np.testing.assert_array_equal(quantc.quantize(fitted, frame).predict(frame), fitted.transform(frame))


def test_rows_of_texts_without_a_frame() -> None:
    rows = customers(200, seed=11)[0][["grade", "children"]].to_numpy(dtype=object)
    fitted = fit(OneHotEncoder(), rows)
    np.testing.assert_array_equal(
        quantc.quantize(fitted, rows).predict(rows.tolist()), fitted.transform(rows).toarray()
    )


def test_numbers_that_float32_does_not_tell_apart() -> None:
    """Categories of 2^24 and 2^24 + 1 are coded, as texts are."""
    rows = np.random.default_rng(0).choice([2**24, 2**24 + 1, 5], (200, 2))
    fitted = fit(OneHotEncoder(), rows)
    np.testing.assert_array_equal(quantc.quantize(fitted, rows).predict(rows), fitted.transform(rows).toarray())


@FEW
@given(st.data())
def test_empty_cells_as_a_category(data: st.DataObject) -> None:
    values = data.draw(st.lists(st.sampled_from(["a", "b", None]), min_size=20, max_size=20))
    rows = np.array([["a"], ["b"], [None], *([value] for value in values)], object)
    fitted = fit(OneHotEncoder(), rows)
    np.testing.assert_array_equal(quantc.quantize(fitted, rows).predict(rows), fitted.transform(rows).toarray())


def test_search_gives_its_best() -> None:
    random = np.random.default_rng(0)
    rows = random.standard_normal((200, 3))
    search = fit(GridSearchCV(LogisticRegression(), {"C": [0.1, 10.0]}, cv=2), rows, rows[:, 0] > 0)
    assert np.mean(quantc.quantize(search, rows).predict(rows) == search.predict(rows)) >= 0.99


def doubled(x: NDArray[Any]) -> NDArray[Any]:
    return x * 2


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (
            make_pipeline(StandardScaler(), RandomForestClassifier(2)),
            "step 'randomforestclassifier': RandomForestClassifier is not supported; classifiers that can be compiled:",
        ),
        (make_pipeline(FunctionTransformer(doubled), Ridge()), "step 'functiontransformer': the function 'doubled'"),
    ],
    ids=["forest", "function"],
)
def test_unsupported_steps_are_named(estimator: Any, message: str) -> None:
    random = np.random.default_rng(0)
    rows = random.standard_normal((60, 3))
    fitted = fit(estimator, rows, (rows[:, 0] > 0).astype(int))
    with pytest.raises(quantc.QuantcError, match=re.escape(message)):
        quantc.quantize(fitted, rows)


def test_unfitted() -> None:
    with pytest.raises(quantc.QuantcError, match=r"this Pipeline is not fitted; call its fit\(X, y\) before quantize"):
        quantc.quantize(make_pipeline(StandardScaler(), Ridge()), np.zeros((3, 2)))


def test_several_labels_a_row() -> None:
    rows = np.random.default_rng(0).standard_normal((60, 3))
    fitted = fit(MLPClassifier((4,), max_iter=5), rows, (rows[:, :2] > 0).astype(int))
    with pytest.raises(quantc.QuantcError, match="several labels a row"):
        quantc.quantize(fitted, rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns=["age", "city"]), "X: the frame lacks 'age', 'city'; give the columns"),
        (lambda f: f.assign(more=1), "X: the frame has 'more' too many"),
        (lambda f: f.assign(age="old"), "column 'age', row 0: 'old' is no number"),
        (lambda f: f.assign(age=np.datetime64("2020-01-01")), "column 'age': dates and durations are no numbers"),
        (lambda f: f.assign(grade="none"), "column 'grade', row 0: 'none' is none of the 3 categories"),
        (lambda f: f.assign(grade=None), "column 'grade', row 0: the cell is empty"),
    ],
)
def test_rows_that_do_not_fit(network: quantc.Quantized, change: Any, message: str) -> None:
    with pytest.raises(quantc.QuantcError, match=re.escape(message)):
        network.predict(change(customers(5, seed=12)[0]))


def test_wrong_number_of_columns(network: quantc.Quantized) -> None:
    with pytest.raises(ValueError, match="fitted on 6 columns, the rows have 2"):
        network.predict(np.zeros((3, 2)))
    with pytest.raises(ValueError, match=re.escape("X: needs shape (rows, 6), got shape (6,)")):
        network.predict(np.zeros(6))
    with pytest.raises(TypeError, match="takes one table of rows, got 2"):
        network.predict(np.zeros((3, 6)), np.zeros((3, 6)))


def test_missing_package() -> None:
    """Without skl2onnx there is one message that says what to install."""
    script = (
        "import sys; sys.modules['skl2onnx'] = None\n"
        "import quantc, sklearn.linear_model as lm\n"
        "try: quantc.quantize(lm.LinearRegression().fit([[0.], [1.]], [0., 1.]), [[0.]])\n"
        "except quantc.QuantcError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "this model needs the package skl2onnx, which is not installed; `pip install quantc-mlir[sklearn]`"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"features": 5},
        {"names": ["a"]},
        {"text": {"1": {"categories": [], "unknown": "error", "missing": "error"}}},
        {"text": {"99": {"categories": ["a"], "unknown": "error", "missing": "error"}}},
        {"unused": [-1]},
        {"result": {"kind": "labels", "dtype": "object, float", "classes": None, "is_vector": False, "scores": ""}},
        {"result": None},
    ],
    ids=str,
)
def test_broken_record(network: quantc.Quantized, tmp_path: Path, change: dict[str, Any]) -> None:
    library = network.save(tmp_path, name="broken")
    manifest = json.loads(library.with_suffix(".json").read_text())
    manifest["frontend"].update(change)
    library.with_suffix(".json").write_text(json.dumps(manifest))
    with pytest.raises(quantc.QuantcError, match="record of the front end is broken"):
        quantc.load(library)


def test_example_runs(tmp_path: Path) -> None:
    script = ROOT / "examples" / "scikit-learn" / "customers.py"
    done = subprocess.run(
        [sys.executable, script, "--out", tmp_path / "out"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    share = re.search(r"as scikit-learn decides: ([\d.]+)%", done.stdout)
    assert share, done.stdout
    assert float(share[1]) >= 99.5


def test_documented_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "scikit-learn.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert blocks
    exec("\n".join(blocks), {})  # noqa: S102
