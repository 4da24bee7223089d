"""The protocol of timing: runners are timed in turn on a pinned thread, until the machine's speed is constant.

A slower machine slows all runners of a round alike, so their ratios stay. The first runner is the reference network: if
its median changed by more than a limit between the first and the last third of the rounds, the rounds are run again.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vitspace.host import cores

#: How much the reference network's median may change within a measurement, as a share.
DRIFT_LIMIT = 0.05
ATTEMPTS = 3
_WARM = 3
_WARM_MOST = 12
_WARM_CHANGE = 0.05
_RESAMPLES = 400

Runner = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """Milliseconds of runners timed in turn.

    Attributes:
        times: [runners, rounds].
        drift: Relative change of the reference network's median from the first to the last third of the rounds.
        core_share: Share of the time in which this process had its core; 1.0 if nothing else ran there.
    """

    times: NDArray[np.float64]
    drift: float
    core_share: float


def interleave(runners: Sequence[Runner], rounds: int) -> Timing:
    """Time runners in turn, the reference network first, and return the steadiest of at most three attempts.

    Args:
        runners: Functions that run a network once.
        rounds: Number of timed rounds, after a warm-up.
    """
    for runner in runners:
        warm_up(runner)
    best: Timing | None = None
    for _ in range(ATTEMPTS):
        start, spent = time.perf_counter(), time.process_time()
        times = np.array([[_milliseconds(runner) for runner in runners] for _ in range(rounds)]).T
        share = (time.process_time() - spent) / (time.perf_counter() - start)
        timing = Timing(times, drift(times[0]), min(1.0, share))
        if best is None or abs(timing.drift) < abs(best.drift):
            best = timing
        if abs(best.drift) <= DRIFT_LIMIT:
            break
    assert best is not None
    return best


def drift(times: NDArray[np.float64]) -> float:
    """Relative change of the median from the first to the last third of times [N]."""
    third = max(1, len(times) // 3)
    return float(np.median(times[-third:]) / np.median(times[:third]) - 1)


def median_interval(times: NDArray[np.float64], share: float = 0.95) -> tuple[float, float]:
    """Bootstrap interval of the median of times [N]; deterministic."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(times, (_RESAMPLES, len(times))), axis=1)
    low, high = np.quantile(medians, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Run torch on ``threads`` threads, a single thread pinned to a core; restored afterwards."""
    before_threads, before_cores = torch.get_num_threads(), cores()
    torch.set_num_threads(threads)
    can_pin = hasattr(os, "sched_setaffinity")
    if threads == 1 and can_pin:
        os.sched_setaffinity(0, {before_cores[-1]})
    try:
        yield
    finally:
        torch.set_num_threads(before_threads)
        if can_pin:
            os.sched_setaffinity(0, before_cores)


def warm_up(runner: Runner) -> None:
    """Run until two runs in a row take about the same time."""
    times = [_milliseconds(runner) for _ in range(_WARM)]
    while abs(times[-1] / times[-2] - 1) > _WARM_CHANGE and len(times) < _WARM_MOST:
        times.append(_milliseconds(runner))


def _milliseconds(runner: Runner) -> float:
    start = time.perf_counter()
    runner()
    return 1e3 * (time.perf_counter() - start)
