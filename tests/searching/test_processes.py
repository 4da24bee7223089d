"""The crew of processes, with workers that do nothing; test_workers.py has real ones."""

from multiprocessing import Pipe
from types import SimpleNamespace

import pytest

from vitspace.errors import StudyFailedError
from vitspace.families import anchor
from vitspace.searching.desk import Died
from vitspace.searching.engines import _processes as module
from vitspace.searching.monitor import Monitor
from vitspace.searching.session import DesignJob

KILLED, STOPPED, TOLD, REFUSED = -9, -15, 0, 1


class Worker:
    """Stands in for a worker's process: it ends at once, as told, or gives a result."""

    def __init__(self, code, result=None):
        self.pipe, theirs = Pipe()
        if result is not None:
            theirs.send(("step", 1, 2))
            theirs.send(("result", result))
        if code is not None:
            theirs.close()
        self.theirs, self.job, self.name, self.last = theirs, None, "worker 7", "error: no data"
        self.process = SimpleNamespace(pid=7, wait=lambda: code)

    def stop(self):
        self.pipe.close()


@pytest.fixture
def crew(monkeypatch):
    """A crew whose workers end with the codes given."""

    def make(codes, count=1, result=None):
        made = module.Processes(SimpleNamespace(monitor=Monitor(), workers=count))
        codes = iter(codes)
        monkeypatch.setattr(made, "_start", lambda: Worker(next(codes), result))
        monkeypatch.setattr(module, "_LOOK", 0.0)
        return made

    return make


def task(number=0):
    return DesignJob(SimpleNamespace(number=number), anchor("msg_tiny").spec, "msg_tiny")


def until_over(crew, job):
    crew.start(job)
    while crew.busy:
        for _, result in crew.results():
            return result
    return None


def test_a_worker_that_waits_takes_the_next_job(crew):
    made = crew([None], result="trial")
    assert until_over(made, task()) == "trial" and len(made.workers) == 1
    made.start(task(1))
    assert len(made.workers) == 1 and not made.has_room()


@pytest.mark.parametrize(("code", "blame"), [(KILLED, True), (STOPPED, False), (TOLD, False)])
def test_a_worker_that_is_killed_is_told_of_and_replaced(crew, code, blame):
    made = crew([code, None], result=None)
    died = until_over(made, task())
    assert isinstance(died, Died) and died.who.startswith("process 7 on ") and died.blame == blame
    assert made.workers == [] and made.has_room()
    made.start(task(1))
    assert len(made.workers) == 1


def test_workers_that_are_killed_one_after_the_other_end_the_study(crew):
    made = crew([KILLED] * 20)
    with pytest.raises(StudyFailedError, match="16 workers in a row were killed before a trial was complete"):
        for number in range(20):
            until_over(made, task(number))


def test_a_worker_that_cannot_evaluate_ends_the_study(crew):
    with pytest.raises(StudyFailedError, match="worker 7 stopped: no data"):
        until_over(crew([REFUSED]), task())


def test_what_runs_is_given_back_when_it_is_cancelled(crew):
    made = crew([None, None], count=2)
    jobs = [task(0), task(1)]
    for job in jobs:
        made.start(job)
    assert made.cancel() == jobs and made.workers == []
