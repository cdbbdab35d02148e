"""Judge the kernels by a model of CPUs that nobody here has. Called by `./run bench --mca`.

    python benchmarks/mca.py --build build [--rows dotprod,smmla] [--out FOLDER] [--draw PICTURE.svg]

Every integer row of Kernels.def is compiled for each CPU of its instruction set. The inner loop of its whole
tile is cut out of the assembly and given to llvm-mca, which simulates it on LLVM's scheduling model of the CPU. The
table tells multiply-adds a cycle, beside what a well-tiled loop written by hand reaches in the same model. Nothing is
timed, so the same compiler gives the same table on any machine. The models know no memory: every load is from the first
cache.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from kernel_rows import GROUP_CHANNELS, Row, kernel_rows
from rich.console import Console
from rich.table import Table

MCA = "/usr/lib/llvm-22/bin/llvm-mca"
ITERATIONS = 1000
BAR = 0.95  # of the reference
INPUTS, CHANNELS = 1031, 2  # of the first layer; panels of the others
X86, ARM = "x86_64-linux-gnu", "aarch64-linux-gnu"

# Multiply-adds a cycle of well-tiled loops written by hand, simulated by the same llvm-mca; None where there is none to
# compare with. SVE's are those of 128-bit vectors, which the models take all vectors for: a CPU with wider ones does as
# much more. A range has its upper end here.
CPUS: dict[str, dict[str, float | None]] = {
    "sse41": {"nehalem": None},
    "avx2": {"haswell": None, "skylake": None, "znver3": None},
    "avxvnni": {"alderlake": 63, "sapphirerapids": 63},
    "avx512bw": {"skylake-avx512": None},
    "avx512vnni": {"icelake-server": 118, "sapphirerapids": 64},
    "amx": {"sapphirerapids": None},
    "neon": {"cortex-a72": 8, "neoverse-n1": 8, "apple-m1": 11},
    "dotprod": {
        "cortex-a55": 12,
        "cortex-a76": 32,
        "neoverse-n1": 28,
        "neoverse-v1": 64,
        "neoverse-n2": 32,
        "neoverse-v2": 64,
        "apple-m1": 48,
    },
    "i8mm": {"neoverse-v1": 127, "neoverse-n2": 64, "neoverse-v2": 113, "apple-m2": 95},
    "sve": {"neoverse-v1": 32, "neoverse-n2": 32, "neoverse-v2": 64, "a64fx": 16},
    "svei8mm": {"neoverse-v1": 64, "neoverse-v2": 113},
}


@dataclass(frozen=True)
class Result:
    """A row on a CPU.

    Attributes
    ----------
    macs_per_cycle : float
        Of the inner loop of the whole tile, simulated.
    reference : float or None
        The same of a loop written by hand.
    instructions : int
        In one turn of the loop, which does `macs` multiply-adds.
    """

    row: str
    isa: str
    cpu: str
    macs_per_cycle: float
    reference: float | None
    instructions: int
    macs: int

    @property
    def ratio(self) -> float | None:
        """What the row reaches of the reference."""
        return self.macs_per_cycle / self.reference if self.reference else None


def graph(row: Row) -> str:
    """Give three layers as text; the first two share one kernel function, made for any depth, as in most networks."""
    widths = (INPUTS, CHANNELS * row.nr, CHANNELS * row.nr, row.nr)
    kinds = [f"tensor<?x{n}x!q{min(i, 1)}>" for i, n in enumerate(widths)]
    kinds[-1] = f"tensor<?x{widths[-1]}xf32>"
    lines = [
        "!q0 = !quant.uniform<u8:f32, 1.0:0>",
        "!q1 = !quant.uniform<u8<0:200>:f32, 1.0:100>",
        f"func.func @main(%x: tensor<?x{INPUTS}xf32>) -> {kinds[-1]} {{",
        f"%v0 = qnet.quantize %x : tensor<?x{INPUTS}xf32> -> {kinds[0]}",
    ]
    for i, (k, n) in enumerate(itertools.pairwise(widths)):
        types = [kinds[i], f"tensor<{n}x{k}xi{4 if row.rhs else 8}>", f"tensor<{n}xi32>", f"tensor<{n}xf32>"]
        lines += [
            f"%w{i} = qnet.constant dense<1> : {types[1]}",
            f"%b{i} = qnet.constant dense<{i}> : {types[2]}",
            f"%m{i} = qnet.constant dense<0.5> : {types[3]}",
        ]
        operands = f"%v{i}, %w{i}, %b{i}, %m{i}"
        if row.rhs:
            types.append(f"tensor<{n}x{-(-k // GROUP_CHANNELS)}xui8>")
            lines.append(f"%g{i} = qnet.constant dense<3> : {types[-1]}")
            operands += f" group_multiplier(%g{i})"
        lines.append(f"%v{i + 1} = qnet.qdense {operands} : ({', '.join(types)}) -> {kinds[i + 1]}")
    return "\n".join([*lines, f"return %v3 : {kinds[-1]}", "}", ""])


def loops(assembly: str) -> Iterator[str]:
    """Innermost loops of one block, with the jump back."""
    for block in re.split(r"^(?=\.LBB)", assembly, flags=re.MULTILINE):
        label = re.escape(block.split(":")[0])
        jump = re.search(rf"^\s+(?:j\w+|b\.\w+|cbn?z\s+\w+,|tbn?z\s+\w+,.*,)\s+{label}[^\S\n]*$", block, re.MULTILINE)
        if block.startswith(".LBB") and jump:
            yield block[: jump.end()] + "\n"


def whole_tile_loop(assembly: str, row: Row) -> tuple[str, int]:
    """Give the loop of a row's whole tile, and how many multiply-adds it does in a turn.

    Raises
    ------
    RuntimeError
        If no loop has the products of a whole tile.
    """
    functions = re.split(r"^(?=gemm_\w+:)", assembly, flags=re.MULTILINE)
    own = [part.split(".Lfunc_end")[0] for part in functions if part.startswith(row.name)]
    best, products, most = "", 0, 0
    for loop in (loop for part in own for loop in loops(part)):
        lines = [line for line in loop.splitlines() if re.search(row.instruction, line)]
        # The tiles that scalable vectors leave for wider ones may be unrolled to more instructions than the whole tile
        # has, but not to more accumulators. Elsewhere the whole tile comes first, and a single row may be unrolled.
        accumulators = len({line.split()[1] for line in lines}) if row.is_scalable else 0
        if (accumulators, len(lines)) > (most, products) and (row.is_scalable or products < row.products):
            best, products, most = loop, len(lines), accumulators
    if products < row.products:
        raise RuntimeError(f"{row.name}: no loop has the {row.products} products of a whole tile, at most {products}")
    return best, products * row.macs // row.products


def simulated_cycles(loop: str, triple: str, cpu: str) -> float:
    """Give the cycles of one turn of a loop on a CPU."""
    command = [MCA, f"-mtriple={triple}", f"-mcpu={cpu}", f"-iterations={ITERATIONS}"]
    # An instruction of the row that the model's CPU does not have is still read.
    run = subprocess.run(command, input=loop, capture_output=True, text=True, check=False)
    found = re.search(r"^Total Cycles:\s+(\d+)$", run.stdout, re.MULTILINE)
    if run.returncode or not found:
        raise RuntimeError(f"llvm-mca for {cpu}: {run.stderr.strip()[:500]}\n{loop}")
    return int(found[1]) / ITERATIONS


def judge(row: Row, cpu: str, build: Path, out: Path) -> Result:
    """Compile a row for a CPU and simulate it. The loop stays in the folder."""
    triple = X86 if row.is_x86 else ARM
    stem = out / f"{row.name}-{cpu}"
    source = stem.with_suffix(".mlir")
    source.write_text(graph(row))
    subprocess.run([build / "bin/quantc-compile-row", source, row.name, triple, cpu, stem], check=True)
    loop, macs = whole_tile_loop(stem.with_suffix(".s").read_text(), row)
    (out / f"{row.name}-{cpu}.loop.s").write_text(loop)
    instructions = len(re.findall(r"^\s+(?!#|//|\.)\S", loop, re.MULTILINE))
    return Result(
        row.name,
        row.isa,
        cpu,
        macs / simulated_cycles(loop, triple, cpu),
        CPUS[row.isa][cpu] if row.has_reference else None,
        instructions,
        macs,
    )


def grid(results: Sequence[Result]) -> Table:
    """Give the table for the terminal."""
    table = Table(title="Simulated by llvm-mca: multiply-adds a cycle", title_justify="left")
    for column in ("row", "CPU", "MAC/cycle", "reference", "ratio", "instructions"):
        table.add_column(column, justify="left" if column in ("row", "CPU") else "right", no_wrap=True)
    for r in results:
        table.add_row(*cells(r))
    return table


def cells(r: Result) -> list[str]:
    """Give a result as a table's cells."""
    ratio = f"{r.ratio:.2f}" if r.ratio else "-"
    reference = f"{r.reference:g}" if r.reference else "-"
    return [r.row, r.cpu, f"{r.macs_per_cycle:.1f}", reference, ratio, str(r.instructions)]


def markdown(results: Sequence[Result]) -> str:
    """Give the table for the docs."""
    lines = ["| row | CPU | MAC/cycle | reference | ratio |", "| --- | --- | ---: | ---: | ---: |"]
    for r in results:
        row, *rest = cells(r)[:5]
        lines.append(f"| `{row}` | {' | '.join(rest)} |")
    return "\n".join(lines) + "\n"


def best_of_cpus(results: Sequence[Result]) -> list[Result]:
    """Give the fastest row of each instruction set on each CPU that has a reference."""
    best: dict[tuple[str, str], Result] = {}
    for r in results:
        key = (r.isa, r.cpu)
        if r.reference and (key not in best or r.macs_per_cycle > best[key].macs_per_cycle):
            best[key] = r
    return list(best.values())


def draw(results: Sequence[Result], path: Path) -> None:
    """Draw what the best rows reach of their references as bars."""
    import matplotlib as mpl  # noqa: PLC0415 - only a picture needs it

    mpl.use("Agg")
    mpl.rcParams |= {"svg.hashsalt": "quantc", "font.size": 8}
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after its settings

    best = best_of_cpus(results)
    figure, axes = plt.subplots(figsize=(8, 0.6 + 0.2 * len(best)), layout="constrained")
    isas = list(dict.fromkeys(r.isa for r in best))
    for place, r in enumerate(reversed(best)):
        axes.barh(place, r.ratio or 0, color=f"C{isas.index(r.isa)}", height=0.75)
        axes.annotate(f" {r.macs_per_cycle:.0f}", (r.ratio or 0, place), va="center")
    axes.set_yticks(range(len(best)), [f"{r.isa}  {r.cpu}" for r in reversed(best)])
    axes.axvline(1, color="#333333", linewidth=1)
    axes.axvline(BAR, color="#333333", linewidth=1, linestyle=":")
    axes.set_xlabel("multiply-adds a cycle over those of a loop written by hand, both simulated (the number: ours)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main(command_line: Sequence[str]) -> int:
    """Judge, tell and write; 1 if a best row is under the bar."""
    parser = argparse.ArgumentParser(prog="./run bench --mca", description="Simulate the kernels on other CPUs.")
    parser.add_argument("--build", type=Path, required=True, help="quantc's build folder (./run gives it)")
    parser.add_argument("--out", type=Path, help="where results and loops go (BUILD/bench/mca)")
    parser.add_argument("--rows", default="", help="only rows whose names have one of these parts")
    parser.add_argument("--draw", type=Path, metavar="SVG", help="also a picture (needs what ./run bench installs)")
    options = parser.parse_args(command_line)
    out: Path = options.out or options.build / "bench/mca"
    out.mkdir(parents=True, exist_ok=True)
    parts = [part for part in options.rows.split(",") if part]
    rows = [row for row in kernel_rows() if row.isa in CPUS and row.lhs != "F32"]
    rows = [row for row in rows if not parts or any(part in row.name for part in parts)]
    if not rows:
        parser.error(f"no integer row's name has one of {options.rows}")
    with ThreadPoolExecutor() as pool:
        work = [pool.submit(judge, row, cpu, options.build, out) for row in rows for cpu in CPUS[row.isa]]
        results = [item.result() for item in work]
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=120)
    console.print(grid(results))
    (out / "mca.json").write_text(json.dumps([asdict(r) | {"ratio": r.ratio} for r in results], indent=2) + "\n")
    (out / "mca.md").write_text(markdown(results))
    if options.draw:
        draw(results, options.draw)
    best = best_of_cpus(results)
    below = [r for r in best if (r.ratio or 0) < BAR]
    console.print(f"the best row of {len(best) - len(below)} of {len(best)} reaches {BAR:.0%} of the reference")
    for r in below:
        console.print(f"below: {r.row} on {r.cpu}: {r.ratio:.2f}")
    console.print(f"written: {out}/mca.json, mca.md and the loops")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
