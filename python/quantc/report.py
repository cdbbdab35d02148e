"""`Quantized.report`: all figures of a compiled network as one HTML page, which the ``quantc`` tool writes."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from numpy.typing import ArrayLike

from .data import Rows, data_argument
from .errors import QuantcError
from .frontend import Frontend
from .tool import run_tool
from .tuning import Frontier, frontier_argument

__all__ = ["ReportRows", "write_report"]

Option = str | os.PathLike[str]


@dataclass(frozen=True)
class ReportRows:
    """What a report is measured on; where nothing is given, what the network was compiled with.

    Attributes
    ----------
    x, labels, calibration
        As `Quantized.report` takes them.
    compiled_with : sequence of str
        The tool's options that the network was compiled with.
    frontend : Frontend or None
        How the user's rows and labels become the program's.
    """

    x: Rows | None
    labels: ArrayLike | str | os.PathLike[str] | None
    calibration: Rows | None
    compiled_with: Sequence[str]
    frontend: Frontend | None

    def options(self, folder: Path) -> list[Option]:
        """The tool's options; what is no file yet is written into `folder`."""
        files: list[tuple[str, Path]] = []
        labels = self._compiled("labels") if self.x is None else []
        for name, value, kept in (
            ("input", self.x, self._compiled("validation")),
            ("labels", self.labels, labels),
            ("calibration", self.calibration, self._compiled("calibration")),
        ):
            if value is not None:
                files.append((name, data_argument(value, folder, name, self.frontend)))
            else:
                files += [(name, path) for path in kept]
        return [word for name, path in files for word in (f"--{name}", path)]

    def _compiled(self, name: str) -> list[Path]:
        paths = [Path(path) for option, path in itertools.pairwise(self.compiled_with) if option == f"--{name}"]
        for path in paths:
            if not path.is_file():
                raise QuantcError(
                    f"the {name} rows that the network was compiled with are no longer at {path}",
                    remedy="give rows: q.report(path, x=..., calibration=...)",
                )
        return paths


def write_report(
    manifest: Path,
    path: str | os.PathLike[str],
    model: Path | None,
    rows: ReportRows,
    frontier: Frontier | str | os.PathLike[str] | None,
    times: bool,
) -> Path:
    """Write the report of the network that `manifest` belongs to, and return its path."""
    page = Path(os.path.abspath(path))
    with tempfile.TemporaryDirectory(prefix="quantc-") as scratch:
        command: list[Option] = ["report", manifest, "--output", page]
        if model is not None:
            command += ["--model", model, *rows.options(Path(scratch))]
        if frontier is not None:
            command += ["--frontier", frontier_argument(frontier, Path(scratch))]
        command += [] if times else ["--no-times"]
        run_tool(command)
    return page
