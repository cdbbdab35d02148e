"""If these fail, the compiler's progress and errors do not reach Python, or its process outlives the call."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from quantc import QuantcError, QuantcWarning
from quantc.tool import find_tool, run_tool

StandIn = Callable[[str], Path]


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_output_and_arguments(stand_in: StandIn) -> None:
    stand_in("print(args)")
    assert run_tool(["inspect", Path("a b"), "--json"]) == "['inspect', 'a b', '--json']\n"


def test_progress_events(stand_in: StandIn) -> None:
    stand_in(
        """
        for done in range(3):
            print(json.dumps({"event": "progress", "stage": "calibrate", "done": done, "total": 2}), file=sys.stderr)
        print("{not json", file=sys.stderr)
        print(json.dumps({"event": "done"}), file=sys.stderr)
        """
    )
    seen: list[tuple[str, int, int]] = []
    run_tool(["compile"], lambda *event: seen.append(event))
    assert seen == [("calibrate", 0, 2), ("calibrate", 1, 2), ("calibrate", 2, 2)]


def test_warning_event(stand_in: StandIn) -> None:
    stand_in("print(json.dumps({'event': 'warning', 'message': '3 rows are skipped'}), file=sys.stderr)")
    with pytest.warns(QuantcWarning, match="^3 rows are skipped$"):
        run_tool(["compile"])


def test_error_event(stand_in: StandIn) -> None:
    stand_in(
        """
        print("warning: something", file=sys.stderr)
        event = {"event": "error", "message": "op Foo is not known", "where": "node /fc1", "remedy": "remove it"}
        print(json.dumps(event), file=sys.stderr)
        print(json.dumps({"event": "error", "message": "a later one"}), file=sys.stderr)
        sys.exit(1)
        """
    )
    with pytest.raises(QuantcError) as caught:
        run_tool(["compile"])
    assert str(caught.value) == "node /fc1: op Foo is not known; remove it"
    assert (caught.value.where, caught.value.remedy, caught.value.exit_code) == ("node /fc1", "remove it", 1)


def test_plain_error(stand_in: StandIn) -> None:
    stand_in("sys.stderr.write('error: unknown option --wat\\n'); sys.exit(2)")
    with pytest.raises(QuantcError, match=r"^unknown option --wat$") as caught:
        run_tool(["compile", "--wat"])
    assert caught.value.exit_code == 2


def test_silent_failure(stand_in: StandIn) -> None:
    stand_in("sys.exit(1)")
    with pytest.raises(QuantcError, match="ended with exit code 1"):
        run_tool(["compile"])


def test_death_by_signal(stand_in: StandIn) -> None:
    stand_in("sys.stderr.write('oh\\n'); sys.stderr.flush(); os.kill(os.getpid(), signal.SIGABRT)")
    with pytest.raises(QuantcError, match=r"ended by SIGABRT; its last words:\noh"):
        run_tool(["compile"])


def test_much_output_on_both_streams_does_not_block(stand_in: StandIn) -> None:
    stand_in("sys.stdout.write('x' * 5_000_000); sys.stdout.flush(); sys.stderr.write('y\\n' * 500_000)")
    assert len(run_tool(["inspect"])) == 5_000_000


def test_standard_input_is_empty(stand_in: StandIn) -> None:
    stand_in("print(len(sys.stdin.read()))")
    assert run_tool(["inspect"]) == "0\n"


def test_exception_in_progress_ends_the_child(stand_in: StandIn) -> None:
    stand_in(
        """
        print(json.dumps({"event": "progress", "stage": "x", "done": os.getpid(), "total": 0}), file=sys.stderr)
        sys.stderr.flush()
        time.sleep(60)
        """
    )
    process = 0

    def stop(stage: str, done: int, total: int) -> None:
        nonlocal process
        process = done
        raise RuntimeError("enough")

    start = time.monotonic()
    with pytest.raises(RuntimeError, match="enough"):
        run_tool(["compile"], stop)
    assert gone(process)
    assert time.monotonic() - start < 30


def test_a_child_that_will_not_end_is_killed(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quantc.tool.SECONDS_TO_END", 0.2)
    stand_in(
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(json.dumps({"event": "progress", "stage": "x", "done": os.getpid(), "total": 0}), file=sys.stderr)
        sys.stderr.flush()
        time.sleep(60)
        """
    )
    seen: list[int] = []

    def stop(stage: str, done: int, total: int) -> None:
        seen.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tool(["compile"], stop)
    assert gone(seen[0])


def test_interrupt_removes_child_and_temporary_files(stand_in: StandIn, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "model.onnx").write_bytes(b"x")
    stand_in(f"pathlib.Path({str(ready)!r} + '.part').write_text(str(os.getpid()))\n"
             f"os.rename({str(ready)!r} + '.part', {str(ready)!r})\ntime.sleep(60)")  # fmt: skip
    # A job that a shell started in the background ignores the interrupt, and so would its children.
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"{listen}; import quantc; quantc.quantize({str(tmp_path / 'model.onnx')!r}, [[1.0]])"
    parent = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "TMPDIR": str(temporary)}, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 30
    while not ready.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.send_signal(signal.SIGINT)
    _, errors = parent.communicate(timeout=30)
    assert b"KeyboardInterrupt" in errors
    assert gone(int(ready.read_text()))
    assert list(temporary.iterdir()) == []


def test_tool_named_by_the_environment_must_be_a_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QUANTC_TOOL", str(tmp_path / "none"))
    with pytest.raises(QuantcError, match="QUANTC_TOOL names"):
        find_tool()


def test_no_tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("QUANTC_TOOL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("quantc.tool.__file__", str(tmp_path / "quantc" / "tool.py"))
    with pytest.raises(QuantcError, match=r"not there; build it with `\./run build`"):
        find_tool()
