"""If these fail, compiled libraries are called with the wrong memory, or wrong arrays reach them."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from conftest import INPUTS, OUTPUTS
from numpy.typing import NDArray
from quantc._native import MAX_TENSORS, Library


@pytest.fixture
def library(network: Path) -> Library:
    return Library(str(network), "sums", INPUTS, OUTPUTS)


def rows(batch: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    random = np.random.default_rng(batch)
    return random.random((batch, 2, 3), dtype=np.float32), random.random((batch, 2), dtype=np.float32)


def expected(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(a[:, 0] + a[:, 1] + (b[:, 0] * b[:, 1])[:, None])


@pytest.mark.parametrize("batch", [0, 1, 2, 1000])
def test_result_shape_and_workspace_alignment(library: Library, batch: int) -> None:
    a, b = rows(batch)
    sums, aligned = library(a, b)
    assert sums.dtype == np.float32 and sums.shape == (batch, 3)
    np.testing.assert_array_equal(sums, expected(a, b))
    assert aligned.shape == (batch,)
    assert not aligned.any(), "the workspace is not aligned to 64 bytes"


def test_results_of_two_calls_do_not_share_memory(library: Library) -> None:
    a, b = rows(4)
    first, _ = library(a, b)
    kept = first.copy()
    library(a + 1, b)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x.astype(np.float64),
        lambda x: x.astype(np.float16),
        np.asfortranarray,
        lambda x: x.astype(">f4"),
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x.tolist(),
        lambda x: np.frombuffer(b"\0" + x.tobytes(), dtype=np.uint8)[1:].view(np.float32).reshape(x.shape),
    ],
)
def test_other_layouts_and_number_types_are_converted(library: Library, convert: object) -> None:
    assert callable(convert)
    a, b = rows(6)
    given = convert(a)
    sums, _ = library(given, b)
    np.testing.assert_array_equal(sums, expected(np.asarray(given, dtype=np.float32), b))


def test_integers_and_bools_mean_their_values(library: Library) -> None:
    sums, _ = library(np.arange(6, dtype=np.int64).reshape(1, 2, 3), np.array([[True, True]]))
    np.testing.assert_array_equal(sums, [[4, 6, 8]])


@pytest.mark.parametrize(
    ("a", "message"),
    [
        (np.zeros((1, 2, 4), np.float32), r"input 'a' needs shape \(rows, 2, 3\), got \(1, 2, 4\)"),
        (np.zeros((2, 3), np.float32), r"got \(2, 3\); a single row is x\[None\]"),
        (np.zeros(6, np.float32), r"got \(6,\)"),
        (np.float32(1), r"got \(\)"),
        (np.zeros((3, 2, 3), np.float32), r"input 'b' has 1 rows where 'a' has 3"),
    ],
)
def test_wrong_shape(library: Library, a: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        library(a, np.zeros((1, 2), np.float32))


@pytest.mark.parametrize(
    "a",
    [
        np.zeros((1, 2, 3), np.complex64),
        np.zeros((1, 2, 3), object),
        np.full((1, 2, 3), "1"),
        np.zeros((1, 2, 3), "M8[s]"),
        None,
        object(),
    ],
)
def test_what_is_not_real_numbers(library: Library, a: object) -> None:
    with pytest.raises(TypeError, match="input 'a' needs real numbers"):
        library(a, np.zeros((1, 2), np.float32))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_wrong_number_of_inputs(library: Library, count: int) -> None:
    with pytest.raises(TypeError, match=rf"2 inputs \(a, b\), got {count}"):
        library(*rows(1)[:1] * count)


def test_calls_in_several_threads_keep_apart(library: Library) -> None:
    failures: list[int] = []

    def work(seed: int) -> None:
        a, b = rows(seed + 1)
        wanted = expected(a, b)
        for _ in range(200):
            if not np.array_equal(library(a, b)[0], wanted):
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_batch_beyond_memory_is_an_exception(library: Library) -> None:
    huge = np.broadcast_to(np.zeros((1, 2, 3), np.float32), (1 << 50, 2, 3))
    with pytest.raises(MemoryError):
        library(huge, np.broadcast_to(np.zeros((1, 2), np.float32), (1 << 50, 2)))


def test_no_library(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="cannot open"):
        Library(str(tmp_path / "none.so"), "sums", INPUTS, OUTPUTS)


def test_a_file_that_is_no_library(tmp_path: Path) -> None:
    path = tmp_path / "text.so"
    path.write_text("not a library")
    with pytest.raises(RuntimeError, match="cannot open"):
        Library(str(path), "sums", INPUTS, OUTPUTS)


def test_another_name(network: Path) -> None:
    with pytest.raises(RuntimeError, match="no symbol other_run; was it compiled under another --name"):
        Library(str(network), "other", INPUTS, OUTPUTS)


def test_more_tensors_than_can_be_passed(network: Path) -> None:
    many: list[tuple[str, tuple[int, ...]]] = [(f"x{i}", (1,)) for i in range(MAX_TENSORS)]
    with pytest.raises(ValueError, match=f"more than {MAX_TENSORS}"):
        Library(str(network), "sums", many, OUTPUTS)


def test_the_largest_number_of_tensors(tmp_path: Path, c_compiler: str) -> None:
    import subprocess

    count = MAX_TENSORS - 1
    parameters = ", ".join(f"const float *x{i}" for i in range(count))
    total = " + ".join(f"x{i}[row] * {i + 1}" for i in range(count))
    (tmp_path / "many.c").write_text(
        "#include <stddef.h>\nsize_t many_workspace_size(size_t batch) { return 0; }\n"
        f"void many_run({parameters}, float *y, size_t batch, void *workspace)\n"
        f"{{ for (size_t row = 0; row < batch; ++row) y[row] = {total}; }}\n"
    )
    path = tmp_path / "many.so"
    subprocess.run([c_compiler, "-shared", "-fPIC", tmp_path / "many.c", "-o", path], check=True)
    library = Library(str(path), "many", [(f"x{i}", ()) for i in range(count)], [("y", ())])
    y = library(*[np.full(3, i, np.float32) for i in range(count)])
    np.testing.assert_array_equal(y, np.full(3, sum(i * (i + 1) for i in range(count)), np.float32))
