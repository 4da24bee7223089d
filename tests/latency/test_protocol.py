import itertools
import os

import numpy as np
import pytest
import torch

from vitspace.latency import protocol
from vitspace.latency.protocol import drift, interleave, median_interval, pinned


def test_runners_take_turns():
    seen = []
    timing = interleave([lambda: seen.append("a"), lambda: seen.append("b")], 5)
    assert timing.times.shape == (2, 5) and (timing.times >= 0).all()
    assert seen[-10:] == ["a", "b"] * 5


def test_drift_compares_the_last_third_with_the_first():
    assert drift(np.array([10.0, 10, 10, 50, 50, 50, 11, 11, 11])) == pytest.approx(0.1)


@pytest.mark.parametrize(("moves", "attempts"), [([0.0], 1), ([0.2, 0.01], 2), ([0.2, 0.3, 0.1], 3)])
def test_a_drifting_machine_is_measured_again_and_the_steadiest_kept(monkeypatch, moves, attempts):
    left = iter(moves)
    monkeypatch.setattr(protocol, "drift", lambda times: next(left))
    timing = interleave([lambda: None, lambda: None], 3)
    assert timing.drift == min(moves) and next(left, None) is None and len(moves) == attempts


def test_the_interval_of_a_median_holds_it_and_repeats():
    times = np.fromiter(itertools.islice(itertools.cycle([1.0, 2.0, 3.0]), 30), float)
    low, high = median_interval(times)
    assert low <= 2.0 <= high and (low, high) == median_interval(times)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no processes to cores")
def test_pinning_is_undone_even_after_an_error():
    before = os.sched_getaffinity(0), torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), pinned(1):
        assert len(os.sched_getaffinity(0)) == 1 and torch.get_num_threads() == 1
        1 / 0  # noqa: B018
    assert (os.sched_getaffinity(0), torch.get_num_threads()) == before
