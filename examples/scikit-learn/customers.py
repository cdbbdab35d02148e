"""Raw rows in, labels out: a scikit-learn pipeline over texts, numbers and empty cells as one integer program.

Makes customers, trains a pipeline on them, compiles it, and shows that the program decides as scikit-learn does.
Run it as `python examples/scikit-learn/customers.py --out OUT`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import quantc
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler


def customers(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers with empty cells, and what each does next: "buys", "waits" or "leaves"."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "name": [f"customer {i}" for i in range(rows)],
            "age": random.integers(18, 90, rows).astype(float),
            "income": random.lognormal(10, 0.5, rows),
            "city": random.choice(["Bern", "Oslo", "Rome"], rows),
            "grade": random.choice(["low", "mid", "high"], rows),
        }
    )
    score = (frame["age"] - 54) / 20 + frame["income"] / 22000 - 1 + 1.5 * (frame["city"] == "Rome")
    score = score - 2.0 * (frame["grade"] == "low") + 1.5 * (frame["grade"] == "high")
    frame.loc[random.random(rows) < 0.05, "age"] = np.nan
    frame.loc[random.random(rows) < 0.05, "city"] = None
    return frame, np.select([score > 1, score < -1], ["buys", "leaves"], "waits")


def pipeline() -> Pipeline:
    """Cleaning, scaling, encoding and a small network."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    cities = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    columns = ColumnTransformer(
        [
            ("numbers", numbers, ["age", "income"]),
            ("cities", cities, ["city"]),
            ("grade", OrdinalEncoder(categories=[["low", "mid", "high"]]), ["grade"]),
        ]
    )
    # Enough weight decay that training ends: where it stops halfway depends on the CPU.
    network = MLPClassifier((16,), alpha=1.0, solver="lbfgs", max_iter=1000, random_state=0)
    return Pipeline([("columns", columns), ("network", network)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the program is written")
    arguments = parser.parse_args()

    rows, labels = customers(1000, seed=0)
    model = pipeline().fit(rows, labels)
    q = quantc.quantize(model, rows[:300])
    library = q.save(arguments.out, name="customers")

    unseen, truth = customers(2000, seed=1)
    program = quantc.load(library)
    decisions = program.predict(unseen)
    print(f"the first customers: {', '.join(decisions[:5])}")
    print(f"as scikit-learn decides: {np.mean(decisions == model.predict(unseen)):.2%}")
    print(
        f"right: scikit-learn {np.mean(model.predict(unseen) == truth):.1%}, program {np.mean(decisions == truth):.1%}"
    )
    print(f"{library}: {library.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
