"""Run the code blocks of Markdown pages, as a reader would.

Each page gets a fresh folder, in which its blocks run in order, so that a block may use the files of the one before.
The folder has a link to the project's `examples`, and the tools are on the PATH.

sh      runs in a shell that stops at the first error. A line `./run COMMAND` is not run (it builds the project): it is
        checked that `./run` knows the command.
c       must compile, with the headers in the folder `out` of an earlier block.
mlir    must pass `quant-opt`.
json    must be JSON, one value a line or one altogether.

Blocks of other languages are not code of the project.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
RUN_COMMAND = re.compile(r"^\./run( (?P<command>\w+))?( --\w+)?$", re.MULTILINE)
SECONDS = 300  # a block that takes longer hangs


class BlockError(Exception):
    """What a block did instead of passing."""


class Page:
    """One page's folder and environment."""

    def __init__(self, folder: Path, source: Path, tools: Path) -> None:
        self.folder = folder
        self.source = source
        folder.mkdir(parents=True)
        (folder / "examples").symlink_to(source / "examples")
        shims = folder / ".shims"
        shims.mkdir()
        for name in ("python", "python3"):  # this very Python, with its packages
            shim = shims / name
            shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
            shim.chmod(0o755)
        path = os.pathsep.join([str(shims), str(tools), os.environ.get("PATH", "")])
        package = str(tools.parent / "python")
        self.environment = {**os.environ, "PATH": path, "PYTHONPATH": package, "QUANTC_SOURCE": str(source)}

    def command(self, arguments: list[str], text: str) -> None:
        done = subprocess.run(
            arguments,
            input=text,
            text=True,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise BlockError(f"exit code {done.returncode}:\n{done.stdout}")

    def sh(self, text: str) -> None:
        known = (self.source / "run").read_text()
        for match in RUN_COMMAND.finditer(text):
            if match["command"] and f"command_{match['command']}()" not in known:
                raise BlockError(f"`./run` has no command {match['command']!r}")
        rest = RUN_COMMAND.sub("", text)
        if rest.strip():
            self.command(["bash", "-euo", "pipefail", "-s"], rest)

    def c(self, text: str) -> None:
        self.command(["clang-22", "-std=c11", "-Wall", "-Werror", "-fsyntax-only", "-Iout", "-xc", "-"], text)

    def mlir(self, text: str) -> None:
        self.command(["quant-opt", "-"], text)

    def python(self, text: str) -> None:
        self.command([sys.executable, "-"], text)

    def json(self, text: str) -> None:
        try:
            json.loads(text)
        except ValueError:
            for line in text.splitlines():
                json.loads(line)


def blocks(page: Path) -> Iterator[tuple[int, str, str]]:
    """Give line, language and text of every block."""
    text = page.read_text()
    for match in BLOCK.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match["language"], match["text"]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("pages", type=Path, nargs="+")
    given = parser.parse_args()
    failures = 0
    for path in given.pages:
        page = Page(given.work / path.stem, given.source, given.tools)
        runners: dict[str, Callable[[str], None]] = {
            "sh": page.sh,
            "c": page.c,
            "mlir": page.mlir,
            "python": page.python,
            "json": page.json,
        }
        ran = 0
        for line, language, text in blocks(path):
            if language not in runners:
                continue
            try:
                runners[language](text)
                ran += 1
            except (BlockError, ValueError, subprocess.TimeoutExpired) as problem:
                failures += 1
                print(f"{path}:{line}: this {language} block failed: {problem}")
        print(f"{path.name}: {ran} blocks ran")
    if not failures:
        print("all blocks passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
