"""If these fail, `./run test` may call a failed suite passed, or count tests that did not run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from test_check_tree import load

run_tests = load("run-tests")
Count = run_tests.Count


def test_lit_codes(tmp_path: Path) -> None:
    codes = ["PASS", "XFAIL", "FLAKYPASS", "FAIL", "XPASS", "UNRESOLVED", "TIMEOUT", "UNSUPPORTED", "SKIPPED"]
    (tmp_path / "lit.json").write_text(json.dumps({"tests": [{"code": code} for code in codes]}))
    assert run_tests.lit_count(tmp_path / "lit.json") == Count(3, 4, 2)


def test_gtest_results(tmp_path: Path) -> None:
    results = [
        {"result": "COMPLETED"},
        {"result": "COMPLETED", "failures": [{}]},
        {"result": "SKIPPED"},
        {"result": "SUPPRESSED"},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"testsuites": [{"testsuite": results}]}))
    assert run_tests.gtest_count(tmp_path / "a.json") == Count(1, 1, 2)


def test_pytest_results(tmp_path: Path) -> None:
    cases = "<testcase/><testcase><failure/></testcase><testcase><error/></testcase><testcase><skipped/></testcase>"
    (tmp_path / "a.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    assert run_tests.pytest_count(tmp_path / "a.xml") == Count(1, 2, 1)


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\nfor a; do case $a in --gtest_output=json:*) out=${a#*json:};; esac; done\n" + script)
    path.chmod(0o755)


PASSING = """echo '{"testsuites": [{"testsuite": [{"result": "COMPLETED"}, {"result": "COMPLETED"}]}]}' > "$out"\n"""


def test_gtest_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "bin" / "unittests"
    program(folder, "good-tests", PASSING)
    program(folder, "crash-tests", "echo before the crash; kill -ABRT $$\n")
    program(folder, "late-tests", PASSING + "exit 3\n")
    assert run_tests.run_gtest(tmp_path, tmp_path) == Count(4, 2, 0)
    assert "before the crash" in capsys.readouterr().out


def test_gtest_program_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tests, "PROGRAM_SECONDS", 0.3)
    program(tmp_path / "bin" / "unittests", "slow-tests", "exec sleep 60\n")
    assert run_tests.run_gtest(tmp_path, tmp_path) == Count(0, 1, 0)


def test_no_gtest_programs(tmp_path: Path) -> None:
    assert run_tests.run_gtest(tmp_path, tmp_path) == Count()


def ended(text: str) -> str:
    return text.strip().splitlines()[-1]


def test_sum(tmp_path: Path) -> None:
    suites = [("one", lambda build, reports: Count(2)), ("two", lambda build, reports: Count(3, 0, 1))]
    assert run_tests.run_suites(tmp_path, suites) == (Count(5, 0, 1), True)
    assert str(Count(5, 0, 1)) == "5 passed, 0 failed, 1 skipped"
    assert str(Count(5, 2)) == "5 passed, 2 failed"


def test_a_failure_anywhere_fails(tmp_path: Path) -> None:
    suites = [("one", lambda build, reports: Count(2)), ("two", lambda build, reports: Count(3, 1))]
    assert run_tests.run_suites(tmp_path, suites) == (Count(5, 1), False)


@pytest.mark.parametrize("count", [Count(), Count(skipped=4)])
def test_a_suite_that_ran_nothing_fails(tmp_path: Path, count: object, capsys: pytest.CaptureFixture[str]) -> None:
    suites = [("one", lambda build, reports: Count(2)), ("two", lambda build, reports: count)]
    assert not run_tests.run_suites(tmp_path, suites)[1]
    assert "error: two: ran no test" in capsys.readouterr().out


def test_a_suite_that_cannot_run_fails(tmp_path: Path) -> None:
    def broken(build: Path, reports: Path) -> object:
        raise FileNotFoundError("lit is not installed")

    assert run_tests.run_suites(tmp_path, [("lit", broken)]) == (Count(0, 1), False)


def test_last_line_and_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["run-tests.py", "--build", os.fspath(tmp_path)])
    monkeypatch.setattr(run_tests, "run_suites", lambda build: (Count(7), True))
    assert run_tests.main() == 0
    assert ended(capsys.readouterr().out) == "7 passed, 0 failed"
    monkeypatch.setattr(run_tests, "run_suites", lambda build: (Count(7), False))
    assert run_tests.main() == 1
