"""If these fail, `./run bench --mca` may judge another loop than the whole tile's, or tell other ratios."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))  # the benchmark's modules are no package
import mca
from kernel_rows import Row, kernel_rows

ROW = Row("gemm_u8s8s32_2x8x4_avxvnni", "avxvnni", "U8", 2, 8, 4, 8, 32)
ASSEMBLY = """
other:
.LBB0_1:
\tvpdpbusd\t%ymm0, %ymm1, %ymm2
\tvpdpbusd\t%ymm0, %ymm1, %ymm3
\tvpdpbusd\t%ymm0, %ymm1, %ymm4
\tjne\t.LBB0_1
.Lfunc_end0:
gemm_u8s8s32_2x8x4_avxvnni_to_f32:
.LBB1_2:
\tvpbroadcastd\t(%rdi), %ymm1
\t{vex}\tvpdpbusd\t%ymm0, %ymm1, %ymm2
\t{vex}\tvpdpbusd\t%ymm0, %ymm1, %ymm3
\tjne\t.LBB1_2
.LBB1_3:
\t{vex}\tvpdpbusd\t%ymm0, %ymm1, %ymm2
\tjne\t.LBB1_3
.Lfunc_end1:
"""


def test_the_loop_is_the_whole_tiles() -> None:
    loop, macs = mca.whole_tile_loop(ASSEMBLY, ROW)
    assert loop.startswith(".LBB1_2:")
    assert loop.endswith("jne\t.LBB1_2\n")
    assert macs == 2 * 8 * 4


def test_a_single_row_unrolled_further_is_not_the_whole_tile() -> None:
    label, line = ".LBB1_3:\n", "\t{vex}\tvpdpbusd\t%ymm0, %ymm1, %ymm2\n"
    assert label + line in ASSEMBLY
    loop, macs = mca.whole_tile_loop(ASSEMBLY.replace(label, label + 3 * line), ROW)
    assert loop.startswith(".LBB1_2:")
    assert macs == 2 * 8 * 4


def test_unrolled_twice_does_twice_as_much() -> None:
    line = "\t{vex}\tvpdpbusd\t%ymm0, %ymm1, %ymm3\n"
    assert mca.whole_tile_loop(ASSEMBLY.replace(line, 3 * line, 1), ROW)[1] == 2 * 2 * 8 * 4


def test_a_tile_without_its_products_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="no loop has the 2 products of a whole tile, at most 1"):
        mca.whole_tile_loop(ASSEMBLY.replace("{vex}\tvpdpbusd\t%ymm0, %ymm1, %ymm3", "nop"), ROW)


def test_cycles_are_llvm_mcas() -> None:
    """One dependent addition a turn takes a cycle on any CPU."""
    assert mca.simulated_cycles("addq $1, %rax\n", mca.X86, "skylake") == pytest.approx(1, abs=0.01)
    with pytest.raises(RuntimeError, match="llvm-mca for skylake"):
        mca.simulated_cycles("no instruction\n", mca.X86, "skylake")


def test_the_best_row_of_an_instruction_set_counts() -> None:
    slow = mca.Result("a", "avxvnni", "alderlake", 50, 63, 30, 256)
    fast = mca.Result("b", "avxvnni", "alderlake", 63, 63, 30, 256)
    none = mca.Result("c", "avx2", "haswell", 20, None, 30, 256)
    assert mca.best_of_cpus([slow, fast, none]) == [fast]
    assert fast.ratio == 1
    assert none.ratio is None
    assert mca.cells(slow) == ["a", "alderlake", "50.0", "63", "0.79", "30"]
    assert mca.cells(none)[3:5] == ["-", "-"]


def test_every_row_is_read_and_has_a_cpu_to_be_judged_on() -> None:
    rows = [row for row in kernel_rows() if row.lhs != "F32" and row.isa != "portable"]
    assert {row.isa for row in rows} == set(mca.CPUS)
    assert all(row.products > 0 for row in rows)
