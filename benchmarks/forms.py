"""Time the forms that quantc offers of one network side by side: `./run bench --forms [--isa=avx2] [--update-docs]`.

8-bit weights beside 4-bit ones, with three quarters of the blocks or two of each four weights zero, and on two threads:
what a user chooses between on one machine, without peers. All forms of a network are C functions in this process and
take turns of a few milliseconds, each round beginning with another form; the tables give each form's best turn and the
time of the 8-bit form over it, by best and by median turns. Every form's first rows must have the bits of the reference
interpreter.

The bars are those of code for AVX2. With `--isa=avx2` a missed one is told and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from contenders import SPEED_FLAG
from limit_isa import AVX2, AVX2_FLAGS, ISAS, NATIVE
from networks import WIDTHS, random_network, write_network
from report import microseconds
from rich.console import Console
from rich.table import Table
from run import DOCUMENT, machine, put
from turns import calls_for

BASE = "8 bits"
FORMS: dict[str, tuple[str, ...]] = {
    BASE: (SPEED_FLAG,),
    "8 bits, default": (),
    "4 bits": ("--weights=int4",),
    "3/4 of blocks 0": (SPEED_FLAG, "--prune=block:0.75"),
    "2:4": (SPEED_FLAG, "--prune=2:4"),
    "2 threads": (SPEED_FLAG, "--threads=2"),
}
NETWORKS: dict[str, tuple[int, ...]] = {name: WIDTHS[name] for name in ("mnist", "ffn", "big")} | {"wide": (4096,) * 5}
BATCHES = (1, 16, 256)
SECONDS_A_CELL = 8.0
FEWEST_ROUNDS, MOST_ROUNDS = 8, 200
REFERENCE_ROWS = 2  # the interpreter takes its time
TOLERANCE = 0.97  # what stands for "not slower" on a machine that others use too

LEAST: dict[tuple[str, str, int], float] = {
    ("4 bits", "ffn", 1): 1.2,
    ("4 bits", "big", 1): 1.2,
    ("4 bits", "wide", 1): 1.7,
    ("2 threads", "ffn", 256): 1.8,
    ("2 threads", "big", 256): 1.8,
    **{("3/4 of blocks 0", name, 1): 2.5 for name in ("ffn", "big")},
    **{("3/4 of blocks 0", name, 16): 2.0 for name in ("ffn", "big")},
    # A row of "wide" waits for memory, and differs by a tenth with what others left in the cache.
    **{("2:4", name, batch): TOLERANCE for name in ("mnist", "ffn", "big") for batch in BATCHES},
}
LEAST_ANYWHERE = {"4 bits": 0.95}


@dataclass
class FormTimes:
    """Seconds a call of one form in one cell, a number for each turn."""

    calls: int = 1
    seconds: list[float] = field(default_factory=list)


@dataclass
class FormCell:
    """One network at one batch: each form's turns."""

    network: str
    batch: int
    forms: dict[str, FormTimes] = field(default_factory=dict)

    def ratio(self, form: str, *, median: bool = False) -> float:
        """Give the time of the 8-bit form over that of `form`."""
        middle = statistics.median if median else min
        return float(middle(self.forms[BASE].seconds) / middle(self.forms[form].seconds))

    def missed(self) -> list[str]:
        """Say which bars are not met."""
        bars = {(form, self.network, self.batch): least for form, least in LEAST_ANYWHERE.items()} | LEAST
        return [
            f"{network} at batch {batch}, {form}: {self.ratio(form):.2f} of {least}"
            for (form, network, batch), least in bars.items()
            if (network, batch) == (self.network, self.batch) and self.ratio(form) < least
        ]


def time_forms(cell: FormCell, programs: Mapping[str, Any], rows: Any) -> None:
    """Let the forms take turns until the cell's time is up."""
    for form, program in programs.items():
        program.repeat(rows, 1)
        start = time.perf_counter()
        program.repeat(rows, 1)
        cell.forms[form] = FormTimes(calls_for(time.perf_counter() - start))
    end, order = time.perf_counter() + SECONDS_A_CELL, list(programs)
    for turn in range(MOST_ROUNDS):
        if turn >= FEWEST_ROUNDS and time.perf_counter() > end:
            break
        first = turn % len(order)
        for form in order[first:] + order[:first]:
            program, times = programs[form], cell.forms[form]
            program.repeat(rows, 1)  # brings weights and code back into the caches
            start = time.perf_counter()
            program.repeat(rows, times.calls)
            times.seconds.append((time.perf_counter() - start) / times.calls)


def measure(name: str, batches: Sequence[int], out: Path, flags: Sequence[str], console: Console) -> list[FormCell]:
    """Compile all forms of a network, check their bits, and time each batch."""
    import quantc  # noqa: PLC0415 - `main` says where it is
    from contenders.quantc_program import CFunction, compile_program, make_loop  # noqa: PLC0415

    network = random_network(name, NETWORKS[name])
    folder = out / name
    write_network(network, folder)
    loop = make_loop(folder)
    libraries: dict[str, Path] = {}
    for number, (form, own) in enumerate(FORMS.items()):
        console.print(f"      {name}: compile {form}", markup=False)
        libraries[form] = compile_program(folder, folder / f"form{number}", [*flags, *own])
        few = network.rows[:REFERENCE_ROWS]
        program = quantc.load(libraries[form])
        if not np.array_equal(program(few).view(np.uint32), quantc.reference(program, few).view(np.uint32)):
            raise SystemExit(f"{name}, {form}: other bits than the reference interpreter's")
    outputs, cells = len(network.biases[-1]), []
    for batch in batches:
        console.print(f"      {name}, batch {batch}", markup=False)
        programs = {form: CFunction(library, loop, batch, outputs) for form, library in libraries.items()}
        cells.append(FormCell(name, batch))
        time_forms(cells[-1], programs, np.ascontiguousarray(network.rows[:batch]))
    return cells


def rows_of(cells: Sequence[FormCell]) -> list[list[str]]:
    """Give the table's rows: the 8-bit form's time and its ratio to each other's, by best turns (and by medians)."""
    rows = []
    for cell in cells:
        seconds = cell.forms[BASE].seconds
        row = [cell.network, str(cell.batch), microseconds(min(seconds), statistics.median(seconds))]
        others = [form for form in FORMS if form != BASE]
        rows.append(row + [f"{cell.ratio(form):.2f} ({cell.ratio(form, median=True):.2f})" for form in others])
    return rows


COLUMNS = ["network", "rows", f"{BASE}, us", *(form for form in FORMS if form != BASE)]


def markdown(cells: Sequence[FormCell], flags: Sequence[str]) -> str:
    """Give the table for docs/benchmarks.md."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "| --- |" + " ---: |" * (len(COLUMNS) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows_of(cells)]
    lines += ["", f"Machine: {machine()}. Flags of `quantc compile`: `{' '.join(flags) or 'none'}`."]
    return "\n".join(lines)


def main(command_line: Sequence[str]) -> int:
    """Measure, tell and write."""
    parser = argparse.ArgumentParser(prog="./run bench --forms", description="Time quantc's forms of a network.")
    parser.add_argument("--build", type=Path, required=True, help="quantc's build folder (./run gives it)")
    parser.add_argument("--networks", default=",".join(NETWORKS), help="of %(default)s")
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)), help="rows a call (%(default)s)")
    parser.add_argument("--isa", choices=ISAS, default=NATIVE, help="instructions of the programs (%(default)s)")
    parser.add_argument("--update-docs", action="store_true", help="put the table into docs/benchmarks.md")
    options = parser.parse_args(command_line)
    networks = [name for name in options.networks.split(",") if name]
    if unknown := [name for name in networks if name not in NETWORKS]:
        parser.error(f"--networks: there is no {', '.join(unknown)}; there are {', '.join(NETWORKS)}")
    try:
        batches = sorted({int(text) for text in options.batches.split(",")})
    except ValueError:
        parser.error(f"--batches needs numbers with commas between them, got {options.batches}")
    build: Path = options.build.resolve()
    sys.path.insert(0, str(build / "python"))
    flags = AVX2_FLAGS if options.isa == AVX2 else []
    out = build / "bench" / f"forms-{options.isa}"
    out.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=130)
    cells: list[FormCell] = []
    for name in networks:
        cells += measure(name, batches, out, flags, console)
    table = Table(title=f"times as fast as {BASE}, by best (median) turns", title_justify="left")
    for index, column in enumerate(COLUMNS):
        table.add_column(column, justify="right" if index else "left")
    for row in rows_of(cells):
        table.add_row(*row)
    console.print(table)
    record = [
        {"network": c.network, "batch": c.batch, "seconds": {form: t.seconds for form, t in c.forms.items()}}
        for c in cells
    ]
    (out / "forms.json").write_text(json.dumps(record) + "\n")
    if options.update_docs:
        put(markdown(cells, flags), f"forms {options.isa}", f"./run bench --forms --isa={options.isa} --update-docs")
        console.print(f"written: {os.path.relpath(DOCUMENT)}")
    missed = [text for cell in cells for text in cell.missed()] if options.isa == AVX2 else []
    for text in missed:
        console.print(f"missed: {text}", markup=False)
    if options.isa == AVX2 and not missed:
        console.print("all bars are met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
