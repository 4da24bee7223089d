import os
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vitspace.latency import protocol
from vitspace.latency.protocol import TimedRounds, interleave, pinned


def test_runners_take_turns():
    seen = []
    timing = interleave([lambda: seen.append("a"), lambda: seen.append("b")], 5)
    assert timing.times.shape == timing.wall.shape == (2, 5) and (timing.times >= 0).all()
    assert seen[-10:] == ["a", "b"] * 5


class Machine:
    """Two runners of 10 and 20 ms of work, on a machine that takes ``away`` ms of each run and slows what is left."""

    def __init__(self, away=0.0, slow=lambda run: 1.0):
        self.away, self.slow = away, slow
        self.runs, self.worked, self.passed = 0, 0.0, 0.0

    def runner(self, ms):
        def run():
            self.runs += 1
            self.worked += ms * self.slow(self.runs) / 1e3
            self.passed += self.away / 1e3

        return run

    def time(self, monkeypatch, rounds=9, precision=None):
        monkeypatch.setattr("vitspace.latency.protocol.time.perf_counter", lambda: self.worked + self.passed)
        return interleave([self.runner(10.0), self.runner(20.0)], rounds, precision, clock=lambda: self.worked)


def test_time_without_a_core_is_no_work(monkeypatch):
    timing = Machine(away=30.0).time(monkeypatch)
    assert timing.times == pytest.approx(np.tile([[10.0], [20.0]], 9))
    assert timing.wall == pytest.approx(np.tile([[40.0], [50.0]], 9))
    assert timing.core_share == pytest.approx(30 / 90)


@pytest.mark.parametrize(("had", "left", "quiet"), [(0.4, 0.9, 0.4), (None, 0.9, 0.9), (None, None, None)])
def test_the_share_of_several_threads_is_what_the_system_counts(monkeypatch, had, left, quiet):
    monkeypatch.setattr(protocol, "CoresWatch", lambda: SimpleNamespace(had=had, left=left))
    timing = interleave([lambda: None] * 2, 3, clock=time.perf_counter)
    assert (timing.core_share, timing.left, timing.quiet) == (had, left, quiet)


@pytest.mark.parametrize(
    ("first", "share", "left", "quiet"),
    [
        (True, 0.9, 1.0, 1.0),
        (True, 0.9, 0.5, 0.5),
        (True, 0.5, 1.0, 0.5),
        (True, 0.9, None, 0.9),
        (False, 0.9, 1.0, 0.9),
    ],
)
def test_what_the_system_takes_of_a_thread_that_is_first_in_line_is_not_unrest(first, share, left, quiet):
    times = np.ones((2, 9))
    assert TimedRounds(times, times, share, left, first).quiet == quiet


def test_a_machine_that_slows_down_slows_reference_and_network_alike(monkeypatch):
    ratio, spread = Machine(slow=lambda run: 1.0 + run / 10).time(monkeypatch, rounds=40).ratio()
    assert ratio == pytest.approx(2.0, rel=0.05) and spread < 0.2


def test_rounds_are_added_until_the_ratio_is_precise(monkeypatch):
    rng = np.random.default_rng(0)
    noise = Machine(slow=lambda run: rng.uniform(1.0, 1.3))
    steady, noisy = Machine().time(monkeypatch, 9, 0.03), noise.time(monkeypatch, 9, 0.03)
    assert steady.times.shape[1] == 9 < noisy.times.shape[1]
    assert 1.96 * noisy.ratio()[1] <= np.log1p(0.03) or noisy.times.shape[1] >= protocol.MOST_ROUNDS


def test_a_ratio_that_is_never_precise_has_an_end(monkeypatch):
    rng = np.random.default_rng(0)
    timing = Machine(slow=lambda run: rng.uniform(1.0, 30.0)).time(monkeypatch, 9, 0.03)
    assert protocol.MOST_ROUNDS <= timing.times.shape[1] <= protocol.MOST_ROUNDS + 6


def test_a_narrower_interval_than_usual_may_take_more_rounds():
    assert [protocol.most_rounds(precision) for precision in (0.5, 0.03, 0.015)] == [60, 60, 240]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no processes to cores")
def test_pinning_is_undone_even_after_an_error():
    before = os.sched_getaffinity(0), torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), pinned(1):
        assert len(os.sched_getaffinity(0)) == 1 and torch.get_num_threads() == 1
        1 / 0  # noqa: B018
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    assert (os.sched_getaffinity(0), torch.get_num_threads()) == before


@pytest.mark.skipif(not hasattr(os, "sched_setscheduler"), reason="this system has no real-time priority")
@pytest.mark.parametrize("allowed", [True, False])
def test_a_timed_thread_goes_first_where_the_system_allows_it(monkeypatch, allowed):
    asked = []

    def ask(pid, policy, param):
        asked.append(policy)
        if not allowed:
            raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", ask)
    monkeypatch.setattr(protocol, "cores", lambda: sorted(os.sched_getaffinity(0)) * 2)
    with pinned(1):
        assert asked == [os.SCHED_RR]
    assert asked == ([os.SCHED_RR, os.SCHED_OTHER] if allowed else [os.SCHED_RR])
