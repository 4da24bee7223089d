import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from vitspace.errors import InputError
from vitspace.searching.lease import BEATS, OWNER, LeaseTiming, Owner, Watch


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def running(beats=None, owner=None, trial_id=1):
    attrs = {BEATS: beats} | ({OWNER: owner.to_dict()} if owner else {})
    return SimpleNamespace(_trial_id=trial_id, system_attrs=attrs)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def watch(clock):
    return Watch(LeaseTiming(lease=10, heartbeat=2), clock)


ELSEWHERE = Owner("far", "another boot", 1, 0.0, 10.0)


def seconds_until_lost(watch, clock, trials):
    for trial in trials:
        if watch.lost([trial]):
            return clock.now
        clock.now += 2
    return None


def test_a_trial_whose_beats_stand_still_for_a_lease_is_lost(watch, clock):
    assert seconds_until_lost(watch, clock, [running([3, True], ELSEWHERE)] * 20) == 10


def test_a_trial_whose_beats_move_is_kept(watch, clock):
    assert seconds_until_lost(watch, clock, [running([n, True], ELSEWHERE) for n in range(50)]) is None


def test_the_lease_is_its_owners(watch, clock):
    patient = replace(ELSEWHERE, lease=30.0)
    assert seconds_until_lost(watch, clock, [running(None, patient)] * 40) == 30


def test_a_trial_without_an_owner_is_lost_after_a_lease(watch, clock):
    assert seconds_until_lost(watch, clock, [running()] * 20) == 10


def test_a_watcher_that_slept_starts_anew(watch, clock):
    trial = running([3, True], ELSEWHERE)
    assert watch.lost([trial]) == []
    clock.now += 1000
    assert watch.lost([trial]) == []
    assert seconds_until_lost(watch, clock, [trial] * 20) == 1010


def test_a_dead_process_of_this_host_is_lost_at_once(watch):
    process = subprocess.Popen([sys.executable, "-c", ""])
    mine = Owner.here(10.0)
    assert not mine.gone
    process.wait()
    assert watch.lost([running(None, replace(mine, pid=process.pid))])


def test_a_zombie_is_dead_and_a_reused_number_is_another_process():
    mine = Owner.here(10.0)
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert replace(mine, pid=process.pid).gone
    process.wait()
    assert replace(mine, started=mine.started - 1).gone


def test_of_another_host_nothing_is_known():
    assert not ELSEWHERE.gone


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("VITSPACE_LEASE", "4", "a lease is at least three heartbeats, but got lease=4s, heartbeat=3s"),
        ("VITSPACE_LEASE", "long", "VITSPACE_LEASE is a finite number of seconds, not below 0, but got 'long'"),
        ("VITSPACE_LEASE", "inf", "VITSPACE_LEASE is a finite number of seconds, not below 0, but got 'inf'"),
        ("VITSPACE_HEARTBEAT", "nan", "VITSPACE_HEARTBEAT is a finite number of seconds"),
        ("VITSPACE_HEARTBEAT", "-1", "VITSPACE_HEARTBEAT is a finite number of seconds"),
        ("VITSPACE_HEARTBEAT", "0", "a lease is at least three heartbeats"),
    ],
)
def test_a_lease_that_breaks_a_rule_is_refused(monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=message):
        LeaseTiming.from_environment()
