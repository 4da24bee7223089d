"""Processes of this machine that evaluate designs; one that is killed is replaced.

The study's process alone proposes designs and touches the storage. Each worker evaluates one design at a time
(`vitspace.searching.engines._worker`); the two talk through a pipe, and a worker whose study's process is gone ends.
"""

import platform
import signal
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError

from vitspace.searching.desk import Died, Job
from vitspace.searching.engines._pool import Deaths, Worker
from vitspace.searching.monitor import Monitor
from vitspace.searching.reference import SecondSeed
from vitspace.searching.remote import RemoteStudy
from vitspace.searching.rungs import Rungs
from vitspace.searching.session import Session
from vitspace.study.trial import Trial

#: Seconds between two looks at the study where no worker says anything.
_LOOK = 0.3


class PipedWorker(Worker):
    """A worker that is handed jobs through a pipe.

    Args:
        study: What it is told of the study.
        threads: Threads of one evaluation; None is torch's own number.
        monitor: Is told what it prints.

    Attributes:
        pipe: What it is told by, and tells by.
        job: What it does; None where it waits.
    """

    def __init__(self, study: RemoteStudy, threads: int | None, monitor: Monitor) -> None:
        self.pipe, theirs = Pipe()
        self.job: Job | None = None
        with theirs:
            environment = {"OMP_NUM_THREADS": str(threads)} if threads else {}
            super().__init__("_worker", theirs.fileno(), monitor, environment=environment)
        self.pipe.send((study, threads))

    def stop(self, patience: float = 0.0) -> None:
        """End the process at once: nothing of the study is in its hands."""
        super().stop(patience)
        self.pipe.close()


class Processes:
    """A crew of workers, started as there is something to do for them; see `vitspace.searching.work.Crew`.

    Args:
        session: The study's; its ``workers`` says how many there are at most.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.monitor = session, session.monitor
        self.count = session.workers or 1
        self.workers: list[PipedWorker] = []
        self.deaths = Deaths(session.monitor)

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    @property
    def busy(self) -> int:
        """How many jobs run."""
        return sum(worker.job is not None for worker in self.workers)

    def has_room(self) -> bool:
        """Whether another job can start now."""
        return self.busy < self.count

    def start(self, job: Job) -> None:
        """Give a job to a worker that waits, or to a new one."""
        worker = next((each for each in self.workers if each.job is None), None)
        if worker is None:
            worker = self._start()
            self.workers.append(worker)
        worker.job = job
        self.monitor.began(job.number, job.name)
        with suppress(OSError):  # it was killed as it waited, which `results` sees
            if isinstance(job, SecondSeed):
                worker.pipe.send(("score", job.spec, job.seed))
            else:
                worker.pipe.send(("evaluate", job.number, job.spec, job.anchor))

    def results(self) -> Iterator[tuple[Job, Trial | float | Exception | Died]]:
        """Give the jobs that ended, one by one, and what they gave; wait a moment where none did.

        Raises:
            StudyFailedError: a worker stopped with an error, or one after the other was killed.
        """
        ready = wait([worker.pipe for worker in self.workers], timeout=_LOOK)
        for worker in [worker for worker in self.workers if worker.pipe in ready]:
            result: Trial | float | Exception | Died | None
            try:
                result = self._hear(worker, *worker.pipe.recv())
            except (EOFError, OSError):
                result = self._bury(worker)
            if result is not None and worker.job is not None:
                job, worker.job = worker.job, None
                self.monitor.left(job.number)
                yield job, result

    def cancel(self) -> list[Job]:
        """Stop all workers, and return the jobs that ran."""
        jobs = [worker.job for worker in self.workers if worker.job]
        for worker in self.workers:
            worker.stop()
        self.workers.clear()
        return jobs

    def _start(self) -> PipedWorker:
        return PipedWorker(RemoteStudy.of(self.session), self.session.threads, self.monitor)

    def _hear(self, worker: PipedWorker, word: str, *what: Any) -> Trial | float | Exception | None:
        """Do what a worker says; return its job's result where that is it."""
        job = worker.job
        if word == "result":
            self.deaths.in_a_row = 0
            result: Trial | float | Exception = what[0]
            return result
        if word == "step" and job is not None:
            self.monitor.step(job.number, *what)
        elif word == "rung" and job is not None and not isinstance(job, SecondSeed):
            rungs = Rungs(self.session.store, job.running, job.spec.id)
            try:
                worker.pipe.send(rungs.enter(*what))
            except UpdateFinishedTrialError as error:
                # The trial was taken from this process; the worker gives the design up, and the desk drops it.
                worker.pipe.send(error)
        return None

    def _bury(self, worker: PipedWorker) -> Died:
        """Take a worker that ended out of the crew; where it stopped with an error, `cancel` gives its job back.

        Raises:
            StudyFailedError: it stopped with an error, or one after the other was killed.
        """
        killed_by = self.deaths.add(worker)
        self.workers.remove(worker)
        who = f"process {worker.process.pid} on {platform.node()}"
        return Died(who, blame=killed_by not in (0, signal.SIGTERM))
