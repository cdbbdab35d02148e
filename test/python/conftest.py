"""Fixtures: a library with the C interface that quantc emits, made from C, and a stand-in for the quantc tool.

The stand-in speaks the tool's protocol, so what it breaks is the Python layer's part of that protocol alone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SOURCE = """
#include <stddef.h>
/* Two inputs of (2, 3) and (2,), two outputs of (3,) and (): sums, and the address of the workspace modulo 64. */
size_t {name}_workspace_size(size_t batch) {{ return batch * 5; }}
void {name}_run(const float *a, const float *b, float *sums, float *aligned, size_t batch, void *workspace) {{
  for (size_t i = 0; i < batch * 5; ++i) ((volatile char *)workspace)[i] = (char)i;
  for (size_t row = 0; row < batch; ++row) {{
    for (size_t j = 0; j < 3; ++j)
      sums[row * 3 + j] = a[row * 6 + j] + a[row * 6 + 3 + j] + b[row * 2] * b[row * 2 + 1];
    aligned[row] = (float)((size_t)workspace % 64);
  }}
}}
"""

INPUTS = [("a", (2, 3)), ("b", (2,))]
OUTPUTS = [("sums", (3,)), ("aligned", ())]


def manifest(name: str, library: Path) -> dict[str, Any]:
    """The manifest of SOURCE, compiled to `library`."""
    return {
        "version": "0.1.0",
        "name": name,
        "target": "x86_64-unknown-linux-gnu",
        "cpu": "haswell",
        "variants": ["haswell"],
        "features": [],
        "threads": 1,
        "inputs": [
            {"name": "a", "shape": [None, 2, 3], "values": 6, "scale": 0.25, "zero_point": 3},
            {"name": "b", "shape": [None, 2], "values": 2},
        ],
        "int8_entry": False,
        "outputs": [{"name": "sums", "shape": [None, 3], "values": 3}, {"name": "aligned", "shape": [None]}],
        "layers": [
            {
                "name": "first",
                "op": "qdense",
                "function": "relu",
                "kernel": "gemm_avx2",
                "sum_bits": 32,
                "visited_share": 0.0,
                "zero_share": 0.25,
                "listed_share": 1.0,
                "inputs": 6,
                "outputs": 3,
                "weights_bits": 8,
                "input_bits": 8,
                "output_bits": 32,
                "weights_bytes": 2048,
                "input_scale": 0.0039215689,
                "input_zero_point": 0,
            },
            {
                "name": "second",
                "op": "lookup",
                "function": "",
                "kernel": "",
                "sum_bits": 0,
                "visited_share": 0,
                "zero_share": 0,
                "listed_share": 1,
                "weights_bits": 0,
                "weights_bytes": 0,
            },
        ],
        "sizes": {"object": 4096, "weights": 12},
        "digests": {"shared": hashlib.sha256(library.read_bytes()).hexdigest()},
    }


@pytest.fixture(scope="session")
def c_compiler() -> str:
    for name in ("cc", "gcc", "clang-22"):
        found = shutil.which(name)
        if found:
            return found
    pytest.fail("no C compiler; `./run setup` installs one")


@pytest.fixture(scope="session")
def make_network(c_compiler: str) -> Callable[[Path, str], Path]:
    """Write N.so, N.json, N.o, N.h and N.mlirbc into a folder; give the library's path."""

    def make(folder: Path, name: str) -> Path:
        source = folder / f"{name}.c"
        source.write_text(SOURCE.format(name=name))
        library = folder / f"{name}.so"
        subprocess.run([c_compiler, "-shared", "-fPIC", "-O1", source, "-o", library], check=True)
        source.unlink()
        for suffix in (".o", ".h", ".mlirbc"):
            library.with_suffix(suffix).write_text(f"{name}{suffix}")
        library.with_suffix(".json").write_text(json.dumps(manifest(name, library)))
        return library

    return make


@pytest.fixture(scope="session")
def network(make_network: Callable[[Path, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled network named "sums"."""
    return make_network(tmp_path_factory.mktemp("network"), "sums")


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make a Python text the quantc tool of this test; `args` is its command line."""

    def install(body: str) -> Path:
        tool = tmp_path / "quantc-stand-in"
        head = f"#!{sys.executable}\nimport json, os, pathlib, signal, sys, time\nargs = sys.argv[1:]\n"
        tool.write_text(head + textwrap.dedent(body))
        tool.chmod(0o755)
        monkeypatch.setenv("QUANTC_TOOL", str(tool))
        return tool

    return install


@pytest.fixture(scope="session")
def templates(make_network: Callable[[Path, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks under the names that the tests compile to."""
    folder = tmp_path_factory.mktemp("templates")
    for name in ("model", "mnist", "digits_v1"):
        make_network(folder, name)
    return folder


@pytest.fixture
def recording_tool(stand_in: Callable[[str], Path], templates: Path, tmp_path: Path) -> Callable[[], list[list[str]]]:
    """A stand-in that "compiles" any model to SOURCE under the wanted name; gives the command lines it was called with.

    `run` adds one to its first input for each output, `compare` gives two layers.
    """
    log = tmp_path / "calls.jsonl"
    stand_in(
        f"""
        import shutil
        import numpy
        with open({str(log)!r}, "a") as log:
            log.write(json.dumps(args) + chr(10))
        def values(option):
            return [args[i + 1] for i, a in enumerate(args) if a == option]
        if args[0] == "compile":
            for line in ({{"event": "progress", "stage": "calibrate", "done": 1, "total": 1}}, {{"event": "done"}}):
                print(json.dumps(line), file=sys.stderr)
            name = values("--name")[0]
            for file in pathlib.Path({str(templates)!r}).glob(name + ".*"):
                shutil.copy(file, values("-o")[0])
        elif args[0] == "run":
            x = numpy.load(values("--input")[0])
            for output in values("--output"):
                numpy.save(output, x + x.dtype.type(1))
        elif args[0] == "compare":
            layers = [{{"name": "first", "sqnr_db": 51.25, "max_error": 0.001}}, {{"name": "second", "sqnr_db": 44.0}}]
            print(json.dumps({{"rows": 3, "layers": layers, "bits_equal": True}}))
        """
    )

    def calls() -> list[list[str]]:
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    return calls
