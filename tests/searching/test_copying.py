"""vitspace.copy_study: whole copies, and what a kill leaves of one."""

import os

import optuna
import pytest
from forks import FORKS

import vitspace
from vitspace.errors import InputError
from vitspace.searching.queue import Queue
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore, study_names
from vitspace.study.trial import Trial

TRIALS = 6


@pytest.fixture
def storage(tmp_path):
    """A storage that holds the study ``a`` with trials that ended."""
    url = str(tmp_path / "studies.journal")
    store = StudyStore.create(open_storage(url), "a", StudyConfig(space="msg", budget="4G", trials=2), {"command": "x"})
    queue = Queue(store)
    for number in range(TRIALS):
        queue.end(queue.ask(), Trial(number, "invalid", why="too wide"))
    return url


@pytest.fixture(params=["{}/copy.journal", "sqlite:///{}/copy.db"])
def target(request, tmp_path):
    return request.param.format(tmp_path)


def copy_until_killed(target, storage, steps):
    """Copy a study, but end as by kill -9 at one of the steps: trials that are added, then the configuration."""
    added, set_attr = optuna.Study.add_trial, optuna.Study.set_user_attr
    left = [steps]

    def step(go_on, *args):
        left[0] -= 1
        if left[0] < 0:
            os._exit(9)
        return go_on(*args)

    optuna.Study.add_trial = lambda *args: step(added, *args)
    optuna.Study.set_user_attr = lambda *args: step(set_attr, *args)
    vitspace.copy_study("a", target, storage)


def facts(url):
    record = StudyStore.open(url, "a").record()
    return record.config, record.trials, record.resolved, record.reference_point


@pytest.mark.parametrize("steps", [1, 2, 2 + TRIALS // 2, 2 + TRIALS])
def test_what_a_kill_leaves_of_a_copy_is_no_study_and_the_next_copy_replaces_it(storage, target, steps):
    process = FORKS.Process(target=copy_until_killed, args=(target, storage, steps))
    process.start()
    process.join()
    assert process.exitcode == 9 and study_names(open_storage(target)) == ["a"]
    assert vitspace.list_studies(target) == []
    with pytest.raises(
        InputError, match=r"study 'a' is an interrupted copy: copy it again, or vitspace studies delete a"
    ):
        StudyStore.open(target, "a")
    assert vitspace.copy_study("a", target, storage) == TRIALS
    assert facts(target) == facts(storage)
    again = target.replace("copy", "again")
    assert vitspace.copy_study("a", again, target) == TRIALS and facts(again) == facts(storage)


def test_a_copy_that_fails_leaves_nothing(storage, target, monkeypatch):
    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(optuna.Study, "add_trial", fail)
    with pytest.raises(OSError, match="disk full"):
        vitspace.copy_study("a", target, storage)
    assert study_names(open_storage(target)) == []


def test_a_copy_that_is_being_made_is_not_replaced(storage, target, monkeypatch):
    added = []

    def add(*args):
        added.append(args)
        with pytest.raises(InputError, match=rf"'a' is being made by process {os.getpid()}"):
            vitspace.copy_study("a", target, storage)

    monkeypatch.setattr(optuna.Study, "add_trial", add)
    vitspace.copy_study("a", target, storage)
    assert len(added) == TRIALS


def test_other_studies_are_not_replaced(storage, target):
    vitspace.copy_study("a", target, storage)
    with pytest.raises(InputError, match="give the copy another with --name"):
        vitspace.copy_study("a", target, storage)
    optuna.create_study(storage=open_storage(target), study_name="b")  # another program's
    with pytest.raises(InputError, match="'b' exists"):
        vitspace.copy_study("a", target, storage, "b")
