from datetime import datetime, timedelta

import pytest
from optuna.trial import TrialState, create_trial

from vitspace.families import anchor
from vitspace.searching.claims import CLAIM
from vitspace.searching.idle import idle_share, waited_words
from vitspace.searching.lease import OWNER, Owner
from vitspace.study.store import RESULT
from vitspace.study.trial import Trial

MEASURED = {"params": 1, "macs": 1, "latency_ms": 1.0, "score": 1.0}
SPEC = anchor("msg_tiny").spec


def stored(begin, end, seconds, pid=1, run=True):
    """A stored trial of a process that began, ended and evaluated for so many seconds."""
    details = {"run": {"pid": pid}} if run else {}
    trial = create_trial(state=TrialState.PRUNED)
    trial.number = 0
    trial.user_attrs = {RESULT: Trial(0, "complete", SPEC, **MEASURED, seconds=seconds, details=details).to_dict()}
    trial.system_attrs = {OWNER: Owner("host", "here", pid, 0.0, 15.0).to_dict(), CLAIM: SPEC.id}
    clock = datetime(2026, 1, 1)
    trial.datetime_start, trial.datetime_complete = clock + timedelta(seconds=begin), clock + timedelta(seconds=end)
    return trial


def test_what_lies_beside_evaluations_is_idle():
    assert idle_share([stored(0, 10, 9), stored(10, 20, 9), stored(20, 30, 8)], None) == pytest.approx(0.15)


def test_each_process_counts_by_itself():
    trials = [stored(0, 10, 9), stored(5, 15, 9, pid=2), stored(10, 20, 9), stored(15, 25, 10, pid=2)]
    assert idle_share(trials, None) == pytest.approx(0.05)


def test_the_second_seed_is_left_out():
    assert idle_share([stored(0, 10, 9), stored(60, 70, 9)], SPEC.id) == pytest.approx(0.1)


def test_a_rejected_draw_is_idle_time():
    assert idle_share([stored(0, 10, 9), stored(10, 12, 0, run=False), stored(12, 20, 8)], None) == pytest.approx(0.2)


def test_what_was_interrupted_after_the_last_evaluation_is_left_out():
    assert idle_share([stored(0, 10, 9), stored(10, 20, 9), stored(20, 60, 0)], None) == pytest.approx(0.1)


def test_one_trial_says_nothing():
    assert idle_share([stored(0, 10, 9)], None) is None


def test_what_timing_cost_is_said_where_somebody_waited():
    spent = {"timed_seconds": 30.0, "waited_seconds": 12.0}
    trials = [Trial(number, "complete", details=spent) for number in range(4)]
    assert waited_words(trials) == (
        "latency was timed for 2 min 00 s in all, while no training of this host ran: trainings and timings waited "
        "48.0 s for each other, added up over the workers"
    )
    assert waited_words([Trial(0, "complete", details={"timed_seconds": 9.0})]) == ""
