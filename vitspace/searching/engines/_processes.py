"""Processes of this machine that evaluate designs; one that is killed is replaced.

The study's process alone proposes designs and touches the storage. Each worker evaluates one design at a time
(`vitspace.searching.engines._worker`); the two talk through a pipe, and a worker whose study's process is gone ends.
"""

import os
import platform
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any

from vitspace.errors import StudyFailedError
from vitspace.searching.desk import Died, Job
from vitspace.searching.monitor import Monitor
from vitspace.searching.reference import SecondSeed
from vitspace.searching.remote import absolute_paths
from vitspace.searching.rungs import Rungs
from vitspace.searching.session import Session
from vitspace.study.trial import Trial

#: Workers that may be killed in a row without a design being evaluated in between.
DEATHS_IN_A_ROW = 16
#: Seconds between two looks at the study where no worker says anything.
_LOOK = 0.3


@dataclass(eq=False)
class Worker:
    """A running worker; its standard error is passed on line by line.

    Attributes:
        process: The process.
        pipe: What it is told by, and tells by.
        monitor: Is told what it prints.
        job: What it does; None where it waits.
    """

    process: subprocess.Popen[str]
    pipe: Connection
    monitor: Monitor
    job: Job | None = None
    last: deque[str] = field(default_factory=lambda: deque(maxlen=1))

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._pass_on, daemon=True)
        self.thread.start()
        self.monitor.note(f"worker {self.process.pid} started")

    def _pass_on(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.last.append(line.strip())
                self.monitor.note(f"worker {self.process.pid}: {line.rstrip()}")

    def stop(self) -> None:
        """End the process at once: nothing of the study is in its hands."""
        self.process.kill()
        self.process.wait()
        self.thread.join(timeout=5)
        self.pipe.close()


class Processes:
    """A crew of workers, started as there is something to do for them; see `vitspace.searching.work.Crew`.

    Args:
        session: The study's; its ``workers`` says how many there are at most.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.monitor = session, session.monitor
        self.count = session.workers or 1
        self.workers: list[Worker] = []
        self.killed = 0

    def __enter__(self) -> "Processes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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

    def _start(self) -> Worker:
        """Start a worker, in a session of its own, so that Ctrl-C reaches this process alone."""
        ours, theirs = Pipe()
        threads = self.session.threads
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "vitspace.searching.engines._worker", str(theirs.fileno())],
                env=os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {}),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )
        study = absolute_paths(self.session.config), self.session.evaluator.command
        ours.send((study, threads))
        return Worker(process, ours, self.monitor)

    def _hear(self, worker: Worker, word: str, *what: Any) -> Trial | float | Exception | None:
        """Do what a worker says; return its job's result where that is it."""
        job = worker.job
        if word == "result":
            self.killed = 0
            result: Trial | float | Exception = what[0]
            return result
        if word == "step" and job is not None:
            self.monitor.step(job.number, *what)
        elif word == "rung" and job is not None and not isinstance(job, SecondSeed):
            worker.pipe.send(Rungs(self.session.store, job.running, job.spec.id).enter(*what))
        return None

    def _bury(self, worker: Worker) -> Died:
        """Take a worker that ended out of the crew.

        Raises:
            StudyFailedError: it stopped with an error, or one after the other was killed.
        """
        code, pid = worker.process.wait(), worker.process.pid
        worker.stop()
        if code >= 0:  # its job is among those that `cancel` gives back
            raise StudyFailedError(f"worker {pid} stopped: {''.join(worker.last).removeprefix('error: ') or code}")
        name = signal.Signals(-code).name
        self.monitor.note(f"worker {pid} was killed by {name}")
        self.killed += 1
        if self.killed >= DEATHS_IN_A_ROW:
            raise StudyFailedError(f"{self.killed} workers in a row were killed before a trial was complete")
        self.workers.remove(worker)
        return Died(f"process {pid} on {platform.node()}", blame=-code != signal.SIGTERM)
