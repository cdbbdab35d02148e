"""What the timings say: ratios, their mean, accuracy. Pure arithmetic, tested in test/python/test_benchmarks.py."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from networks import Doubles, Floats

MOST_CPU = 1.1  # processor seconds a second: more than that is more than one thread
MOST_IDLE_CPU = 0.3  # the same while others have their turn; reading requests takes some, a thread that spins takes 1
LEAST_IDLE_S = 0.05  # a shorter time says nothing
LEAST_SQNR_DB = 6.0  # of a result that is right; half the signal is noise then, far more than 8 bits make
FARTHEST = 0.5  # relative difference of one form's results at two batches, which may choose other ranges


@dataclass(frozen=True)
class Timing:
    """One contender in one cell.

    Attributes
    ----------
    best_s, median_s : float
        Seconds a call, of the best turn and of the median turn.
    cpu : float
        Processor time over wall time while it was timed; 1 on one thread of a machine that does nothing else.
    idle_cpu : float
        The same while others had their turn; 0, unless something in it spins.
    """

    best_s: float
    median_s: float
    cpu: float
    idle_cpu: float


@dataclass(frozen=True)
class Ratio:
    """A cell's result: the quickest peer's time over ours."""

    value: float
    peer: str


def ratio(ours: float, peers: Mapping[str, float]) -> Ratio | None:
    """Quickest peer's time over ours, and who it is; none where no peer ran."""
    if not peers:
        return None
    peer = min(peers, key=peers.__getitem__)
    return Ratio(peers[peer] / ours, peer)


def geometric_mean(values: Iterable[float]) -> float:
    """The mean of ratios; NaN where there are none."""
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms)) if logarithms else math.nan


def sqnr_db(exact: Doubles, result: Floats) -> float:
    """Signal-to-quantization-noise ratio of a result in dB: the power of `exact` over that of the difference."""
    noise = float(np.sum((result.astype(np.float64) - exact) ** 2))
    return 10 * math.log10(float(np.sum(exact**2)) / noise) if noise > 0 else math.inf


def wrong(exact: Doubles, result: Floats) -> str | None:
    """Say what is wrong with a form's result on all rows, if it is no approximation of `exact`."""
    if result.shape != exact.shape:
        return f"gives an array of shape {result.shape}, not {exact.shape}"
    if not np.isfinite(result).all():
        return "gives results that are not finite"
    quality = sqnr_db(exact, result)
    return f"gives wrong results, SQNR {quality:.1f} dB" if quality < LEAST_SQNR_DB else None


def strays(whole: Floats, result: Floats) -> str | None:
    """Say how the result on the first rows differs from those rows of `whole`, if it is not about the same."""
    if result.shape != whole[: len(result)].shape:
        return f"gives an array of shape {result.shape}"
    difference = np.sqrt(np.mean((result - whole[: len(result)]).astype(np.float64) ** 2))
    relative = float(difference / np.sqrt(np.mean(whole.astype(np.float64) ** 2)))
    return None if relative <= FARTHEST else f"gives other results than on all rows (by {relative:.2g})"


def thread_fault(timing: Timing, idle_s: float) -> str | None:
    """Say how a contender broke the rule of one thread, if it did."""
    if timing.cpu > MOST_CPU:
        return f"used {timing.cpu:.2f} processors, not one"
    if idle_s > LEAST_IDLE_S and timing.idle_cpu > MOST_IDLE_CPU:
        return f"used {timing.idle_cpu:.2f} processors while others were timed"
    return None
