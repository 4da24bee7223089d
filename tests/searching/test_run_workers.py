"""Starting and replacing workers, with workers that do nothing; test_workers.py has real ones."""

from types import SimpleNamespace

import pytest

from vitspace.errors import StudyFailedError
from vitspace.families import anchor
from vitspace.host import cores
from vitspace.searching import workers
from vitspace.searching.engines import Silent
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

KILLED, DONE = -9, 0


class Workers:
    """Stands in for the worker's class: each ends at once, as told."""

    def __init__(self, code=DONE, before_it_ends=lambda: None):
        self.returncode, self.before_it_ends, self.started, self.pid = code, before_it_ends, 0, 0

    def __call__(self, process, slot, monitor):
        self.started += 1
        thread = SimpleNamespace(join=lambda timeout: None)
        return SimpleNamespace(process=self, slot=slot, thread=thread, last=[])

    def poll(self):
        self.before_it_ends()
        return self.returncode

    def terminate(self): ...

    def wait(self, timeout): ...


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run workers on a study of so many trials, of which some are complete; return how many were started."""
    monkeypatch.setattr(workers, "_POLL", 0.0)
    monkeypatch.setattr(workers.subprocess, "Popen", lambda *args, **kwargs: SimpleNamespace(pid=-1))
    monkeypatch.setattr(workers.os, "sched_setaffinity", lambda pid, cores: None)

    def go(crew, count, trials, complete=0, timeout=None):
        config = StudyConfig(space="msg", budget="4G", trials=trials, timeout=timeout)
        go.store = StudyStore.create(open_storage(str(tmp_path / "s.journal")), "s", config, {})
        for _ in range(complete):
            go.complete()
        monkeypatch.setattr(workers, "Worker", crew)
        workers.run_workers(go.store, config, "", count, Silent())
        return crew.started

    def complete():
        running = go.store.study.ask()
        result = Trial(running.number, "complete", anchor("msg_tiny").spec, macs=1, latency_ms=1.0, score=-1.0)
        go.store.save(running, result)

    go.complete = complete
    return go


def test_a_worker_that_is_killed_once_the_study_is_complete_is_not_replaced(run):
    assert run(Workers(KILLED, lambda: run.store.trials() or run.complete()), count=1, trials=1) == 1


def test_a_worker_that_is_killed_once_the_space_is_used_up_is_not_replaced(run):
    assert run(Workers(KILLED, lambda: run.store.set(used_up=True)), count=1, trials=1) == 1


def test_a_worker_that_is_killed_before_is_replaced_until_that_is_too_often(run):
    crew = Workers(KILLED)
    with pytest.raises(StudyFailedError, match="16 workers in a row were killed before a trial was complete"):
        run(crew, count=2, trials=8)
    assert crew.started == 2 + 15


def test_no_more_workers_start_than_trials_are_left(run):
    crew = Workers(before_it_ends=lambda: run.store.set(used_up=True))
    assert run(crew, count=2 * len(cores()), trials=3, complete=2) == 1


def test_no_worker_starts_once_the_time_is_over(run):
    assert run(Workers(), count=2, trials=8, timeout=1e-9) == 0
