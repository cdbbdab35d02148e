"""The frontier of layers' bits that `tune` finds, as Python objects."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import QuantcError
from .table import bytes_text, text_table

__all__ = ["Frontier", "Plan", "Point", "frontier_argument", "plan_argument", "read_frontier"]

PLAN_FORMAT = "quantc-plan"
FRONTIER_FORMAT = "quantc-frontier"


@dataclass(frozen=True)
class Point:
    """One combination of the layers' precisions, as it was compiled and run.

    Attributes
    ----------
    bits : str
        The precisions in short, such as "4 8 8x16".
    layers : dict of str to str
        Each layer's precision, by the name of its node.
    us_per_row : float
        Its time on this machine in microseconds, 256 rows a call.
    modelled_cycles : float
        Of its dense layers for a row, by the cost model.
    weights_bytes : float
        Bytes of its weights.
    sqnr_db : float or None
        Signal-to-noise ratio of its output against float's, in dB; None without any noise.
    agreement : float or None
        Share of rows whose largest score is float's; of networks with several scores.
    score : float or None
        Share of rows whose largest score is the label's; with labels.
    """

    bits: str
    layers: Mapping[str, str]
    us_per_row: float
    modelled_cycles: float
    weights_bytes: float
    sqnr_db: float | None
    agreement: float | None
    score: float | None


Plan = Point | Mapping[str, str] | str | os.PathLike[str]
"""What says each layer's precision."""


@dataclass(frozen=True)
class Frontier(Sequence[Point]):
    """The points that no other one beats, the cheapest first; print it for a table.

    Attributes
    ----------
    points : tuple of Point
    uniform : dict of str to Point
        For comparison: one precision for every layer that can have it.
    chosen : Point or None
        The cheapest within the budget; None without one.
    sensitivity : list of dict
        For each layer, what each precision does to the output if no other layer is quantized.
    svg : str
        The frontier as a picture, which notebooks show.
    minimize : {"time", "size"}
        What was weighed against accuracy.
    cpu : str
        Whose time was modelled.
    """

    points: tuple[Point, ...]
    uniform: Mapping[str, Point]
    chosen: Point | None
    sensitivity: Sequence[Mapping[str, Any]]
    svg: str
    minimize: str = "time"
    cpu: str = ""

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Any:
        return self.points[index]

    def __iter__(self) -> Iterator[Point]:
        return iter(self.points)

    def __str__(self) -> str:
        def share(value: float | None) -> str:
            return "" if value is None else f"{100 * value:.2f}%"

        rows = [
            [
                name,
                f"{point.us_per_row:.2f}",
                f"{point.modelled_cycles:.0f}",
                bytes_text(point.weights_bytes),
                "exact" if point.sqnr_db is None else f"{point.sqnr_db:.2f}",
                share(point.agreement),
                share(point.score),
                point.bits,
            ]
            for name, point in (
                *((f"{i}{' *' if point is self.chosen else ''}", point) for i, point in enumerate(self.points)),
                *((f"all {name}", point) for name, point in self.uniform.items()),
            )
        ]
        return text_table(["point", "us a row", "cycles", "weights", "SQNR dB", "agreement", "score", "bits"], rows)

    def _repr_svg_(self) -> str:
        return self.svg


def plan_argument(plan: Plan, folder: Path) -> Path:
    """The file that stands for `plan` on the tool's command line.

    Raises
    ------
    FileNotFoundError
        If it is the path of no file.
    TypeError
        If it is no plan at all.
    """
    if isinstance(plan, (str, os.PathLike)):
        path = Path(os.path.abspath(os.fspath(plan)))
        if not path.is_file():
            raise FileNotFoundError(f"plan: no file at {path}")
        return path
    layers = plan.layers if isinstance(plan, Point) else plan
    if not isinstance(layers, Mapping) or not all(
        isinstance(name, str) and isinstance(precision, str) for name, precision in layers.items()
    ):
        raise TypeError(f"plan: needs a point, a mapping of layer names to precisions or a path, got {plan!r}")
    path = folder / "given.plan.json"
    content = {
        "format": PLAN_FORMAT,
        "layers": [{"name": name, "precision": precision} for name, precision in layers.items()],
    }
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return path


def frontier_argument(frontier: Frontier | str | os.PathLike[str], folder: Path) -> Path:
    """The folder that stands for `frontier` on the tool's command line.

    Raises
    ------
    FileNotFoundError
        If it is the path of a folder that `quantc tune` has not written.
    TypeError
        If it is no frontier at all.
    """
    if isinstance(frontier, (str, os.PathLike)):
        path = Path(os.path.abspath(os.fspath(frontier)))
        if not (path / "frontier.json").is_file():
            raise FileNotFoundError(f"frontier: no frontier.json in {path}")
        return path
    if not isinstance(frontier, Frontier):
        raise TypeError(f"frontier: needs what quantc.tune gave, or the folder of `quantc tune`, got {frontier!r}")
    chosen = next((i for i, point in enumerate(frontier.points, start=1) if point is frontier.chosen), None)
    content = {
        "format": FRONTIER_FORMAT,
        "minimize": frontier.minimize,
        "cpu": frontier.cpu,
        "chosen": chosen,
        "points": [_point_record(point) for point in frontier.points],
        "uniform": [{**_point_record(point), "uniform": name} for name, point in frontier.uniform.items()],
    }
    path = folder / "frontier"
    path.mkdir()
    (path / "frontier.json").write_text(json.dumps(content), encoding="utf-8")
    return path


def _point_record(point: Point) -> dict[str, Any]:
    """What a report shows of a point, as the tool writes it."""
    keys = ("bits", "us_per_row", "modelled_cycles", "weights_bytes", "sqnr_db", "agreement", "score")
    return {key: getattr(point, key) for key in keys}


def read_frontier(folder: Path) -> Frontier:
    """Read what `quantc tune` wrote into `folder`.

    Raises
    ------
    QuantcError
        If it is not what the tool writes.
    """
    path = folder / "frontier.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        points = tuple(_point(item) for item in content["points"])
        uniform = {_precision_of_all(item): _point(item) for item in content["uniform"]}
        chosen = content["chosen"]
        return Frontier(
            points,
            uniform,
            None if chosen is None else points[chosen - 1],
            content["sensitivity"],
            (folder / "frontier.svg").read_text(encoding="utf-8"),
            str(content["minimize"]),
            str(content["cpu"]),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise QuantcError(f"the frontier cannot be read: {error}", where=str(path)) from error


def _point(item: Mapping[str, Any]) -> Point:
    return Point(
        bits=item["bits"],
        layers={layer["name"]: layer["precision"] for layer in item["layers"]},
        us_per_row=item["us_per_row"],
        modelled_cycles=item["modelled_cycles"],
        weights_bytes=item["weights_bytes"],
        sqnr_db=item["sqnr_db"],
        agreement=item["agreement"],
        score=item["score"],
    )


def _precision_of_all(item: Mapping[str, Any]) -> str:
    """The name of a point of one precision, which layers too small for it do not have."""
    return str(item["uniform"])
