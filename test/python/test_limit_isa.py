"""If these fail, `./run bench --isa=avx2` may time peers that use instructions which it says they do not have."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))  # the benchmark's modules are no package

import limit_isa  # noqa: E402

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="cpuid is an instruction of x86-64")

LIBRARY = """
#include <cpuid.h>
static unsigned at_load[4];
__attribute__((constructor)) static void load(void) {
  __cpuid_count(7, 0, at_load[0], at_load[1], at_load[2], at_load[3]);
}
void loaded(unsigned *r) { for (int i = 0; i < 4; ++i) r[i] = at_load[i]; }
void ask(unsigned leaf, unsigned subleaf, unsigned *r) { __cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]); }
unsigned long bytes_of_cpuid(void) { return 0xa20f; }
"""
CALLER = """
import ctypes, json, sys
library = ctypes.CDLL(sys.argv[1])
def registers(call, *arguments):
    result = (ctypes.c_uint * 4)()
    call(*arguments, result)
    return list(result)
print(json.dumps([registers(library.loaded), *(registers(library.ask, *a) for a in [(7, 0), (7, 1), (0, 0), (1, 0)]),
                  library.bytes_of_cpuid()]))
"""
AVX512F, AVX512VL, AVX2 = 1 << 16, 1 << 31, 1 << 5  # of EBX
AVX512_VNNI = 1 << 11  # of ECX
AVX_VNNI = 1 << 4  # of EAX, subleaf 1
HIDDEN = {"ebx": 0xDC230000, "ecx": 0x00005842, "edx": 0x03C0010C, "eax1": 0x00A00030, "edx1": 0x00080530}


def answers(library: Path, environment: dict[str, str]) -> tuple[list[list[int]], int]:
    """Ask a process that loads the library: registers, and a constant with the instruction's bytes in it."""
    output = subprocess.run(
        [sys.executable, "-c", CALLER, library], env=environment, capture_output=True, text=True, check=True
    ).stdout
    *registers, constant = json.loads(output)
    return registers, constant


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that asks when it is loaded and later."""
    source = tmp_path_factory.mktemp("site") / "peer" / "asks.c"
    source.parent.mkdir()
    source.write_text(LIBRARY)
    target = source.with_suffix(".so")
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", source, "-o", target], check=True)
    return target


def test_features_are_hidden(library: Path, tmp_path: Path) -> None:
    told: list[str] = []
    environment = limit_isa.limited_environment([str(library.parent)], tmp_path, told.append)
    assert told == ["search asks.so for cpuid"]
    plain, _ = answers(library, {})
    limited, constant = answers(library, environment)
    assert constant == 0xA20F  # bytes that are no instruction stay
    for at_load in (0, 1):
        eax, ebx, ecx, edx = plain[at_load]
        expected = [eax, ebx & ~HIDDEN["ebx"], ecx & ~HIDDEN["ecx"], edx & ~HIDDEN["edx"]]
        assert limited[at_load] == expected
        assert limited[at_load][1] & (AVX512F | AVX512VL) == 0
        assert limited[at_load][1] & AVX2 == ebx & AVX2
        assert limited[at_load][2] & AVX512_VNNI == 0
    eax, ebx, ecx, edx = plain[2]
    assert limited[2] == [eax & ~HIDDEN["eax1"], ebx, ecx, edx & ~HIDDEN["edx1"]]
    assert limited[2][0] & AVX_VNNI == 0
    assert limited[3] == plain[3]
    assert Path(environment["QUANTC_CPUID_LOG"]).read_text().startswith(f"{library.resolve()} ")


def test_addresses_are_kept_while_the_file_is_the_same(library: Path, tmp_path: Path) -> None:
    told: list[str] = []
    for _ in range(2):
        limit_isa.limited_environment([str(library.parent)], tmp_path, told.append)
    assert told == ["search asks.so for cpuid"]


def test_changed_library_is_refused(library: Path, tmp_path: Path) -> None:
    environment = limit_isa.limited_environment([str(library.parent)], tmp_path, lambda _: None)
    sites = Path(environment["QUANTC_CPUID_SITES"])
    address, _, path = sites.read_text().splitlines()[0].partition(" ")
    sites.write_text(f"{int(address, 16) + 1:x} {path}\n")
    failed = subprocess.run(
        [sys.executable, "-c", CALLER, library], env=environment, capture_output=True, text=True, check=False
    )
    assert failed.returncode == 1
    assert "run the benchmark again" in failed.stderr


def test_native_limits_nothing(tmp_path: Path) -> None:
    isa = limit_isa.isa_named("native", ["nowhere"], tmp_path, lambda _: None)
    assert isa == limit_isa.Isa()
    assert list(tmp_path.iterdir()) == []
