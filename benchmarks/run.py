"""Time compiled networks beside their peers, all in one run and on one thread. Called by `./run bench`.

    python benchmarks/run.py --build build [--networks mnist,big] [--batches 1,16,256] [--peers onnxruntime,litert]
                             [--compile-flag=--prefer=speed] [--isa=avx2] [--update-docs]

Each contender has a process of its own, and they take turns of a few milliseconds, so that a busy moment hits them all;
the tables give the best turn, which moves least with the machine, and the median. What is measured and how is told in
docs/benchmarks.md. Results go to BUILD/bench: results.json, results.md and ratios.svg. Ctrl-C ends a run early, and
what was measured until then is told and written.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import report as reports
from contenders import KINDS, PEERS
from limit_isa import AVX2, ISAS, NATIVE, Isa, isa_named
from networks import WIDTHS
from picture import draw
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "benchmarks.md"
DOCUMENT_PICTURES = {NATIVE: "benchmarks.svg", AVX2: "benchmarks-avx2.svg"}  # beside it
TABLE_BEGIN = "<!-- {what}: written by `{command}` -->"
TABLE_END = "<!-- end of {what} -->"
BATCHES = (1, 16, 256)
MOST_ROWS = 256
PLAIN_WIDTH = 130
INTERRUPTED = 130  # the shell's exit code for it


class Status:
    """Where a run is: a bar on a terminal, and elsewhere a line a network and a cell."""

    def __init__(self, console: Console, cells: int) -> None:
        self._console = console
        self._start = time.monotonic()
        self._line = ""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("begin", total=cells)

    def tell(self, text: str) -> None:
        """Say what is being done now."""
        self._bar.update(self._task, description=text)
        place = text.partition(": ")[0]
        if not self._console.is_terminal and place != self._line:
            self._line = place
            self._console.print(f"{time.monotonic() - self._start:5.0f} s  {place}")

    def done(self, cells: int) -> None:
        """Say how many cells are behind us."""
        self._bar.update(self._task, completed=cells)

    def __enter__(self) -> Status:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def chosen(parser: argparse.ArgumentParser, option: str, text: str, known: Sequence[str]) -> list[str]:
    """Give the names in a text with commas between them; a wrong one ends the program with a message."""
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"{option}: there is no {', '.join(unknown)}; there are {', '.join(known)}")
    return list(dict.fromkeys(names))


def arguments(command_line: Sequence[str]) -> tuple[argparse.Namespace, list[str], list[int], list[str]]:
    """Read the command line: the options, and networks, batches and peers."""
    parser = argparse.ArgumentParser(prog="./run bench", description="Time compiled networks beside their peers.")
    parser.add_argument("--build", type=Path, required=True, help="quantc's build folder (./run gives it)")
    parser.add_argument("--out", type=Path, help="where results and scratch files go (BUILD/bench)")
    parser.add_argument("--networks", default=",".join(WIDTHS), help="of %(default)s")
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)), help="rows a call (%(default)s)")
    parser.add_argument("--peers", default=",".join(PEERS), help="of %(default)s")
    parser.add_argument(
        "--compile-flag", action="append", default=[], metavar="FLAG", help="for quantc compile; may be repeated"
    )
    parser.add_argument("--isa", choices=ISAS, default=NATIVE, help="instructions that everyone may use (%(default)s)")
    parser.add_argument("--update-docs", action="store_true", help="put tables and picture into docs/benchmarks.md")
    options = parser.parse_args(command_line)
    networks = chosen(parser, "--networks", options.networks, list(WIDTHS))
    peers = chosen(parser, "--peers", options.peers, PEERS)
    try:
        batches = sorted({int(text) for text in options.batches.split(",")})
    except ValueError:
        parser.error(f"--batches needs numbers with commas between them, got {options.batches}")
    if not all(0 < batch <= MOST_ROWS for batch in batches):
        parser.error(f"--batches goes from 1 to {MOST_ROWS}")
    return options, networks, batches, peers


def machine() -> str:
    """Name the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


def versions(peers: Sequence[str]) -> dict[str, str]:
    """Give the installed versions of what is compared; "missing" where it is not installed."""
    result = {}
    for package in (package for peer in peers for package in KINDS[peer].packages):
        try:
            result[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            result[package] = "missing"
    return result


def rich_table(grid: reports.Grid) -> Table:
    """Give a table for the terminal."""
    table = Table(title=grid.title, title_justify="left")
    for index, column in enumerate(grid.columns):
        table.add_column(column, justify="right" if index else "left", overflow="fold")
    for row in grid.rows:
        table.add_row(*row)
    return table


def put(text: str, what: str, command: str) -> None:
    """Put what a command measured between its lines of docs/benchmarks.md."""
    begin, end = (marker.format(what=what, command=command) for marker in (TABLE_BEGIN, TABLE_END))
    page = DOCUMENT.read_text()
    if page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"{DOCUMENT} lacks the lines between which this goes: {begin} and {end}")
    head, _, rest = page.partition(begin)
    DOCUMENT.write_text(f"{head}{begin}\n\n{text}\n{end}{rest.partition(end)[2]}")


def write(report: reports.Report, out: Path, update_docs: bool) -> list[Path]:
    """Write the files of a run, and give their paths."""
    files = [out / "results.json", out / "results.md", out / "ratios.svg"]
    text = reports.markdown(report)
    files[0].write_text(reports.as_json(report))
    files[1].write_text(text)
    draw(report, files[2])
    if update_docs:
        target = DOCUMENT.with_name(DOCUMENT_PICTURES[report.isa])
        picture = f"![the quickest peer's time over quantc's, by network and batch]({target.name})"
        put(f"{picture}\n\n{text}", report.isa, f"./run bench --isa={report.isa} --update-docs")
        target.write_text(files[2].read_text())
        files += [DOCUMENT, target]
    return files


def measure(
    networks: Sequence[str],
    batches: Sequence[int],
    peers: Sequence[str],
    out: Path,
    isa: Isa,
    report: reports.Report,
    console: Console,
) -> None:
    """Measure the networks into `report`, a table as soon as one is done; Ctrl-C ends it and leaves what there is."""
    from measure import Measurement  # noqa: PLC0415 - needs quantc, which `main` finds

    with Status(console, report.wanted_cells) as status:
        for name in networks:
            try:
                Measurement(name, peers, out, isa, report, status.tell).run(batches)
            except KeyboardInterrupt:
                report.interrupted = True
            status.done(len(report.cells))
            if report.cells and report.cells[-1].network == name:
                console.print(rich_table(reports.network_grid(report.networks[-1])))
            if report.interrupted:
                return


def tell(report: reports.Report, out: Path, update_docs: bool, console: Console) -> None:
    """Print what the whole run says, and write its files."""
    if report.cells:
        for grid in reports.ratio_grids(report):
            console.print(rich_table(grid))
    for note in reports.footnotes(report):
        console.print(f"- {note}", markup=False, style="dim")
    for line in reports.summary(report):
        console.print(line, markup=False)
    if report.cells:
        files = write(report, out, update_docs and not report.interrupted)
        console.print(f"written: {', '.join(os.path.relpath(file) for file in files)}", markup=False)
    if report.interrupted:
        console.print("interrupted; all processes that it started are ended", markup=False)


def main(command_line: Sequence[str]) -> int:
    """Measure, tell and write."""
    options, networks, batches, peers = arguments(command_line)
    build: Path = options.build.resolve()
    package = build / "python"
    if not (package / "quantc").is_dir():
        print(f"benchmarks/run.py: no quantc in {package}; build it with `./run build`", file=sys.stderr)
        return 2
    sys.path.insert(0, str(package))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
    out: Path = (options.out or build / "bench").resolve()
    out.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=PLAIN_WIDTH)
    packages = [package for peer in peers for package in KINDS[peer].folders]
    try:
        isa = isa_named(options.isa, packages, out, lambda text: console.print(f"      {text}", markup=False))
    except RuntimeError as error:
        print(f"benchmarks/run.py: --isa={options.isa}: {error}", file=sys.stderr)
        return 1
    flags = [*isa.flags, *options.compile_flag]
    report = reports.Report(
        machine(), versions(peers), flags, len(networks) * len(batches), march=isa.march, isa=options.isa
    )
    measure(networks, batches, peers, out, isa, report, console)
    tell(report, out, options.update_docs, console)
    if report.interrupted:
        return INTERRUPTED
    return 0 if len(report.cells) == report.wanted_cells and not report.inexact() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
