"""Run every static check: formatting, clang-tidy, ruff, mypy, the shape of the tree. Called by `./run lint`.

clang-tidy takes seconds a file, so by default it looks at the C++ files that differ from the last commit, and at as
many of them as a few minutes allow; it says which it did not reach. `--all` looks at every file.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CPP_SUFFIXES = (".cpp", ".h", ".c")
TIDY_FOLDERS = ("lib", "tools", "python")
PYTHON_FOLDERS = ("python", "test/python", "examples", "tools", "benchmarks")
TIDY_SECONDS = 300  # after that, clang-tidy begins no further changed file
PRECOMPILED_HEADER = re.compile(r"-include-pch -Xclang (\S+?)[\s\"]")


def git_files(*arguments: str) -> list[Path]:
    """Files that a git command names, one each, as far as they exist."""
    output = subprocess.run(["git", *arguments, "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    names = sorted({name for name in output.decode().split("\0") if name})
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def tree_files() -> list[Path]:
    """All files of the project: tracked ones, and new ones that git does not ignore."""
    return git_files("ls-files", "--cached", "--others", "--exclude-standard")


def changed_files() -> list[Path]:
    """Files that differ from the last commit, new ones included; all, where there is no commit yet."""
    has_commit = subprocess.run(
        ["git", "rev-parse", "--verify", "-q", "HEAD"], cwd=ROOT, stdout=subprocess.DEVNULL, check=False
    )
    if has_commit.returncode != 0:
        return tree_files()
    changed = git_files("diff", "--name-only", "HEAD")
    return sorted({*changed, *git_files("ls-files", "--others", "--exclude-standard")})


def report(name: str, passed: bool, start: float, remark: str = "") -> bool:
    print(f"{'ok  ' if passed else 'FAIL'}  {name} ({time.monotonic() - start:.1f} s){remark}", flush=True)
    return passed


def check(name: str, command: Sequence[str | Path], remedy: str = "") -> bool:
    """Run one check and say how it went, and what to do where the check does not say so itself."""
    start = time.monotonic()
    try:
        passed = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
        remark = f": {remedy}" if remedy and not passed else ""
    except FileNotFoundError as error:
        passed, remark = False, f": {error.filename} is not installed; `./run setup` installs it"
    return report(name, passed, start, remark)


def generated_files(build: Path) -> list[str]:
    """Give the build targets that clang-tidy needs: generated headers, embedded bytes, the precompiled headers."""
    commands = (build / "compile_commands.json").read_text()
    headers = {Path(name).relative_to(build) for name in PRECOMPILED_HEADER.findall(commands)}
    return ["QuantcTableGen", "QuantcTfliteSchema", "QuantcLibraryThreads", *sorted(map(str, headers))]


def tidy(files: Sequence[Path], build: Path, seconds: float) -> bool:
    """Run clang-tidy, a file a process, as many at a time as there are cores."""
    start = time.monotonic()

    def one(file: Path) -> str | None:
        if time.monotonic() - start > seconds:
            return None
        done = subprocess.run(
            ["clang-tidy-22", "--quiet", f"-p={build}", file],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout if done.returncode != 0 else ""

    failures, unreached = 0, []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for index, (file, output) in enumerate(zip(files, pool.map(one, files), strict=True), start=1):
            if output is None:
                unreached.append(str(file.relative_to(ROOT)))
            elif output:
                failures += 1
                print(output, flush=True)
            if index % 10 == 0 and not unreached:
                print(f"      clang-tidy: {index} of {len(files)} files", flush=True)
    remark = f"\n      not reached, see `./run lint --all`: {' '.join(unreached)}" if unreached else ""
    return report(f"clang-tidy on {len(files) - len(unreached)} of {len(files)} files", not failures, start, remark)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run every static check.")
    parser.add_argument("--build", type=Path, required=True, help="a configured build folder")
    parser.add_argument("--all", action="store_true", help="clang-tidy on all files, not on changed ones only")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    files = tree_files()
    cpp = [file for file in files if file.suffix in CPP_SUFFIXES]
    python = [folder for folder in PYTHON_FOLDERS if (ROOT / folder).is_dir()]
    ruff, mypy = [sys.executable, "-m", "ruff"], [sys.executable, "-m", "mypy"]

    results = [
        check("tree", [sys.executable, "tools/check-tree.py"]),
        check("ruff check", [*ruff, "check", "-q", *python]),
        check("ruff format", [*ruff, "format", "-q", "--check", *python], "put right by `ruff format`"),
        check("mypy", [*mypy, "--no-error-summary", *mypy_targets()]),
        check(
            "clang-format", ["clang-format-22", "--dry-run", "--Werror", *cpp], "put right by `clang-format-22 -i FILE`"
        ),
        check("clang-tidy configuration", ["clang-tidy-22", "--verify-config"]),
    ]
    wanted = files if arguments.all else changed_files()
    sources = [file for file in wanted if file.suffix == ".cpp" and file.relative_to(ROOT).parts[0] in TIDY_FOLDERS]
    if sources:
        headers = ["cmake", "--build", build, "--target", *generated_files(build)]
        results.append(check("generated headers", headers))
        results.append(tidy(sources, build, float("inf") if arguments.all else TIDY_SECONDS))
    print(f"{sum(results)} checks passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


def mypy_targets() -> list[str]:
    """Give mypy's targets; scripts with a hyphen in their names are no modules, so they are named one by one."""
    targets = ["python/quantc", "test/python", "examples/digits"]
    targets += [str(path.relative_to(ROOT)) for path in sorted((ROOT / "tools").rglob("*.py"))]
    if (ROOT / "benchmarks").is_dir():
        targets += [str(path.relative_to(ROOT)) for path in sorted((ROOT / "benchmarks").rglob("*.py"))]
    return targets


if __name__ == "__main__":
    sys.exit(main())
