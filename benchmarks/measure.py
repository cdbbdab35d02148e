"""Measures one network after another, and fills a `report.Report`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import quantc
from contenders import DEFAULT_FORM, KINDS, OURS, PYTHON_FORM, SPEED_FORM
from contenders.quantc_program import compile_network
from contestant import ContenderError, Contestant
from figures import sqnr_db, strays, wrong
from limit_isa import Isa
from networks import Doubles, Floats, Network, random_network, write_network
from plain_c import MOST_WEIGHTS, time_plain_c
from plain_c import TITLE as PLAIN_C
from quantc.errors import QuantcError
from report import C_FORMS, OUR_ENTRIES, PYTHON_ENTRY, Cell, NetworkResult, Report, title
from turns import Entry, time_cell

REFERENCE_ROWS = 256  # that the interpreter runs, which is slow; as many as the largest batch
SECONDS_OF_SINGLE_CALLS = 1.0
FEWEST_SINGLE_CALLS = 200
MOST_SINGLE_CALLS = 10_000

Tell = Callable[[str], None]


class Measurement:
    """One network with all its contenders' processes.

    Parameters
    ----------
    name : str
        A key of `networks.WIDTHS`.
    peers : sequence of str
        Keys of `contenders.KINDS`.
    folder : Path
        Where the network's files are written.
    isa : Isa
        What instructions everyone may use.
    report : Report
        Gets the network's result, and the faults; its flags are for `quantc compile`.
    tell : callable of str
        Told what is being done.
    """

    def __init__(self, name: str, peers: Sequence[str], folder: Path, isa: Isa, report: Report, tell: Tell) -> None:
        self._kinds = [OURS, *peers]
        self._folder = folder / name
        self._isa = isa
        self._report = report
        self._tell = tell
        self._network: Network = random_network(name)
        self._exact: Doubles = self._network.exact()
        self._result = NetworkResult(name)
        self._contestants: dict[str, Contestant] = {}
        self._outputs: dict[Entry, Floats] = {}  # on all rows, of those who take part

    def run(self, batches: Sequence[int]) -> None:
        """Prepare all contenders, then time each batch. What is done before an interruption stays in the report."""
        name = self._network.name
        self._tell(f"{name}: compile")
        write_network(self._network, self._folder)
        try:
            libraries = {
                form: compile_network(self._folder, form, self._report.flags) for form in (DEFAULT_FORM, SPEED_FORM)
            }
        except QuantcError as error:
            self._report.fault(f"{name}: quantc does not compile it: {error}")
            return
        self._report.networks.append(self._result)
        references = {
            form: quantc.reference(quantc.load(library), self._network.rows[:REFERENCE_ROWS])
            for form, library in libraries.items()
        }
        references[PYTHON_FORM] = references[SPEED_FORM]
        with ExitStack() as processes:
            self._start(processes)
            for batch in batches:
                self._result.cells.append(self._cell(batch, references))
        for form in C_FORMS:
            self._plain_c(form, libraries[form])

    def _start(self, processes: ExitStack) -> None:
        """Start the contenders, let them make their files, and see how accurate each form is."""
        for kind in self._kinds:
            self._tell(f"{self._network.name}: prepare {KINDS[kind].title}")
            log = self._folder / f"{kind}.log"
            log.unlink(missing_ok=True)
            contestant = processes.enter_context(Contestant(kind, self._folder, log, self._isa.environment))
            try:
                contestant.ask("hello")
            except ContenderError as error:
                self._report.fault(f"{KINDS[kind].title} ({error})")
                continue
            self._contestants[kind] = contestant
            for form in KINDS[kind].forms:
                entry = (kind, form)
                results = self._folder / "results.npy"
                try:
                    contestant.ask("prepare", form=form)
                    contestant.ask("outputs", form=form, path=str(results))
                except ContenderError as error:
                    self._fault(entry, None, str(error))
                    continue
                output: Floats = np.load(results)
                reason = wrong(self._exact, output)
                if reason:
                    self._fault(entry, None, reason)
                else:
                    self._outputs[entry] = output
                    self._result.sqnr_db[entry] = sqnr_db(self._exact, output)

    def _cell(self, batch: int, references: Mapping[str, Floats]) -> Cell:
        name = self._network.name
        cell = Cell(name, batch)
        seconds: dict[Entry, float] = {}
        results = self._folder / "results.npy"
        exact = []
        for entry, whole in self._outputs.items():
            kind, form = entry
            self._tell(f"{name}, batch {batch}: load {title(entry)}")
            try:
                reply = self._contestants[kind].ask("load", form=form, batch=batch, path=str(results))
            except ContenderError as error:
                self._fault(entry, batch, str(error))
                continue
            output: Floats = np.load(results)
            if kind == OURS:
                exact.append(np.array_equal(output.view(np.uint32), references[form][:batch].view(np.uint32)))
            reason = strays(whole, output)
            if reason:
                self._fault(entry, batch, reason)
            else:
                seconds[entry] = reply["seconds"]
        cell.exact_bits = len(exact) == len(OUR_ENTRIES) and all(exact)
        cell.timings = time_cell(
            self._contestants,
            seconds,
            lambda entry, reason: self._fault(entry, batch, reason),
            lambda done, total: self._tell(f"{name}, batch {batch}: round {done} of {total}"),
        )
        if PYTHON_ENTRY in cell.timings:
            self._tell(f"{name}, batch {batch}: single calls of quantc")
            calls = int(SECONDS_OF_SINGLE_CALLS / cell.timings[PYTHON_ENTRY].median_s)
            calls = max(FEWEST_SINGLE_CALLS, min(MOST_SINGLE_CALLS, calls))
            reply = self._contestants[OURS].ask("single_calls", form=PYTHON_FORM, calls=calls)
            cell.p50_s, cell.p99_s = reply["p50_s"], reply["p99_s"]
        return cell

    def _plain_c(self, form: str, library: Path) -> None:
        if self._network.products > MOST_WEIGHTS:
            return
        name = self._network.name
        self._tell(f"{name}: {PLAIN_C}")
        try:
            batches = [cell.batch for cell in self._result.cells]
            timings, outputs = time_plain_c(self._network, library, batches, self._folder / "plain-c", self._isa.march)
        except (OSError, RuntimeError) as error:
            self._report.fault(f"{PLAIN_C} on {name} ({error})")
            return
        for output in outputs:
            reason = wrong(self._exact, output)
            if reason:
                self._report.fault(f"{PLAIN_C} on {name} ({reason})")
                return
        for cell in self._result.cells:
            cell.plain[form] = timings[cell.batch]

    def _fault(self, entry: Entry, batch: int | None, reason: str) -> None:
        where = self._network.name if batch is None else f"{self._network.name} at batch {batch}"
        self._report.fault(f"{title(entry)} on {where} ({reason})")
