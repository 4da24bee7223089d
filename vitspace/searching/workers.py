"""Workers: a study's evaluations in processes of their own on this machine, started again when they are killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from vitspace.errors import InputError, StudyFailedError
from vitspace.host import cores
from vitspace.searching.engines import Monitor
from vitspace.searching.telling import Telling
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore

#: Set in a worker: the process that started it; a worker whose starter is gone stops.
PARENT = "VITSPACE_PARENT"
#: Workers for one core at most; each takes a gigabyte, and those that share a core only wait for each other.
WORKERS_A_CORE = 4
#: Workers that may be killed in a row without a trial being completed in between.
DEATHS_IN_A_ROW = 16
#: Seconds in which a worker that is told to stop saves its trial.
GRACE = 20.0
_POLL = 0.3


@dataclass
class Worker:
    """A running worker, the one of so many; its standard error is passed on line by line."""

    process: subprocess.Popen[str]
    slot: int
    monitor: Monitor
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


def check_workers(count: int) -> None:
    """Check that so many processes can evaluate on this machine.

    Raises:
        InputError: there are too many.
    """
    if count > (most := WORKERS_A_CORE * len(cores())):
        raise InputError(f"workers are at most {most}, {WORKERS_A_CORE} for each core of this machine, but got {count}")


def run_workers(store: StudyStore, config: StudyConfig, url: str, count: int, monitor: Monitor) -> None:
    """Run workers until the study is over; one that is killed before is replaced.

    Args:
        store: The study, its first designs queued.
        config: What it was asked.
        url: Its storage, as the workers open it.
        count: How many workers at most; no more are started than trials are left to complete.
        monitor: Is told of the workers and their trials.

    Raises:
        StudyFailedError: a worker stopped with an error, or one after the other was killed.
    """
    record = store.record()
    count = max(1, min(count, config.trials - len(record.completed)))
    start = _Starter(store.study.study_name, url, config, count, monitor)
    monitor.started(record)
    tell, killed = Telling(store, monitor), 0
    with _stopped_at_the_end() as crew:
        crew.extend(start(slot) for slot in range(count) if not start.late)
        while crew:
            time.sleep(_POLL)
            if tell():
                killed = 0
            for worker in [worker for worker in crew if worker.process.poll() is not None]:
                crew.remove(worker)
                if not _ended_well(worker, monitor) and not _is_over(store, config, start):
                    killed += 1
                    if killed >= DEATHS_IN_A_ROW:
                        raise StudyFailedError(f"{killed} workers in a row were killed before a trial was complete")
                    crew.append(start(worker.slot))
    tell()
    if not _is_over(store, config, start):
        done = len(store.record().completed)
        raise StudyFailedError(f"all workers were stopped, with {done} of {config.trials} trials complete")


def stop_without_parent() -> None:
    """In a worker whose starter is gone: stop as on SIGTERM."""
    parent = os.environ.get(PARENT)
    if parent and os.getppid() != int(parent):
        os.kill(os.getpid(), signal.SIGTERM)


class _Starter:
    """Starts the workers of one study, each on cores of its own where there are enough."""

    def __init__(self, study: str, url: str, config: StudyConfig, count: int, monitor: Monitor) -> None:
        self.command = [sys.executable, "-m", "vitspace", "worker", study, "--storage", url, "--device", config.device]
        self.deadline = time.monotonic() + config.timeout if config.timeout else None
        self.share, self.monitor = len(cores()) // count, monitor

    @property
    def late(self) -> bool:
        """Whether the study's time is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def __call__(self, slot: int) -> Worker:
        command = list(self.command)
        if self.deadline is not None:
            command += ["--timeout", str(max(0.001, self.deadline - time.monotonic()))]
        # In a session of its own, so that Ctrl-C reaches this process alone, which tells the workers once.
        process = subprocess.Popen(
            command,
            env={"OMP_NUM_THREADS": str(max(1, self.share))} | os.environ | {PARENT: str(os.getpid())},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        if self.share and hasattr(os, "sched_setaffinity"):
            # Else all would time their designs on the same core.
            with suppress(ProcessLookupError):
                os.sched_setaffinity(process.pid, cores()[slot * self.share : (slot + 1) * self.share])
        return Worker(process, slot, self.monitor)


def _is_over(store: StudyStore, config: StudyConfig, start: _Starter) -> bool:
    """Whether no new trial starts, so that nobody takes a killed worker's place."""
    return start.late or store.used_up or len(store.record().completed) >= config.trials


def _ended_well(worker: Worker, monitor: Monitor) -> bool:
    """Return whether a worker that ended is not to be replaced.

    Raises:
        StudyFailedError: it stopped with an error.
    """
    code, pid = worker.process.returncode, worker.process.pid
    worker.thread.join(timeout=5)
    if code in (1, 2):
        raise StudyFailedError(f"worker {pid} stopped: {''.join(worker.last).removeprefix('error: ') or code}")
    if code < 0:
        monitor.note(f"worker {pid} was killed by {signal.Signals(-code).name}")
        return False
    if code:
        monitor.note(f"worker {pid} was stopped")
    return True


@contextmanager
def _stopped_at_the_end() -> Iterator[list[Worker]]:
    """Give a list of workers; those still running at the end are told to stop, and killed where they do not."""
    crew: list[Worker] = []
    try:
        yield crew
    finally:
        for worker in crew:
            with suppress(ProcessLookupError):
                worker.process.terminate()
        deadline = time.monotonic() + GRACE
        for worker in crew:
            try:
                worker.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            worker.thread.join(timeout=5)
