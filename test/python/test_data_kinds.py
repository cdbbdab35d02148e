"""If these fail, rows of some kind are refused, or give other results than the same rows as an array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
import pytest
import quantc
import scipy.sparse
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from quantc import batches
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import customers, fit

ROWS, INPUTS = 100, 6
RANDOM = np.random.default_rng(5)
X = np.where(RANDOM.random((ROWS, INPUTS)) < 0.4, 0, RANDOM.standard_normal((ROWS, INPUTS))).astype(np.float32)


def in_batches(rows: NDArray[Any]) -> Iterator[NDArray[Any]]:
    yield from np.array_split(rows, 4)


class Loader:
    """An iterable of (rows, labels), as data loaders are."""

    def __init__(self, rows: NDArray[Any]) -> None:
        self.rows = rows

    def __iter__(self) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        for batch in np.array_split(self.rows, 3):
            yield batch, np.zeros(len(batch))

    def __len__(self) -> int:
        return 3


KINDS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "list": lambda rows: rows.tolist(),
    "float64": lambda rows: rows.astype(np.float64),
    "frame": pd.DataFrame,
    "csr": scipy.sparse.csr_matrix,
    "csc array": scipy.sparse.csc_array,
    "coo": scipy.sparse.coo_matrix,
    "generator": in_batches,
    "loader": Loader,
    "sparse batches": lambda rows: (scipy.sparse.csr_matrix(batch) for batch in in_batches(rows)),
    "dask array": lambda rows: dask.array.from_array(rows, chunks=(30, 2)),
    "dask frame": lambda rows: dask.dataframe.from_pandas(pd.DataFrame(rows), npartitions=3),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights = [numpy_helper.from_array(RANDOM.standard_normal((INPUTS, 3)).astype(np.float32), "w")]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="dense")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        weights,
    )
    path = tmp_path_factory.mktemp("kinds") / "m.onnx"
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(made.SerializeToString())
    return path


@pytest.fixture(scope="module")
def network(model: Path) -> quantc.Quantized:
    return quantc.quantize(model, X)


@pytest.fixture(scope="module")
def estimator() -> Any:
    return fit(make_pipeline(StandardScaler(), LogisticRegression()), X, X[:, 0] + X[:, 1] > 0)


@pytest.fixture(scope="module")
def classifier(estimator: Any) -> quantc.Quantized:
    return quantc.quantize(estimator, X)


@pytest.mark.parametrize("kind", KINDS)
def test_onnx(model: Path, network: quantc.Quantized, kind: str) -> None:
    same = quantc.quantize(model, KINDS[kind](X))
    np.testing.assert_array_equal(same.predict(X), network.predict(X))
    np.testing.assert_array_equal(network.predict(KINDS[kind](X)), network.predict(X))


@pytest.mark.parametrize("kind", KINDS)
def test_estimator(estimator: Any, classifier: quantc.Quantized, kind: str) -> None:
    same = quantc.quantize(estimator, KINDS[kind](X))
    np.testing.assert_array_equal(same.predict_proba(X), classifier.predict_proba(X))
    np.testing.assert_array_equal(classifier.predict(KINDS[kind](X)), classifier.predict(X))


def test_dask_frame_of_texts() -> None:
    frame, labels = customers(200, seed=0)
    from test_sklearn import columns

    fitted = fit(make_pipeline(columns(), LogisticRegression()), frame, labels)
    parts = dask.dataframe.from_pandas(frame, npartitions=4)
    filtered = parts[parts["children"] >= 0]
    q = quantc.quantize(fitted, filtered)
    np.testing.assert_array_equal(q.predict(filtered), quantc.quantize(fitted, frame).predict(frame))
    comparison = q.compare(filtered, labels=dask.array.from_array(fitted.predict(frame), chunks=50))
    assert comparison["float_accuracy"] == 1


def test_sparse_blocks(monkeypatch: pytest.MonkeyPatch, classifier: quantc.Quantized) -> None:
    monkeypatch.setattr(batches, "BLOCK_BYTES", 7 * 4 * INPUTS)  # 7 rows at a time
    np.testing.assert_array_equal(classifier.predict(scipy.sparse.csr_matrix(X)), classifier.predict(X))


def test_a_written_file_is_what_numpy_writes(tmp_path: Path) -> None:
    written = batches.write_batches(tmp_path / "b.npy", in_batches(X), "rows")
    np.save(tmp_path / "a.npy", X)
    np.testing.assert_array_equal(np.load(written), X)
    assert np.load(written).dtype == np.float32


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (iter([]), ValueError, "calibration: there is no row in it"),
        (iter([X, X[:, :2]]), ValueError, r"calibration: batch 1 has rows of shape \(2,\), those before it of \(6,\)"),
        (iter([3.0]), TypeError, "calibration: batch 0 is no table of rows, but a float"),
        (iter([np.array([["a"] * INPUTS])]), TypeError, "calibration needs real numbers"),
        (scipy.sparse.csr_matrix((0, INPUTS)), ValueError, "calibration: there is no row in it"),
        (dask.array.from_array(np.float32(3)), ValueError, "calibration: a Dask array needs a dimension of rows"),
    ],
    ids=["empty", "other rows", "numbers", "texts", "sparse of no row", "dask scalar"],
)
def test_rows_that_are_refused(model: Path, rows: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        quantc.quantize(model, rows)


def test_no_rows_to_predict(classifier: quantc.Quantized, network: quantc.Quantized) -> None:
    with pytest.raises(ValueError, match="the iterator yields no batch"):
        network.predict(iter([]))
    with pytest.raises(ValueError, match="X: there is no row in it"):
        classifier.predict(iter([]))
    with pytest.raises(TypeError, match="an estimator takes one table of rows"):
        classifier.predict({"X": X})


def test_files(estimator: Any, classifier: quantc.Quantized, tmp_path: Path) -> None:
    """A file of numbers is read by the compiler; one of texts cannot be."""
    np.save(tmp_path / "rows.npy", X)
    same = quantc.quantize(estimator, tmp_path / "rows.npy")
    np.testing.assert_array_equal(same.predict_proba(X), classifier.predict_proba(X))
    frame, labels = customers(200, seed=0)
    from test_sklearn import columns

    fitted = fit(make_pipeline(columns(), LogisticRegression()), frame, labels)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(quantc.QuantcError, match=r"columns of categories.*read it with pandas"):
        quantc.quantize(fitted, tmp_path / "rows.csv")
