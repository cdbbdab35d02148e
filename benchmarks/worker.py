"""The process of one contender on one network: it loads, runs and times on request. Started by `contestant`.

    python benchmarks/worker.py KIND FOLDER

Requests come as JSON lines on standard input, and each is answered by one JSON line on what was standard output; what
the contender's libraries print goes to standard error. Between requests the process waits without spinning, and the
answer to a turn says whether anything in it did not: `idle_cpu_s` is processor time since the turn before.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from contenders import KINDS, Predict
from networks import Floats, read_network

SECONDS_TO_ESTIMATE = 0.05
CALLS_TO_REPEAT = 100
CALLS_TO_ESTIMATE = 3
SHORTEST_IDLE_S = 2e-3  # a shorter wait is spent on reading the request
CHUNK = 256  # rows a call where only the results matter


class Worker:
    """Answers the requests; each public method is one, its arguments the request's other fields."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._module: Any = importlib.import_module(KINDS[kind].module)
        self._folder = folder
        self._rows = read_network(folder).rows
        self._loaded: dict[str, tuple[Predict, Floats]] = {}
        self._idle_since: tuple[float, float] | None = None

    def hello(self) -> dict[str, Any]:
        """Say that all imports went well."""
        return {}

    def prepare(self, form: str) -> dict[str, Any]:
        """Make the form's files."""
        self._module.prepare(self._folder, form)
        return {}

    def outputs(self, form: str, path: str) -> dict[str, Any]:
        """Write the form's results on all rows to `path`, as a .npy file."""
        predict = self._module.load(self._folder, form, CHUNK)
        chunks = [np.array(predict(self._rows[i : i + CHUNK])) for i in range(0, len(self._rows), CHUNK)]
        np.save(path, np.concatenate(chunks))
        return {}

    def load(self, form: str, batch: int, path: str) -> dict[str, Any]:
        """Get the form ready for `batch` rows, write its results to `path`, and say how long a call takes about."""
        self._loaded.pop(form, None)
        gc.collect()
        self._idle_since = None  # loading is work
        rows = np.ascontiguousarray(self._rows[:batch])
        predict = self._module.load(self._folder, form, batch)
        np.save(path, predict(rows))
        self._loaded[form] = predict, rows
        repeat = getattr(predict, "repeat", None)
        shortest, end = float("inf"), time.perf_counter() + SECONDS_TO_ESTIMATE
        for call in range(1_000):
            start = time.perf_counter()
            if repeat:  # as it is timed: a loop of C has no share of Python's
                repeat(rows, CALLS_TO_REPEAT)
            else:
                predict(rows)
            now = time.perf_counter()
            shortest = min(shortest, (now - start) / (CALLS_TO_REPEAT if repeat else 1))
            if call + 1 >= CALLS_TO_ESTIMATE and now >= end:
                break
        return {"seconds": shortest}

    def turn(self, form: str, calls: int) -> dict[str, Any]:
        """Time `calls` calls after one that is not timed, which brings weights and code back into the caches."""
        idle_cpu = self._idle_cpu()
        predict, rows = self._loaded[form]
        repeat = getattr(predict, "repeat", None)
        predict(rows)
        cpu, start = time.process_time(), time.perf_counter()
        if repeat:
            repeat(rows, calls)
        else:
            for _ in range(calls):
                predict(rows)
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        self._idle_since = time.process_time(), time.perf_counter()
        return {"wall_s": wall, "cpu_s": cpu, **idle_cpu}

    def single_calls(self, form: str, calls: int) -> dict[str, Any]:
        """Time `calls` calls one by one, and give percentiles in seconds."""
        predict, rows = self._loaded[form]
        predict(rows)
        seconds = np.empty(calls)
        for index in range(calls):
            start = time.perf_counter()
            predict(rows)
            seconds[index] = time.perf_counter() - start
        p50, p99 = np.percentile(seconds, [50, 99])
        self._idle_since = None
        return {"p50_s": float(p50), "p99_s": float(p99), "calls": calls}

    def _idle_cpu(self) -> dict[str, float]:
        if self._idle_since is None:
            return {"idle_cpu_s": 0.0, "idle_s": 0.0}
        cpu, wall = time.process_time() - self._idle_since[0], time.perf_counter() - self._idle_since[1]
        if wall < SHORTEST_IDLE_S:
            return {"idle_cpu_s": 0.0, "idle_s": 0.0}
        return {"idle_cpu_s": cpu, "idle_s": wall}


def answer(worker: Callable[[], Worker], request: dict[str, Any]) -> dict[str, Any]:
    """Carry out a request, and turn whatever goes wrong into an answer: the parent goes on with the others."""
    name = request.pop("do")
    try:
        result: dict[str, Any] = getattr(worker(), name)(**request)
    except Exception as error:  # noqa: BLE001 - any failure of a contender is a line in the report
        lines = str(error).strip().splitlines()
        return {"error": f"{type(error).__name__}: {lines[0] if lines else ''}"}
    return result


def main(kind: str, folder: Path) -> None:
    """Serve requests until standard input ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    made: list[Worker] = []

    def worker() -> Worker:
        if not made:
            made.append(Worker(kind, folder))
            gc.collect()
            gc.freeze()
            gc.disable()  # a collection in the middle of a turn would be charged to who has it
        return made[0]

    for line in sys.stdin:
        replies.write(json.dumps(answer(worker, json.loads(line))) + "\n")
        replies.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
