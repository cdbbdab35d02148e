"""One cell: all contenders of a network at one batch, in turns of a few milliseconds, so that a busy moment hits all.

The contenders are processes (see `contestant`), and only one has a turn at a time. Each round begins with another
contender, so that nobody always follows the same neighbour. How many rounds there are depends on how long they take.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contestant import ContenderError, Contestant
from figures import Timing, thread_fault

SECONDS_A_TURN = 4e-3
SECONDS_A_CELL = 12.0
FEWEST_ROUNDS = 15
MOST_ROUNDS = 60

Entry = tuple[str, str]
"""A contender's kind and form."""


@dataclass
class Turns:
    """What was measured of one contender in one cell so far."""

    calls: int
    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0
    cpu: float = 0.0
    idle: float = 0.0
    idle_cpu: float = 0.0

    def add(self, reply: Mapping[str, Any]) -> None:
        """Take in a turn's answer."""
        self.seconds.append(reply["wall_s"] / self.calls)
        self.wall += reply["wall_s"]
        self.cpu += reply["cpu_s"]
        self.idle += reply["idle_s"]
        self.idle_cpu += reply["idle_cpu_s"]

    def timing(self) -> Timing:
        """Sum up."""
        idle_cpu = self.idle_cpu / self.idle if self.idle else 0.0
        return Timing(min(self.seconds), statistics.median(self.seconds), self.cpu / self.wall, idle_cpu)


def rounds_for(seconds_a_call: Mapping[Entry, float]) -> int:
    """How many rounds fill a cell's time; each turn has one call more than are timed."""
    a_round = sum(calls_for(seconds) * seconds + seconds for seconds in seconds_a_call.values())
    return max(FEWEST_ROUNDS, min(MOST_ROUNDS, int(SECONDS_A_CELL / a_round)))


def calls_for(seconds: float) -> int:
    """How many calls of this length fill a turn."""
    return max(1, int(SECONDS_A_TURN / seconds))


def time_cell(
    contestants: Mapping[str, Contestant],
    seconds_a_call: Mapping[Entry, float],
    fault: Callable[[Entry, str], None],
    advance: Callable[[int, int], None],
) -> dict[Entry, Timing]:
    """Let the contenders take turns.

    Parameters
    ----------
    contestants : mapping of kind to Contestant
        Their processes, with all forms loaded.
    seconds_a_call : mapping of entry to float
        Who takes part, and how long a call takes about.
    fault : callable of (entry, reason)
        Told once of each contender that fails or does not keep to one thread; it is not in the result then.
    advance : callable of (done, total)
        Told after each round.

    Returns
    -------
    dict of entry to Timing
    """
    turns = {entry: Turns(calls_for(seconds)) for entry, seconds in seconds_a_call.items()}
    rounds = rounds_for(seconds_a_call)
    for number in range(rounds):
        entries = list(turns)
        first = number % max(1, len(entries))
        for entry in entries[first:] + entries[:first]:
            kind, form = entry
            try:
                turns[entry].add(contestants[kind].ask("turn", form=form, calls=turns[entry].calls))
            except ContenderError as error:
                del turns[entry]
                fault(entry, str(error))
        advance(number + 1, rounds)
    result = {}
    for entry, measured in turns.items():
        timing = measured.timing()
        reason = thread_fault(timing, measured.idle)
        if reason:
            fault(entry, reason)
        else:
            result[entry] = timing
    return result
