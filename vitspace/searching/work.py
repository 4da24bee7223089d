"""The loop of a search: ask the desk, evaluate, tell the desk; one design after the other, or several at once."""

from collections.abc import Callable, Iterator
from typing import Protocol

from vitspace.searching.desk import Desk, Died, Job
from vitspace.searching.session import DesignJob
from vitspace.space.variables import Params
from vitspace.study.trial import Trial

Evaluate = Callable[[DesignJob], Trial]


def work(desk: Desk, evaluate: Evaluate) -> None:
    """Evaluate one design after the other in this process until the study is over."""
    while not desk.over:
        if work_once(desk, evaluate) is None:
            desk.wait()  # others run what may be the last ones


def work_once(desk: Desk, evaluate: Evaluate, params: Params | None = None) -> Trial | None:
    """Evaluate one design in this process; None where there is none to start now; see `Desk.ask`."""
    job = desk.ask(params)
    if job is None:
        return None
    try:
        trial = evaluate(job)
    except BaseException:
        desk.put_back(job)
        raise
    desk.tell(job, trial)
    return trial


class Crew(Protocol):
    """Others that evaluate, in processes or tasks of their own."""

    @property
    def busy(self) -> int:
        """How many jobs run."""

    def has_room(self) -> bool:
        """Whether another job can start now."""

    def start(self, job: Job) -> None:
        """Have a job done."""

    def results(self) -> Iterator[tuple[Job, Trial | float | Exception | Died]]:
        """Give the jobs that ended one by one, and what they gave; wait a moment where none did."""

    def cancel(self) -> list[Job]:
        """Stop all jobs, and return those that ran."""


def work_at_once(desk: Desk, crew: Crew) -> None:
    """Have a crew evaluate several designs at once until the study is over."""
    try:
        while True:
            while crew.has_room() and (job := desk.next_job()):
                crew.start(job)
            if crew.busy:
                for job, result in crew.results():
                    desk.tell(job, result)
            elif desk.over:
                return
            else:
                desk.wait()
    except BaseException:
        for job in crew.cancel():
            desk.put_back(job)
        raise
