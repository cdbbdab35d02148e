"""What a run found, and how it is told: as JSON, as Markdown, and as tables on a terminal."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from contenders import DEFAULT_FORM, KINDS, OURS, PYTHON_FORM, SPEED_FORM
from figures import Ratio, Timing, geometric_mean, ratio
from plain_c import COMPILER, FLAGS, CTiming
from plain_c import TITLE as PLAIN_C
from turns import Entry

OUR_ENTRIES: list[Entry] = [(OURS, form) for form in KINDS[OURS].forms]
OUR_ENTRY: Entry = (OURS, SPEED_FORM)  # what the picture shows
C_FORMS = (SPEED_FORM, DEFAULT_FORM)  # that the plain C function is timed beside
PYTHON_ENTRY: Entry = (OURS, PYTHON_FORM)
RIVAL: Entry = ("onnxruntime", "int8")  # whose accuracy the summary compares with
NOTHING = "-"


def title(entry: Entry) -> str:
    """Name a contender's form, as tables do."""
    return f"{KINDS[entry[0]].title} {entry[1]}"


@dataclass
class Cell:
    """One network at one batch.

    Attributes
    ----------
    timings : dict of Entry to Timing
        Seconds a call; what a form's call is says `contenders.KINDS`.
    exact_bits : bool
        Whether the results of all of quantc's forms are the reference interpreter's, bit for bit.
    p50_s, p99_s : float
        Of single calls of quantc from Python.
    plain : dict of str to CTiming
        Of quantc's forms: it and the plain C function in turns, both called from C; for tiny networks only.
    """

    network: str
    batch: int
    timings: dict[Entry, Timing] = field(default_factory=dict)
    exact_bits: bool = False
    p50_s: float = math.nan
    p99_s: float = math.nan
    plain: dict[str, CTiming] = field(default_factory=dict)

    def ratio(self, entry: Entry = OUR_ENTRY, median: bool = False) -> Ratio | None:
        """Give the quickest peer's time over that of one of quantc's forms, by best or median turns."""
        ours = self.timings.get(entry)
        if ours is None:
            return None
        peers = {title(e): t.median_s if median else t.best_s for e, t in self.timings.items() if e[0] != OURS}
        return ratio(ours.median_s if median else ours.best_s, peers)

    def plain_ratio(self, form: str) -> float | None:
        """Give the plain C function's time over that of quantc's form, both called from C, by best turns."""
        plain = self.plain.get(form)
        return plain.plain_best_s / plain.quantc_best_s if plain else None


@dataclass
class NetworkResult:
    """One network: its cells, and each contender's accuracy on rows that nobody calibrated on, in dB."""

    name: str
    cells: list[Cell] = field(default_factory=list)
    sqnr_db: dict[Entry, float] = field(default_factory=dict)


@dataclass
class Report:
    """A whole run, finished or interrupted."""

    machine: str
    versions: dict[str, str]
    flags: list[str]
    wanted_cells: int
    networks: list[NetworkResult] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    interrupted: bool = False
    isa: str = "native"
    march: str = "-march=native"  # of the plain C function

    def fault(self, text: str) -> None:
        """Take in what did not go as it should, once."""
        if text not in self.faults:
            self.faults.append(text)

    @property
    def cells(self) -> list[Cell]:
        """All cells that were timed."""
        return [cell for network in self.networks for cell in network.cells]

    def inexact(self) -> list[Cell]:
        """Cells in which quantc's bits are not the reference interpreter's."""
        return [cell for cell in self.cells if not cell.exact_bits]


@dataclass(frozen=True)
class Grid:
    """A table before it is told in one form or another."""

    title: str
    columns: list[str]
    rows: list[list[str]]

    def markdown(self) -> str:
        """Give the table as Markdown, under its title in bold; the columns after the first are aligned right."""
        rule = ["---", *("---:" for _ in self.columns[1:])]
        lines = [f"| {' | '.join(cells)} |" for cells in (self.columns, rule, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines, ""])


def microseconds(*seconds: float) -> str:
    """Give times in microseconds with three digits: the first, and the others in brackets."""
    texts = [NOTHING if math.isnan(s) else _digits(s * 1e6) for s in seconds]
    return texts[0] if len(texts) == 1 else f"{texts[0]} ({', '.join(texts[1:])})"


def _digits(value: float) -> str:
    places = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:,.{min(places, 3)}f}"


def network_grid(network: NetworkResult) -> Grid:
    """Times of all contenders on a network, best (median), and their accuracy."""
    cells = network.cells
    entries = [(kind, form) for kind in KINDS for form in KINDS[kind].forms]
    rows = []
    for entry in entries:
        times = [
            microseconds(cell.timings[entry].best_s, cell.timings[entry].median_s) if entry in cell.timings else NOTHING
            for cell in cells
        ]
        accuracy = f"{network.sqnr_db[entry]:.1f}" if entry in network.sqnr_db else NOTHING
        if accuracy != NOTHING or any(time != NOTHING for time in times):
            rows.append([title(entry), *times, accuracy])
    rows.append(
        [f"{title(PYTHON_ENTRY)}, one call: p50 (p99)", *(microseconds(cell.p50_s, cell.p99_s) for cell in cells), ""]
    )
    for form in C_FORMS:
        if found := [cell.plain[form] for cell in cells if form in cell.plain]:
            times = [microseconds(plain.quantc_best_s, plain.quantc_median_s) for plain in found]
            rows.append([f"{title((OURS, form))}, in turns with plain C", *times, ""])
            times = [microseconds(plain.plain_best_s, plain.plain_median_s) for plain in found]
            rows.append([f"{PLAIN_C}, in turns with it", *times, ""])
    columns = [network.name, *(f"batch {cell.batch}, us" for cell in cells), "SQNR, dB"]
    return Grid(f"{network.name}: microseconds a call, best (median), one thread", columns, rows)


def ratio_grid(report: Report, entry: Entry) -> Grid:
    """The cells' ratios of one of quantc's forms, each with the peer that it is against."""
    batches = sorted({cell.batch for cell in report.cells})
    rows = []
    for network in report.networks:
        by_batch = {cell.batch: cell.ratio(entry) for cell in network.cells}
        found = [by_batch.get(batch) for batch in batches]
        rows.append([network.name, *(f"{r.value:.2f} {r.peer}" if r else NOTHING for r in found)])
    return Grid(f"quickest peer's time over {title(entry)}'s", ["network", *(f"batch {b}" for b in batches)], rows)


def summary(report: Report) -> list[str]:
    """The lines that a run ends with."""
    lines = [line for entry in OUR_ENTRIES for line in _summary_of(report, entry)]
    for form in C_FORMS:
        plain = [
            f"{cell.network} at batch {cell.batch} {found:.2f}"
            for cell in report.cells
            if (found := cell.plain_ratio(form))
        ]
        if plain:
            lines.append(f"{PLAIN_C} function's time over that of {title((OURS, form))}: {', '.join(plain)}")
    inexact = report.inexact()
    if inexact:
        names = ", ".join(f"{cell.network} at batch {cell.batch}" for cell in inexact)
        lines.append(f"NOT the reference interpreter's bits: {names}")
    elif report.cells:
        lines.append(f"the reference interpreter's bits in {_count(len(report.cells), 'cell')} of {len(report.cells)}")
    if len(report.cells) < report.wanted_cells:
        how = "interrupted" if report.interrupted else "incomplete"
        lines.append(f"{how}: {len(report.cells)} of {_count(report.wanted_cells, 'cell')} timed")
    return lines


def _summary_of(report: Report, entry: Entry) -> list[str]:
    ratios = [(cell, found) for cell in report.cells if (found := cell.ratio(entry))]
    if not ratios:
        return []
    mean = geometric_mean(found.value for _, found in ratios)
    medians = geometric_mean(found.value for cell, _ in ratios if (found := cell.ratio(entry, median=True)))
    cell, found = min(ratios, key=lambda pair: pair[1].value)
    behind = [pair for pair in ratios if pair[1].value < 1]
    lines = [
        f"{title(entry)}: geometric mean of {_count(len(ratios), 'ratio')} {mean:.3f} (by medians {medians:.3f}), "
        f"smallest {found.value:.3f} ({cell.network} at batch {cell.batch}, {found.peer}), "
        f"a peer is quicker in {len(behind)}"
    ]
    gains = [
        f"{network.name} {network.sqnr_db[entry] - network.sqnr_db[RIVAL]:+.1f}"
        for network in report.networks
        if entry in network.sqnr_db and RIVAL in network.sqnr_db
    ]
    if gains and entry != PYTHON_ENTRY:  # which is a program that is there already
        lines.append(f"{title(entry)}: SQNR beside {title(RIVAL)}, dB: {', '.join(gains)}")
    return lines


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def footnotes(report: Report) -> list[str]:
    """What a reader of the tables must know: what is missing, versions, and what the ratios are of."""
    notes = [f"Not measured: {fault}." for fault in report.faults]
    notes.append(
        "A ratio is of best turns. Peers are called from Python, in the quickest way that their packages offer; "
        "quantc's programs are C functions and are called as such, and once more from Python as the peers are."
    )
    if any(cell.plain for cell in report.cells):
        command = " ".join([COMPILER, *FLAGS, report.march])
        notes.append(f"{PLAIN_C}: constant arrays, by rows or by columns, what is quicker, `{command}`.")
    notes.append("SQNR is of the output, on rows that nobody calibrated on, against double precision.")
    notes += [
        f"{title((kind, form))}: {what}."
        for kind in KINDS
        for form, what in KINDS[kind].forms.items()
        if any((kind, form) in cell.timings for cell in report.cells)
    ]
    notes.append(f"Versions: {', '.join(f'{name} {version}' for name, version in report.versions.items())}.")
    notes.append(f"Machine: {report.machine}. Absolute times are of this machine and this hour.")
    if report.isa != "native":
        notes.append(f"Everyone was shown a CPU of {report.isa.upper()}: see `benchmarks/limit_isa.py`.")
    if report.flags:
        notes.append(f"Flags of `quantc compile`: `{' '.join(report.flags)}`.")
    return notes


def ratio_grids(report: Report) -> list[Grid]:
    """Tables of ratios, one for each of quantc's forms."""
    return [ratio_grid(report, entry) for entry in OUR_ENTRIES]


def markdown(report: Report) -> str:
    """Tables, summary and footnotes as Markdown, the ratios first."""
    ratios = [grid.markdown() for grid in ratio_grids(report)]
    times = [network_grid(network).markdown() for network in report.networks if network.cells]
    return "\n".join([*ratios, _list(summary(report)), *times, _list(footnotes(report))])


def _list(lines: Sequence[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)


def as_json(report: Report) -> str:
    """All figures, times in seconds; NaN is written as null."""
    networks: dict[str, Any] = {}
    for network in report.networks:
        cells = {}
        for cell in network.cells:
            ratios = {title(e): (cell.ratio(e), cell.ratio(e, median=True)) for e in OUR_ENTRIES}
            cells[str(cell.batch)] = {
                "ratios": {name: asdict(best) for name, (best, _) in ratios.items() if best},
                "ratios_by_medians": {name: asdict(median) for name, (_, median) in ratios.items() if median},
                "exact_bits": cell.exact_bits,
                "contenders": {title(entry): asdict(timing) for entry, timing in cell.timings.items()},
                "quantc_single_call": {"p50_s": cell.p50_s, "p99_s": cell.p99_s},
                "plain_c": {title((OURS, form)): asdict(plain) for form, plain in cell.plain.items()},
            }
        accuracy = {title(entry): value for entry, value in network.sqnr_db.items()}
        networks[network.name] = {"batches": cells, "sqnr_db": accuracy}
    means, smallest = {}, {}
    for entry in OUR_ENTRIES:
        values = [found.value for cell in report.cells if (found := cell.ratio(entry))]
        means[title(entry)] = geometric_mean(values)
        smallest[title(entry)] = min(values, default=math.nan)
    data = {
        "machine": report.machine,
        "versions": report.versions,
        "isa": report.isa,
        "flags": report.flags,
        "interrupted": report.interrupted,
        "geometric_means": means,
        "smallest": smallest,
        "faults": report.faults,
        "networks": networks,
    }
    return json.dumps(_without_nan(data), indent=1, allow_nan=False) + "\n"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
