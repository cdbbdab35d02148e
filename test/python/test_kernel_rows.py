"""If these fail, a kernel of some instruction set computes other bits than the definition, or its loop spills.

Every row of Kernels.def is compiled, alone, in a chain of three layers of odd sizes, as the compiler does it. Its code
must have the row's instruction in a loop that holds all accumulators in registers. It must give the definition's bits
on an emulated CPU, for every remainder of rows, channels and inputs. (KernelGridTest runs the rows of this machine on
itself.)
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from bare_metal import ALL_STATE, AVX_STATE, NO_STATE, SAY, llvm_tool, run_bare
from quantc.tool import find_tool

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))  # the benchmark's modules are no package
from kernel_rows import GROUP_CHANNELS, TILE_INPUTS, Row, kernel_rows  # noqa: E402 - from the folder above

BATCHES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 65)
INPUTS = 133
ZERO_SHARE = 0.6  # of the blocks of 16 channels by 4 inputs, where panels list their groups


@dataclass(frozen=True)
class Storage:
    """How activations are stored: the input from 0 to `most`, those between layers with a zero point."""

    bits: int
    most: int
    zero_point: int
    largest: int
    narrowing: int  # of the multipliers, so that results spread over the range


BYTES, WORDS = Storage(8, 255, 100, 200, 1), Storage(16, 32767, 10000, 30000, 8)


@dataclass(frozen=True)
class Cpu:
    """What a row's code is made for, and what runs it: a CPU of Bochs' or qemu's."""

    triple: str
    name: str
    emulated: str
    runs_as: str = ""  # compiled again for this CPU, because nothing emulates `name`
    state: int = ALL_STATE  # of Bochs' CPU


X86, ARM, RISCV = "x86_64-linux-gnu", "aarch64-linux-gnu", "riscv64-linux-gnu"
CPUS = {
    "portable": Cpu(RISCV, "portable", "rv64"),
    "sse41": Cpu(X86, "x86-64-v2", "corei5_lynnfield_750", state=NO_STATE),
    "avx2": Cpu(X86, "haswell", "corei7_haswell_4770", state=AVX_STATE),
    # vpdpbusd of 256 bits in AVX512-VNNI's encoding.
    "avxvnni": Cpu(X86, "alderlake", "tigerlake", runs_as="tigerlake"),
    "avx512bw": Cpu(X86, "skylake-avx512", "corei7_skylake_x"),
    "avx512vnni": Cpu(X86, "icelake-server", "corei7_icelake_u"),
    # Tile registers by functions of the program (TILES).
    "amx": Cpu(X86, "sapphirerapids", "corei7_icelake_u", runs_as="icelake-server"),
    "neon": Cpu(ARM, "cortex-a53", "cortex-a53"),
    "dotprod": Cpu(ARM, "neoverse-n1", "neoverse-n1"),
    "i8mm": Cpu(ARM, "neoverse-v1", "max"),
    "sve": Cpu(ARM, "a64fx", "a64fx"),
    "svei8mm": Cpu(ARM, "neoverse-v1", "max"),
}

STACK = re.compile(r"\(%rsp\b|\[sp\b")  # %rbp and x29 are registers like others here


ROWS = kernel_rows()


class Chain:
    """Three layers: the graph of a row, its inputs and what the definition says of them.

    The first two share one kernel function, which so is not made for one depth alone.
    """

    def __init__(self, row: Row, lists: bool = False, storage: Storage = BYTES) -> None:
        self.row, self.storage = row, storage
        self.lists = lists
        random = np.random.default_rng(11)
        # As many steps of the loop as LLVM does not unroll whole.
        inputs = INPUTS + (8 * row.kr if row.kr == TILE_INPUTS else 0)
        self.widths = (inputs, 3 * row.nr + 1, 2 * row.nr - 1, 3)
        shapes = list(zip(self.widths[1:], self.widths[:-1], strict=True))
        least, most = (-7, 7) if row.rhs else (-128, 127)
        self.weights: list[Integers] = [random.integers(least, most + 1, shape) for shape in shapes]
        for weights in self.weights[:2]:
            weights[0], weights[1] = most, least
        if lists:
            for weights in self.weights:
                zero = random.random((len(weights) // 16 + 1, weights.shape[1] // 4 + 1)) < ZERO_SHARE
                weights[zero.repeat(16, 0).repeat(4, 1)[: weights.shape[0], : weights.shape[1]]] = 0
        # Multipliers of groups: one in each layer at its extreme.
        self.groups: list[Integers] = [random.integers(1, 9, (n, -(-k // GROUP_CHANNELS))) for n, k in shapes]
        for groups in self.groups:
            groups[0, 0] = 255
        self.biases: list[Integers] = [random.integers(-5000, 5000, n) for n, _ in shapes]
        self.multipliers = [
            (random.random(n) * 0.01 + 0.001).astype(np.float32) / np.float32(storage.narrowing) for n, _ in shapes
        ]
        self.rows: Floats = random.integers(0, storage.most + 1, (max(BATCHES), inputs)).astype(np.float32)
        self.rows[0] = storage.most
        self.is_float = row.lhs == "F32"
        if self.is_float:
            self.rows = (self.rows - np.float32(100.3)) / np.float32(7)

    def graph(self) -> str:
        """Integers: quantized at scale 1, so that a float input is its own integer."""
        lines = [f"func.func @main(%x: tensor<?x{self.widths[0]}xf32>) -> tensor<?x{self.widths[3]}xf32> {{"]
        types = [f"tensor<?x{n}x!q{min(i, 1)}>" for i, n in enumerate(self.widths)]
        if self.is_float:
            types = [f"tensor<?x{n}xf32>" for n in self.widths]
        else:
            lines.append(f"%v0 = qnet.quantize %x : tensor<?x{self.widths[0]}xf32> -> {types[0]}")
            types[3] = f"tensor<?x{self.widths[3]}xf32>"
        value = "%x" if self.is_float else "%v0"
        for i in range(len(self.weights)):
            operands: list[tuple[str, npt.NDArray[np.generic], str]]
            if self.is_float:
                operands = [("w", self.real(i), "f32"), ("b", self.biases[i].astype(np.float32), "f32")]
            else:
                operands = [
                    ("w", self.weights[i], "i8"),
                    ("b", self.biases[i], "i32"),
                    ("m", self.multipliers[i], "f32"),
                ]
            if self.row.rhs:
                operands[0] = ("w", self.weights[i], "i4")
                operands.append(("g", self.groups[i], "ui8"))
            names, kinds = [value], [types[i]]
            for name, values, kind in operands:
                names.append(f"%{name}{i}")
                kinds.append(f"tensor<{'x'.join(map(str, values.shape))}x{kind}>")
                lines.append(f"{names[-1]} = qnet.constant dense<{values.tolist()}> : {kinds[-1]}")
            value = f"%v{i + 1}"
            op = "dense" if self.is_float else "qdense"
            written = ", ".join(names)
            if self.row.rhs:
                written = f"{', '.join(names[:-1])} group_multiplier({names[-1]})"
            lines.append(f"{value} = qnet.{op} {written} : ({', '.join(kinds)}) -> {types[i + 1]}")
        lines += [f"return {value} : {types[3]}", "}"]
        stored = self.storage
        quantized = (
            f"!quant.uniform<u{stored.bits}<0:{stored.most}>:f32, 1.0:0>",
            f"!quant.uniform<u{stored.bits}<0:{stored.largest}>:f32, 1.0:{stored.zero_point}>",
        )
        return "".join(f"!q{i} = {kind}\n" for i, kind in enumerate(quantized)) + "\n".join(lines) + "\n"

    def real(self, layer: int) -> Floats:
        return self.weights[layer].astype(np.float32) / np.float32(64)

    def expected(self) -> Floats:
        """The definition, one operation at a time."""
        values: Floats = self.rows
        for i, weights in enumerate(self.weights):
            if self.is_float:
                sums = np.broadcast_to(self.biases[i].astype(np.float32), (len(values), len(weights)))
                for k in range(weights.shape[1]):
                    sums = sums + values[:, k : k + 1] * self.real(i)[:, k]
                values = sums
                continue
            factors = np.repeat(self.groups[i], GROUP_CHANNELS, axis=1)[:, : weights.shape[1]] if self.row.rhs else 1
            accumulator = values.astype(np.int64) @ (weights * factors).T + self.biases[i]
            values = accumulator.astype(np.float32) * self.multipliers[i]
            if i < 2:
                stored = np.clip(np.rint(values) + np.float32(self.storage.zero_point), 0, self.storage.largest)
                values = stored.astype(np.float32)
        return values


def c_array(name: str, values: npt.NDArray[np.generic]) -> str:
    words = ",".join(map(hex, np.ascontiguousarray(values).view(np.uint32).ravel().tolist()))
    return f"static const unsigned {name}[] = {{{words}}};\n"


def program(chain: Chain) -> str:
    """C that runs all batches and says in how many words the results differ, and where it wrote out of bounds."""
    outputs = chain.widths[3]
    return f"""
typedef __SIZE_TYPE__ size_type;
void row_run(const float *, float *, size_type, void *);
size_type row_workspace_size(size_type);
{c_array("given", chain.rows)}{c_array("expected", chain.expected())}
static const size_type batches[] = {{{",".join(map(str, BATCHES))}}};
static unsigned result[({max(BATCHES)} + 1) * {outputs}];
static _Alignas(64) char workspace[1 << 20];
void program(void) {{
  unsigned long wrong = 0, checked = 0;
  for (size_type i = 0; i < sizeof batches / sizeof *batches; ++i) {{
    size_type rows = batches[i];
    for (size_type j = 0; j < sizeof result / sizeof *result; ++j) ((volatile unsigned *)result)[j] = 0xdeadbeef;
    if (row_workspace_size(rows) > sizeof workspace) return say("workspace");
    row_run((const float *)given, (float *)result, rows, workspace);
    for (size_type j = 0; j < (rows + 1) * {outputs}; ++j, ++checked)
      wrong += result[j] != (j < rows * {outputs} ? expected[j] : 0xdeadbeef);
  }}
  say_number(wrong);
  say(" of ");
  say_number(checked);
}}
"""


def said_when_all_is_right(chain: Chain) -> str:
    return f"0 of {sum((rows + 1) * chain.widths[3] for rows in BATCHES)}"


# AMX's instructions as the Intel SDM volume 2 defines them, on tiles in memory; what would fault ends the program.
TILES = """
static unsigned char tile_config[64], tiles[8][16][64];
static void fault(const char *what) { say(what); for (;;) __asm__ volatile("hlt"); }
static unsigned tile_rows(int tile) { return tile_config[48 + tile]; }
static unsigned tile_bytes(int tile) { return tile_config[16 + 2 * tile] + 256u * tile_config[17 + 2 * tile]; }
void emulated_tilerelease(void) { for (int i = 0; i < 64; ++i) tile_config[i] = 0; }
void emulated_ldtilecfg(const unsigned char *from) {
  for (int i = 0; i < 64; ++i) tile_config[i] = from[i];
  if (tile_config[0] != 1 || tile_config[1]) fault("palette");
  for (int i = 2; i < 16; ++i) if (tile_config[i]) fault("reserved");
  for (int i = 0; i < 8; ++i) if (tile_rows(i) > 16 || tile_bytes(i) > 64) fault("size");
  for (unsigned i = 0; i < sizeof tiles; ++i) (&tiles[0][0][0])[i] = 0;
}
static void used(int tile) { if (!tile_rows(tile) || !tile_bytes(tile)) fault("not configured"); }
void emulated_tileloadd64(char tile, const unsigned char *from, long pitch) {
  used(tile);
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned i = 0; i < 64; ++i)
      tiles[tile][row][i] = row < tile_rows(tile) && i < tile_bytes(tile) ? from[row * pitch + i] : 0;
}
void emulated_tilestored64(char tile, unsigned char *to, long pitch) {
  used(tile);
  for (unsigned row = 0; row < tile_rows(tile); ++row)
    for (unsigned i = 0; i < tile_bytes(tile); ++i) to[row * pitch + i] = tiles[tile][row][i];
}
void emulated_tdpbusd(char to, char a, char b) {
  used(to), used(a), used(b);
  if (tile_rows(to) != tile_rows(a) || tile_bytes(a) != 4 * tile_rows(b) || tile_bytes(b) != tile_bytes(to))
    fault("sizes");
  for (unsigned m = 0; m < tile_rows(to); ++m)
    for (unsigned k = 0; k < tile_bytes(a) / 4; ++k)
      for (unsigned n = 0; n < tile_bytes(to) / 4; ++n)
        for (unsigned j = 0; j < 4; ++j)
          ((int *)tiles[to][m])[n] += tiles[a][m][4 * k + j] * (signed char)tiles[b][k][4 * n + j];
}
"""


def compile_row(folder: Path, chain: Chain, triple: str, cpu: str, *, emulated: bool = False) -> Path:
    """Write ``row.o`` and ``row.s`` of a chain; `emulated` has AMX's instructions be calls."""
    build = os.environ.get("QUANTC_BUILD")
    tools = Path(build) / "bin" if build else find_tool().parent
    folder.mkdir(exist_ok=True)
    (folder / "graph.mlir").write_text(chain.graph())
    command: list[str | Path] = [
        tools / "quantc-compile-row",
        folder / "graph.mlir",
        chain.row.name,
        triple,
        cpu,
        folder / "row",
        *(["emulated"] if emulated else []),
    ]
    subprocess.run(command + ["lists"] * chain.lists, check=True)
    return folder / "row.o"


def loops(assembly: str) -> Iterator[str]:
    """Innermost loops of one block: what stands between a label and a jump back to it."""
    for block in re.split(r"^(?=\.LBB)", assembly, flags=re.MULTILINE):
        label = block.split(":")[0]
        jump = re.search(
            rf"^\s+(?:j\w+|b\.\w+|cbn?z\s+\w+,|tbn?z\s+\w+,.*,)\s+{re.escape(label)}$", block, re.MULTILINE
        )
        if label.startswith(".LBB") and jump:
            yield block[: jump.start()]


FORMS = [(row, lists) for row in ROWS for lists in ((False, True) if row.takes_lists else (False,))]
CHECKED = [pytest.param(row, lists, id=f"{row}{'-lists' * lists}") for row, lists in FORMS if row.isa != "portable"]


@pytest.mark.parametrize(("row", "lists"), CHECKED)
def test_loop_has_its_instruction_and_no_spill(row: Row, lists: bool, tmp_path: Path) -> None:
    cpu = CPUS[row.isa]
    compile_row(tmp_path, Chain(row, lists), cpu.triple, cpu.name)
    assembly = (tmp_path / "row.s").read_text()
    instruction = row.instruction
    # The function that layers share: one that is called once is made for one depth, and may be unrolled whole.
    shared = [
        part.split(".Lfunc_end")[0]
        for part in re.split(r"^(?=gemm_\w+:)", assembly, flags=re.MULTILINE)
        if part.startswith(row.name)
    ]
    assert shared, f"{row} has no function of its own"
    found = [loop for part in shared for loop in loops(part) if re.search(instruction, loop)]
    counts = [len(re.findall(instruction, loop)) for loop in found]
    assert max(counts, default=0) >= row.products, f"{row}: no loop has its {row.products} {instruction}: {counts}"
    for loop in found:
        assert not STACK.search(loop), f"{row} touches the stack in its loop:\n{loop}"


# Bytes of a scalable vector: the powers of two that there can be (Arm ARM B1.4; LLVM counts on it).
VECTOR_BYTES = (16, 32, 64, 128, 256)


def emulated_cpus(row: Row) -> list[str]:
    """Give the CPUs that a row's code is to run on: for a scalable row, with vectors of each length."""
    if row.is_scalable:
        return [f"max,sve-default-vector-length={length}" for length in VECTOR_BYTES] + [CPUS[row.isa].emulated]
    return [CPUS[row.isa].emulated]


RUNS = [
    pytest.param(row, lists, storage, emulated, id=f"{row}{'-lists' * lists}-{storage.bits}-{emulated}")
    for row, lists in FORMS
    for storage in ([BYTES, WORDS] if row.lhs == "S16" else [BYTES])
    for emulated in emulated_cpus(row)
]


@pytest.mark.parametrize(("row", "lists", "storage", "emulated"), RUNS)
def test_same_bits_as_the_definition(row: Row, lists: bool, storage: Storage, emulated: str, tmp_path: Path) -> None:
    cpu, chain = CPUS[row.isa], Chain(row, lists, storage)
    tiles = TILES if row.kr == TILE_INPUTS else ""
    code = compile_row(tmp_path, chain, cpu.triple, cpu.runs_as or cpu.name, emulated=bool(tiles))
    if cpu.triple == X86:
        said = run_bare(tmp_path, tiles + program(chain), [code], emulated, cpu.state)
    else:
        architecture = cpu.triple.split("-")[0]
        hosted = tmp_path / "hosted.c"
        hosted.write_text(f"#include <stdio.h>\n{SAY}{program(chain)}int main(void) {{ program(); return 0; }}\n")
        linker = llvm_tool(f"{cpu.triple}-gcc")
        subprocess.run([linker, "-static", "-O1", hosted, code, "-o", tmp_path / "hosted"], check=True)
        emulator = [llvm_tool(f"qemu-{architecture}"), "-cpu", emulated]
        said = subprocess.run([*emulator, tmp_path / "hosted"], capture_output=True, text=True, check=True).stdout
    assert said == said_when_all_is_right(chain), f"{row} on {emulated}"
