"""What exploring says while it goes on."""

import logging

import pytest

from vitspace.space import progress
from vitspace.space.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_it_says_the_share_of_the_whole_and_what_is_left(clock, caplog):
    caplog.set_level(logging.INFO)
    told = Progress("msg", [1, 3, 3, 3])
    clock[0] = 10.0
    told.within(1, 1, 2).tell(5, 10)
    assert caplog.messages == ["exploring space msg, once: 32 % done, about 21 s left"]


def test_it_says_nothing_for_a_while_and_no_estimate_at_the_start(clock, caplog):
    caplog.set_level(logging.INFO)
    told = Progress("msg", [1, 1, 1, 1])
    told.within(0, 0, 1).tell(1, 100)
    clock[0] = 6.0
    told.tell(1, 100)
    told.tell(2, 100)
    assert caplog.messages == ["exploring space msg, once: 0 % done"]
