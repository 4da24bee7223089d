import time
from dataclasses import replace

import pytest
from optuna.trial import TrialState

from vitspace.searching.lease import BEATS, OWNER, LeaseTiming
from vitspace.searching.queue import Queue
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import RESULT, StudyStore
from vitspace.study.trial import Trial
from vitspace.study.troubles import StorageError

CONFIG = StudyConfig(accuracy="proxy", space="msg", budget="4G")
FAST = LeaseTiming(lease=0.6, heartbeat=0.1)
PARAMS = {"dim": 32}


@pytest.fixture(params=["s.journal", "sqlite:///s.db"])
def store(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = StudyStore.create(open_storage(request.param), "s", CONFIG, {})
    made.study.enqueue_trial(PARAMS, user_attrs={"anchor": "msg_tiny"})
    return made


def silence(store, running):
    """Make a running trial seem to be another host's, that will not beat again."""
    owner = store.storage.get_trial(running._trial_id).system_attrs[OWNER]
    store.storage.set_trial_system_attr(running._trial_id, OWNER, owner | {"place": "elsewhere"})


def until(condition):
    """Wait until a condition holds, however busy the machine is."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def waiting(store):
    return [(t.system_attrs["fixed_params"], t.user_attrs) for t in store.frozen(TrialState.WAITING)]


def test_beats_keep_a_trial(store):
    with Queue(store, FAST) as queue:
        running = queue.ask()
        queue.grant(running)
        until(lambda: (store.storage.get_trial(running._trial_id).system_attrs.get(BEATS) or [0])[0] >= 3)
        assert store.storage.get_trial(running._trial_id).system_attrs[BEATS][1]
        assert store.frozen(TrialState.RUNNING)


@pytest.mark.parametrize(("error", "note"), [(RuntimeError("a bug"), "RuntimeError: a bug"), (StorageError("x"), "x")])
def test_a_heartbeat_that_fails_is_told_once_and_goes_on(store, error, note, monkeypatch):
    notes, sweeps = [], []

    def sweep():
        sweeps.append(error)
        if 1 < len(sweeps) < 5:
            raise error

    queue = Queue(store, FAST, notes.append)
    monkeypatch.setattr(queue, "sweep", sweep)
    with queue:
        queue.ask()
        until(lambda: len(sweeps) > 6)
    assert notes == [f"no heartbeat: {note}"]


@pytest.mark.parametrize(("evaluates", "deaths"), [(True, 1), (False, 0)])
def test_a_design_is_blamed_where_the_process_that_is_gone_evaluated_it(store, evaluates, deaths):
    queue = Queue(store, FAST, evaluates=evaluates)
    silence(store, queue.ask())
    with Queue(store, FAST):
        until(lambda: waiting(store))
    assert [facts["deaths"] for _, facts in waiting(store)] == [deaths]


def test_a_trial_whose_process_was_seen_killed_is_queued_again(store):
    notes = []
    queue = Queue(store, FAST, note=notes.append, evaluates=False)
    queue.lose(queue.ask(), "process 7 on here", blame=True)
    assert waiting(store) == [
        (PARAMS, {"anchor": "msg_tiny", "deaths": 1, "retry_of": 0, "killed": "process 7 on here"})
    ]
    queue.lose(queue.ask(), "process 8 on here", blame=True)
    assert waiting(store)[0][1]["deaths"] == 2 and "given up, after 2 workers" in notes[-1]


def test_a_silent_trial_is_taken_back_once_by_two_watchers(store):
    running = Queue(store, FAST).ask()
    silence(store, running)
    with Queue(store, FAST), Queue(store, FAST):
        until(lambda: waiting(store))
    [(params, facts)] = waiting(store)
    assert params == PARAMS
    assert (facts["anchor"], facts["deaths"], facts["retry_of"]) == ("msg_tiny", 1, running.number)


def test_a_result_that_comes_too_late_is_dropped(store):
    notes = []
    late = Queue(store, FAST, note=notes.append)
    running = late.ask()
    silence(store, running)
    with Queue(store, FAST):
        until(lambda: waiting(store))
    assert not late.end(running, Trial(running.number, "invalid", why="late"))
    assert "is run elsewhere" in notes[0] and store.trials() == []


def test_an_interrupted_trial_is_queued_again_without_blame(store):
    queue = Queue(store, FAST)
    queue.put_back(queue.ask())
    assert waiting(store) == [(PARAMS, {"anchor": "msg_tiny", "deaths": 0, "retry_of": 0})]
    assert [trial.state for trial in store.trials()] == ["pruned"]


def test_the_second_retry_of_one_trial_is_dropped(store):
    queue = Queue(store, FAST)
    first = queue.ask()
    for _ in range(2):
        store.study.enqueue_trial(PARAMS, user_attrs={"retry_of": first.number})
    assert queue.ask().number == 1
    assert queue.ask().number == 3  # a new one
    assert store.frozen()[2].state == TrialState.PRUNED


def test_what_a_watcher_ended_but_did_not_queue_is_queued(store):
    running = Queue(store, FAST).ask()
    store.storage.set_trial_state_values(running._trial_id, TrialState.FAIL)
    with Queue(store, FAST):
        until(lambda: waiting(store))
    assert [facts["retry_of"] for _, facts in waiting(store)] == [running.number]


@pytest.mark.parametrize("result", [lambda facts: {RESULT: facts}, lambda facts: facts])  # as one fact, and as of old
def test_a_result_that_was_written_counts_though_its_process_is_gone(store, result):
    running = Queue(store, FAST).ask()
    for name, value in result({"why": "too slow", "state": "over_budget"}).items():
        running.set_user_attr(name, value)
    silence(store, running)
    with Queue(store, FAST):
        until(store.trials)
    assert [trial.state for trial in store.trials()] == ["over_budget"] and waiting(store) == []


def test_a_trial_that_nobody_needs_leaves_no_trace(store):
    queue = Queue(store, FAST)
    queued, new = queue.ask(), queue.ask()
    queue.give_up(queued)
    queue.give_up(new)
    assert store.trials() == [] and len(waiting(store)) == 1


def test_a_result_whose_commit_was_not_confirmed_is_stored(store, monkeypatch):
    notes = []
    queue = Queue(store, FAST, note=notes.append)
    running, set_state = queue.ask(), store.storage.set_trial_state_values

    def ask_again(*args, **kwargs):
        set_state(*args, **kwargs)  # the connection is lost here
        return set_state(*args, **kwargs)

    monkeypatch.setattr(store.storage, "set_trial_state_values", ask_again)
    assert queue.end(running, Trial(0, "complete", score=-1.0, params=1, macs=1, latency_ms=1.0)) and not notes
    assert [trial.number for trial in store.trials()] == [0] and waiting(store) == []


def test_of_two_queues_each_waiting_trial_is_taken_once(store):
    for dim in (48, 64, 80):
        store.study.enqueue_trial({"dim": dim})
    other = StudyStore.load(open_storage(store_url(store)), "s")
    numbers = [queue.ask().number for queue in (Queue(store, FAST), Queue(other, FAST)) for _ in range(2)]
    assert sorted(numbers) == [0, 1, 2, 3]


def store_url(store):
    from pathlib import Path

    return "s.journal" if Path("s.journal").exists() else "sqlite:///s.db"


def test_a_lease_names_its_owner(store):
    queue = Queue(store, FAST)
    running = queue.ask()
    assert store.storage.get_trial(running._trial_id).system_attrs[OWNER] == queue.owner.to_dict()
    assert replace(queue.owner, pid=0) != queue.owner
