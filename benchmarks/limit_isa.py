"""Let contenders see a CPU of AVX2, on one that has AVX-512 or AVX-VNNI as well: `./run bench --isa=avx2`.

Peers choose their code by what `cpuid` says when they are loaded, and most have no switch for it. So the dynamic linker
loads limit_isa.c into a contender's process (as LD_AUDIT); it lets each `cpuid` instruction of a library answer
without those features. Their addresses come from a disassembler, since the bytes alone also stand in other
instructions; a list is kept beside the results, as long as the files do not change.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from plain_c import COMPILER

SOURCE = Path(__file__).with_name("limit_isa.c")
CPUID = b"\x0f\xa2"
DISASSEMBLERS = ("objdump", "llvm-objdump-22")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s*cpuid\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Isa:
    """The instructions that everyone may use.

    Attributes
    ----------
    march : str
        The C compiler's option.
    flags : list of str
        For `quantc compile`.
    environment : dict of str to str
        For the contenders' processes.
    """

    march: str = "-march=native"
    flags: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


NATIVE, AVX2 = "native", "avx2"
ISAS = (NATIVE, AVX2)
AVX2_FLAGS = ["--cpu=x86-64-v3"]  # of `quantc compile`


def isa_named(name: str, packages: Iterable[str], out: Path, tell: Callable[[str], None]) -> Isa:
    """Give what makes everyone use that instruction set; the rest is as in `limited_environment`."""
    if name == NATIVE:
        return Isa()
    return Isa("-march=x86-64-v3", AVX2_FLAGS, limited_environment(packages, out, tell))


def cpuid_addresses(library: Path) -> list[str]:
    """Give the addresses of a library's cpuid instructions, in hexadecimal.

    Raises
    ------
    RuntimeError
        If there is no disassembler, or it fails.
    """
    tool = next(filter(None, map(shutil.which, DISASSEMBLERS)), None)
    if tool is None:
        raise RuntimeError(f"no {' or '.join(DISASSEMBLERS)}: install binutils")
    with subprocess.Popen(
        [tool, "-d", "--no-show-raw-insn", library], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as listing:
        found = subprocess.run(
            ["grep", "-w", "cpuid"], stdin=listing.stdout, capture_output=True, text=True, check=False
        ).stdout
        if listing.stdout:
            listing.stdout.close()
    if listing.returncode != 0:
        raise RuntimeError(f"{tool} cannot read {library}")
    return INSTRUCTION.findall(found)


def shared_libraries(folders: Iterable[Path]) -> list[Path]:
    """Give the shared libraries in the folders, each under the path that the linker will know it by."""
    found = {path.resolve() for folder in folders for path in folder.rglob("*.so*") if path.is_file()}
    return sorted(path for path in found if is_elf(path))


def is_elf(path: Path) -> bool:
    """Say whether a file is a program or library."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def limited_environment(packages: Iterable[str], out: Path, tell: Callable[[str], None]) -> dict[str, str]:
    """Give the environment for processes whose libraries shall see AVX2.

    Parameters
    ----------
    packages : iterable of str
        Folders of site-packages that are searched.
    out : Path
        Where the library and the list are kept.
    tell : callable of str
        Told which library is searched: hundreds of megabytes take a minute.

    Raises
    ------
    RuntimeError
        If the library cannot be built or a file not be read.
    """
    audit, sites, kept = out / "limit_isa.so", out / "cpuid-sites.txt", out / "cpuid-sites.json"
    command: list[str | Path] = [COMPILER, "-O2", "-shared", "-fPIC", SOURCE, "-o", audit]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        raise RuntimeError(f"{SOURCE.name} cannot be built: {built.stderr.strip().splitlines()[:1]}")
    known: dict[str, list[str]] = json.loads(kept.read_text()) if kept.is_file() else {}
    site_packages = Path(sysconfig.get_paths()["platlib"])
    addresses: dict[Path, list[str]] = {}
    for library in shared_libraries(site_packages / package for package in packages):
        state = library.stat()
        key = f"{library} {state.st_size} {state.st_mtime_ns}"
        if key not in known and CPUID not in library.read_bytes():
            known[key] = []
        if key not in known:
            tell(f"search {library.name} for cpuid")
            known[key] = cpuid_addresses(library)
        addresses[library] = known[key]
    kept.write_text(json.dumps(known))
    sites.write_text("".join(f"{address} {path}\n" for path, found in addresses.items() for address in found))
    return {"LD_AUDIT": str(audit), "QUANTC_CPUID_SITES": str(sites), "QUANTC_CPUID_LOG": str(out / "cpuid-log.txt")}
