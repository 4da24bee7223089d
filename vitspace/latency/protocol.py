"""The protocol of timing: runners in turn on a pinned thread, in time that the thread had its core.

Other processes do two things to a measurement. They take the core away for a while: the kernel counts the time in which
a thread ran, and a run on one thread is stated in that time. And they slow what is left, as they share caches, memory
and clock: they slow all runners of a round alike, or nearly so. The first runner is the reference, to whose usual speed
the others are corrected; how much of the machine others left meanwhile tells whether that speed was seen. Rounds are
added until the interval of a runner's ratio to the reference is narrow enough.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from vitspace.machine.host import cores
from vitspace.machine.load import CoresWatch
from vitspace.measured import NORMAL_95
from vitspace.precision import USUAL_PRECISION

#: Rounds after which no more are added at the usual precision, however wide the interval is.
MOST_ROUNDS = 60
_WARM = 3
_WARM_MOST = 12
_WARM_CHANGE = 0.05
_RESAMPLES = 400
#: The share of its core that a thread first in line has where nothing else wants it, at least: Linux takes 50 ms of a
#: second from threads of real-time priority, and of a short timing up to a tenth (tests/bench/restless.py).
_FIRST_SHARE = 0.85

Runner = Callable[[], object]
Clock = Callable[[], float]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TimedRounds:
    """Milliseconds of runners timed in turn.

    Attributes:
        wall: [runners, rounds], as a watch shows them.
        times: [runners, rounds], those in which the thread had its core; equal to ``wall`` for several threads.
        core_share: Share of the time in which the threads had their cores: 1.0 where nothing else ran on them; None
            where it is not known.
        left: Share of the time of all cores of the machine that other processes left; None where it is not known.
        first: Whether the thread was first in line, so that the system itself took a little of its core.
    """

    wall: Floats
    times: Floats
    core_share: float | None = None
    left: float | None = None
    first: bool = False

    @property
    def quiet(self) -> float | None:
        """How quiet the machine was, from 0 to 1, by its busier side; None where nothing is known of that."""
        whole = self.first and self.left is not None and (self.core_share or 0.0) >= _FIRST_SHARE
        had = 1.0 if whole else self.core_share
        return min((share for share in (had, self.left) if share is not None), default=None)

    def ratio(self, runner: int = 1) -> tuple[float, float]:
        """Return a runner's median relative to the reference's, and the standard deviation of its logarithm."""
        ratio = float(np.median(self.times[runner]) / np.median(self.times[0]))
        rng = np.random.default_rng(0)
        rounds = rng.integers(self.times.shape[1], size=(_RESAMPLES, self.times.shape[1]))
        medians = [np.median(self.times[i][rounds], axis=1) for i in (runner, 0)]
        return ratio, float(np.log(medians[0] / medians[1]).std())


def interleave(
    runners: Sequence[Runner],
    rounds: int,
    precision: float | None = None,
    clock: Clock = time.thread_time,
) -> TimedRounds:
    """Time runners in turn, the reference first, after a warm-up until each is steady.

    Args:
        runners: What to time.
        rounds: How often each is timed at least.
        precision: Half the width, relative, of a ratio's 95 % interval; rounds are added until it is reached. None adds
            none.
        clock: Seconds of work: `time.thread_time` of what runs on the calling thread, `time.process_time` of what runs
            on another, `time.perf_counter` of several.
    """
    watch = CoresWatch()
    for runner in runners:
        warm_up(runner, clock)
    found = np.array([[_timed(runner, clock) for runner in runners] for _ in range(rounds)])
    timing = _timing(found)
    while precision is not None and len(found) < most_rounds(precision) and not _is_precise(timing, precision):
        more = [[_timed(runner, clock) for runner in runners] for _ in range(max(1, rounds // 2, len(found) // 10))]
        found = np.concatenate([found, more])
        timing = _timing(found)
    # The watch on the wall tells nothing of cores.
    share = watch.had if clock is time.perf_counter else min(1.0, float(timing.times.sum() / timing.wall.sum()))
    return replace(timing, core_share=share, left=watch.left, first=_is_first())


def most_rounds(precision: float) -> int:
    """Return the rounds after which no more are added: an interval narrows by the root of their number."""
    return round(MOST_ROUNDS * max(1.0, (USUAL_PRECISION / precision) ** 2))


def _timing(found: Floats) -> TimedRounds:
    """Gather rounds of (wall, work) milliseconds, [rounds, runners, 2]."""
    return TimedRounds(*found.transpose(2, 1, 0))


def _is_precise(timing: TimedRounds, precision: float) -> bool:
    return all(NORMAL_95 * timing.ratio(runner)[1] <= np.log1p(precision) for runner in range(1, len(timing.times)))


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Run torch on ``threads`` threads, a single one on a core of its own and first in line; as before afterwards.

    First in line is a thread of real-time priority, where the system allows it: root, or ``CAP_SYS_NICE``.
    """
    before_threads, before_cores = torch.get_num_threads(), cores()
    torch.set_num_threads(threads)
    can_pin = threads == 1 and hasattr(os, "sched_setaffinity")
    if can_pin:
        os.sched_setaffinity(0, {before_cores[-1]})
    first = can_pin and len(before_cores) > 1 and _go_first()
    try:
        yield
    finally:
        torch.set_num_threads(before_threads)
        if first:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        if can_pin:
            os.sched_setaffinity(0, before_cores)


def _go_first() -> bool:
    """Give the calling thread real-time priority; False where the system does not allow it."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))
    except PermissionError:
        return False
    return True


def _is_first() -> bool:
    """Whether the calling thread has real-time priority."""
    return hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) == os.SCHED_RR


def warm_up(runner: Runner, clock: Clock = time.perf_counter) -> None:
    """Run until two runs in a row take about the same time."""
    times = [_timed(runner, clock)[1] for _ in range(_WARM)]
    while abs(times[-1] / times[-2] - 1) > _WARM_CHANGE and len(times) < _WARM_MOST:
        times.append(_timed(runner, clock)[1])


def _timed(runner: Runner, clock: Clock) -> tuple[float, float]:
    """Return milliseconds of one run: those that passed, and those of work."""
    start, began = time.perf_counter(), clock()
    runner()
    worked, passed = clock() - began, time.perf_counter() - start
    return 1e3 * passed, 1e3 * worked
