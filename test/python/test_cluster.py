"""If these fail, calibration on a cluster gives other bits than one process, or hides what went wrong on a worker."""

from __future__ import annotations

import asyncio
import json
import re
import runpy
import sys
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
import test_equalize
import two_layers
from distributed import Client, LocalCluster
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from tables import customers, fit
from test_sklearn import columns

ROWS = 1500
CHUNKS = ((1, 600, 99, 500, 300), (5, 7))
EXACT = ("n.o", "n.so", "n.h", "n.mlirbc")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(processes=True, n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as connected,
    ):
        yield connected


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NDArray[np.float32]]:
    return two_layers.save(tmp_path_factory.mktemp("cluster"), ROWS)


def contents(q: quantc.Quantized, folder: Path) -> dict[str, Any]:
    """The files that a program consists of, and its manifest but for the digest of the data."""
    q.save(folder, name="n")
    manifest = json.loads((folder / "n.json").read_text())
    data = {manifest["digests"].pop(key, "") for key in ("calibration", "statistics")}
    assert len(data - {""}) == 1
    return {name: (folder / name).read_bytes() for name in EXACT} | {"manifest": manifest}


def assert_same(one: quantc.Quantized, other: quantc.Quantized, folder: Path) -> None:
    assert contents(one, folder / "one") == contents(other, folder / "other")


KINDS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "dask array": lambda rows: dask.array.from_array(rows, chunks=CHUNKS),
    "dask frame": lambda rows: dask.dataframe.from_pandas(pd.DataFrame(rows), npartitions=11),
    "array": lambda rows: rows,
    "list": lambda rows: rows.tolist(),
    "batches": lambda rows: iter(np.array_split(rows, 13)),
    "sparse": scipy.sparse.csr_array,
    "mapping": lambda rows: {"x": rows},
}


@pytest.mark.parametrize("kind", KINDS)
def test_same_bits(client: Client, network: tuple[Path, NDArray[np.float32]], tmp_path: Path, kind: str) -> None:
    model, rows = network
    seen: list[tuple[str, int, int]] = []
    q = quantc.quantize(model, KINDS[kind](rows), client=client, progress=lambda *event: seen.append(event))
    measured = [done for stage, done, total in seen if stage == "calibrate" and (done, total) != (0, 0)]
    assert measured == list(range(1, {"dask array": 5, "dask frame": 11, "sparse": 1}.get(kind, 2) + 1))
    assert_same(q, quantc.quantize(model, rows), tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"effort": "high"},
        {"prune": "2:4", "method": "percentile"},
        {"equalize": "activations", "fold": {"x[2]": "mean"}},
        {"method": "minmax", "effort": "low", "activations": "int16", "fix_range": {"x": (-4, 4)}},
        {"accuracy_budget": "8dB"},
    ],
    ids=["effort", "prune", "equalize and fold", "ranges", "budget"],
)
def test_same_bits_with_options(client: Client, tmp_path: Path, options: dict[str, Any]) -> None:
    """Some options measure several networks."""
    model = test_equalize.save(tmp_path / "net.onnx", test_equalize.SPREAD)
    rows = test_equalize.rows(700, seed=4)
    if "accuracy_budget" in options:
        options = {**options, "validation": test_equalize.rows(300, seed=5)}
    there = dask.array.from_array(rows, chunks=(150, -1))
    assert_same(
        quantc.quantize(model, there, client=client, **options), quantc.quantize(model, rows, **options), tmp_path
    )


def test_an_order_of_rows_changes_nothing(
    client: Client, network: tuple[Path, NDArray[np.float32]], tmp_path: Path
) -> None:
    model, rows = network
    one, other = (
        quantc.quantize(model, dask.array.from_array(some, chunks=(chunk, -1)), client=client)
        for some, chunk in ((rows, 400), (rows[::-1], 333))
    )
    for q, folder in ((one, tmp_path / "one"), (other, tmp_path / "other")):
        q.save(folder, name="n")
    assert (tmp_path / "one" / "n.json").read_bytes() == (tmp_path / "other" / "n.json").read_bytes()


def test_pipeline_of_texts(client: Client, tmp_path: Path) -> None:
    """Partitions are encoded on the workers; one is empty."""
    frame, labels = customers(400, seed=0)
    fitted = fit(make_pipeline(columns(), LogisticRegression()), frame, labels)
    parts = dask.dataframe.from_pandas(frame.sort_values("children"), npartitions=7, sort=False)
    filtered = parts[parts["children"] > 0]
    assert min(len(part) for part in filtered.partitions) == 0
    whole = filtered.compute()
    one, other = (
        contents(q, tmp_path / name)
        for name, q in (
            ("there", quantc.quantize(fitted, filtered, client=client)),
            ("here", quantc.quantize(fitted, whole)),
        )
    )
    for program in (one, other):
        del program["manifest"]["digests"]["model"]  # the exporter gives a graph another name each time
    assert one == other


def test_rows_with_nan(client: Client, network: tuple[Path, NDArray[np.float32]], tmp_path: Path) -> None:
    """They are left out with one warning for all, and wrong only where there are no others."""
    model, rows = network
    rows = rows.copy()
    rows[:400:2, 3] = np.nan
    rows[400:500] = np.nan  # a whole partition
    there = dask.array.from_array(rows, chunks=(100, -1))
    with pytest.warns(quantc.QuantcWarning, match=f"300 of {ROWS} calibration rows are left out") as caught:
        q = quantc.quantize(model, there, client=client)
    assert len(caught) == 1
    with pytest.warns(quantc.QuantcWarning, match="are left out"):
        assert_same(q, quantc.quantize(model, rows), tmp_path)
    with pytest.raises(quantc.QuantcError, match="every one of the 20 calibration rows holds a NaN"):
        quantc.quantize(model, dask.array.full((20, two_layers.INPUTS), np.nan, chunks=(5, -1)), client=client)


def fails_in_second(block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
    if block_info[0]["chunk-location"][0] == 1:
        raise RuntimeError("the disk is gone")
    return block


WRONG: dict[str, tuple[Callable[[NDArray[Any]], Any], type[Exception], str]] = {
    "width": (
        lambda rows: dask.array.from_array(rows[:, 1:], chunks=(500, -1)),
        quantc.QuantcError,
        r"calibration, partition \d: .*11",
    ),
    "type": (
        lambda rows: dask.array.from_array(rows, chunks=(500, -1)).astype(complex),
        TypeError,
        r"calibration, partition \d: calibration needs real numbers, got dtype complex128",
    ),
    "no row": (
        lambda rows: dask.array.from_array(rows, chunks=(500, -1))[:0],
        ValueError,
        "calibration: there is no row in it",
    ),
    "none": (lambda rows: rows[:0], ValueError, r"calibration: needs at least one row"),
    "scalar": (lambda _: dask.array.from_array(np.float32(3)), ValueError, "a Dask array needs a dimension of rows"),
    "path": (lambda _: "rows.npy", quantc.QuantcError, "workers may not have the file rows.npy"),
    "mapping": (lambda rows: {"x": rows, "y": rows[1:]}, ValueError, "all of as many rows, got {'x': 1500, 'y': 1499}"),
    "theirs": (
        lambda rows: dask.array.from_array(rows, chunks=(500, -1)).map_blocks(fails_in_second, dtype=rows.dtype),
        RuntimeError,
        "the disk is gone",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said(client: Client, network: tuple[Path, NDArray[np.float32]], what: str) -> None:
    model, rows = network
    make, kind, message = WRONG[what]
    with pytest.raises(kind, match=message) as caught:
        quantc.quantize(model, make(rows), client=client)
    assert what != "theirs" or "in partition 1 of the calibration rows" in caught.value.__notes__


def test_an_iterator_serves_several_networks(client: Client, tmp_path: Path) -> None:
    model = test_equalize.save(tmp_path / "net.onnx", 0)
    rows = test_equalize.rows(200, seed=4)
    q = quantc.quantize(model, iter(np.array_split(rows, 3)), prune="2:4", client=client)
    assert_same(q, quantc.quantize(model, rows, prune="2:4"), tmp_path)


def test_the_page_is_right(client: Client, network: tuple[Path, NDArray[np.float32]], tmp_path: Path) -> None:
    """The program on docs/calibration-cluster.md runs, on this cluster."""
    page = (Path(__file__).parents[2] / "docs" / "calibration-cluster.md").read_text()
    program = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(program) == 1
    dask.array.to_npy_stack(tmp_path / "rows", dask.array.from_array(network[1], chunks=(400, -1)))
    there = {
        "tcp://scheduler:8786": client.scheduler.address,
        "/data/rows": str(tmp_path / "rows"),
        "model.onnx": str(network[0]),
    }
    for theirs, ours in there.items():
        assert theirs in program[0]
        program[0] = program[0].replace(theirs, ours)
    (tmp_path / "page.py").write_text(program[0])
    names = runpy.run_path(str(tmp_path / "page.py"))
    with names["client"]:
        np.testing.assert_array_equal(names["q"](network[1]), quantc.quantize(*network)(network[1]))


def test_a_client_that_is_none(network: tuple[Path, NDArray[np.float32]]) -> None:
    model, rows = network
    with pytest.raises(
        TypeError, match=r"client: needs a distributed\.Client, got a str, which has no submit, scatter"
    ):
        quantc.quantize(model, rows, client="tcp://somewhere:8786")


def test_a_search_needs_rows_here(client: Client, network: tuple[Path, NDArray[np.float32]]) -> None:
    model, rows = network
    with pytest.raises(ValueError, match="judge by rows, which stay on the cluster; give some as `validation`"):
        quantc.quantize(model, rows, weights="mixed", client=client)


def test_the_end_of_a_call_ends_the_tasks(client: Client, network: tuple[Path, NDArray[np.float32]]) -> None:
    """Ctrl-C, as an exception in `progress` stands for it here."""

    def interrupt(stage: str, done: int, total: int) -> None:
        if stage == "calibrate" and total > 1:
            raise KeyboardInterrupt

    model, rows = network
    there = dask.array.from_array(rows, chunks=(10, -1))
    with pytest.raises(KeyboardInterrupt):
        quantc.quantize(model, there, client=client, progress=interrupt)
    assert client.run_on_scheduler(tasks_left) == 0


async def tasks_left(dask_scheduler: Any) -> int:
    """How many wait or run, after some time to end."""
    left = 0
    for _ in range(100):
        left = sum(task.state not in ("memory", "erred", "released") for task in dask_scheduler.tasks.values())
        if left == 0:
            break
        await asyncio.sleep(0.1)
    return left


HIDDEN = ("quantc", "quantc.cluster")


def hide_quantc() -> None:
    for name in HIDDEN:
        sys.modules[name] = None  # type: ignore[assignment] # which makes an import of it fail


def show_quantc() -> None:
    for name in HIDDEN:
        sys.modules.pop(name, None)


def test_workers_without_quantc(client: Client, network: tuple[Path, NDArray[np.float32]]) -> None:
    model, rows = network
    client.run(hide_quantc)
    try:
        with pytest.raises(quantc.QuantcError, match="cannot import quantc; install quantc"):
            quantc.quantize(model, dask.array.from_array(rows, chunks=(500, -1)), client=client)
    finally:
        client.run(show_quantc)
