"""Run every test suite and add up: lit, GoogleTest, pytest. Called by `./run test`.

The last line is `N passed, M failed` (`, K skipped` may follow). The exit code is not 0 if a test failed, or if a suite
ran no test: a suite that is not found must not look like one that passes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree  # the files parsed are pytest's own, written a moment ago

ROOT = Path(__file__).resolve().parent.parent
LIT_PASSES = {"PASS", "FLAKYPASS", "XFAIL"}
LIT_SKIPS = {"UNSUPPORTED", "SKIPPED", "EXCLUDED"}
LIT_PATHS = ("/usr/lib/llvm-22/bin/lit", "lit-22", "lit")
PYTEST_RAN = (0, 1)  # exit codes: all passed, some failed
PROGRAM_SECONDS = 900  # a GoogleTest program that takes longer hangs


@dataclass
class Count:
    """How many tests passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def lit_count(report: Path) -> Count:
    """Count in what `lit --output` wrote."""
    codes = [test["code"] for test in json.loads(report.read_text())["tests"]]
    passed = sum(code in LIT_PASSES for code in codes)
    skipped = sum(code in LIT_SKIPS for code in codes)
    return Count(passed, len(codes) - passed - skipped, skipped)


def gtest_count(report: Path) -> Count:
    """Count in what `--gtest_output=json:` wrote; without a report, the program itself failed."""
    if not report.is_file():
        return Count(failed=1)
    count = Count()
    for suite in json.loads(report.read_text())["testsuites"]:
        for test in suite["testsuite"]:
            if test.get("failures"):
                count.failed += 1
            elif test["result"] == "COMPLETED":
                count.passed += 1
            else:  # SKIPPED, SUPPRESSED
                count.skipped += 1
    return count


def pytest_count(report: Path) -> Count:
    """Count in what `pytest --junitxml` wrote; an error in set-up or collection is a failure."""
    count = Count()
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - see the import
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            count.failed += 1
        elif "skipped" in kinds:
            count.skipped += 1
        else:
            count.passed += 1
    return count


def run_lit(build: Path, reports: Path) -> Count:
    """Run the lit suite of a build folder."""
    lit = next((found for found in map(shutil.which, LIT_PATHS) if found), None)
    if lit is None:
        raise FileNotFoundError("lit is not installed; `./run setup` installs it")
    report = reports / "lit.json"
    workers = os.cpu_count() or 1
    code = subprocess.run([lit, "-v", f"-j{workers}", "--output", report, build / "test"], check=False).returncode
    if not report.is_file():
        raise RuntimeError(f"lit ended with exit code {code} and no report")
    return lit_count(report)


def run_gtest_program(program: Path, reports: Path) -> Count:
    """Run one GoogleTest program, and show its output if a test failed."""
    report = reports / f"{program.name}.json"
    start = time.monotonic()
    try:
        done = subprocess.run(
            [program, "--gtest_brief=1", f"--gtest_output=json:{report}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=PROGRAM_SECONDS,
        )
        code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as expired:
        code, output = None, expired.stdout or b""
    count = gtest_count(report)
    if code != 0 and count.failed == 0:  # it died after its report, or in none of its tests
        count.failed = 1
    if count.failed:
        ending = "was ended: it took too long" if code is None else f"ended with exit code {code}"
        print(f"--- {program.name} {ending}\n{output.decode(errors='replace')}", flush=True)
    print(f"{program.name}: {count} ({time.monotonic() - start:.1f} s)", flush=True)
    return count


def run_gtest(build: Path, reports: Path) -> Count:
    """Run all GoogleTest programs of a build folder, as many at a time as there are cores."""
    folder = build / "bin" / "unittests"
    programs = sorted(p for p in folder.iterdir() if p.is_file() and os.access(p, os.X_OK)) if folder.is_dir() else []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(lambda program: run_gtest_program(program, reports), programs), Count())


def run_pytest(build: Path, reports: Path) -> Count:
    """Run the Python suite against the package in a build folder."""
    report = reports / "pytest.xml"
    environment = {**os.environ, "PYTHONPATH": str(build / "python"), "QUANTC_BUILD": str(build)}
    environment.pop("QUANTC_TOOL", None)
    # A worker a core, each with whole modules: what a module compiles once is shared by its tests.
    workers = os.cpu_count() or 1
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "--dist=loadfile", f"--junitxml={report}"]
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    count = pytest_count(report) if report.is_file() else Count()
    if code not in PYTEST_RAN and count.failed == 0:
        count.failed = 1
    return count


SUITES: Sequence[tuple[str, Callable[[Path, Path], Count]]] = (
    ("lit", run_lit),
    ("GoogleTest", run_gtest),
    ("pytest", run_pytest),
)


def run_suites(build: Path, suites: Sequence[tuple[str, Callable[[Path, Path], Count]]] = SUITES) -> tuple[Count, bool]:
    """Run `suites`; give the sum, and whether all is well."""
    reports = build / "test-reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    counts: dict[str, Count] = {}
    notes: list[str] = []
    for index, (name, run) in enumerate(suites, start=1):
        print(f"--- suite {index} of {len(suites)}: {name}", flush=True)
        start = time.monotonic()
        try:
            counts[name] = run(build, reports)
        except (OSError, RuntimeError, ValueError, LookupError) as error:
            notes.append(f"{name}: {error}")
            counts[name] = Count(failed=1)
        if counts[name].passed + counts[name].failed == 0:
            notes.append(f"{name}: ran no test")
        print(f"--- {name}: {counts[name]} ({time.monotonic() - start:.0f} s)", flush=True)
    print()
    for note in notes:
        print(f"error: {note}")
    for name, count in counts.items():
        print(f"{name + ':':<12}{count}")
    total = sum(counts.values(), Count())
    return total, total.failed == 0 and not notes


def main() -> int:
    parser = argparse.ArgumentParser(description="Run every test suite and add up.")
    parser.add_argument("--build", type=Path, required=True, help="the build folder")
    total, well = run_suites(parser.parse_args().build.resolve())
    print(total)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
