"""Processes of this machine that evaluate for a study: started, listened to, and counted where they are killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

from vitspace.errors import StudyFailedError
from vitspace.searching.monitor import Monitor

#: Workers that may be killed in a row without a design being evaluated in between.
DEATHS_IN_A_ROW = 16


class Worker:
    """A running process; its standard error is passed on line by line.

    Args:
        module: The module of this folder that it runs.
        fd: The number of the open pipe or socket that it is handed, its first argument.
        monitor: Is told what it prints.
        arguments: Its further arguments.
        environment: Variables that it has beside those of this process.

    Attributes:
        last: The last line that it printed.
    """

    def __init__(
        self,
        module: str,
        fd: int,
        monitor: Monitor,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.monitor, self.last = monitor, ""
        # In a session of its own, so that Ctrl-C reaches the study's process alone.
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.{module}", str(fd), *arguments],
            env=os.environ | dict(environment or {}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            pass_fds=[fd],
        )
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self._thread.start()
        monitor.note(f"{self.name} started")

    @property
    def name(self) -> str:
        """What to call it."""
        return f"worker {self.process.pid}"

    def _pass_on(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.last = line.strip() or self.last
                self.monitor.note(f"{self.name}: {line.rstrip()}")

    def stop(self, patience: float = 0.0) -> None:
        """Wait so many seconds until it has ended, and kill it then; all its lines are read afterwards."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._thread.join(timeout=5)


class Deaths:
    """Counts the workers that are killed one after the other.

    Args:
        monitor: Is told of each.

    Attributes:
        in_a_row: How many were killed since a design was last evaluated.
    """

    def __init__(self, monitor: Monitor) -> None:
        self.monitor, self.in_a_row = monitor, 0

    def add(self, worker: Worker) -> int:
        """Count a worker that has ended, and return the signal that killed it; 0 where it was told to end.

        Raises:
            StudyFailedError: it stopped with an error, or too many in a row were killed.
        """
        code = worker.process.wait()
        worker.stop()
        if code > 0:
            raise StudyFailedError(f"{worker.name} stopped: {worker.last.removeprefix('error: ') or code}")
        self.monitor.note(f"{worker.name} was {f'killed by {signal.Signals(-code).name}' if code else 'told to end'}")
        self.in_a_row += 1
        if self.in_a_row >= DEATHS_IN_A_ROW:
            raise StudyFailedError(f"{self.in_a_row} workers in a row were killed before a trial was complete")
        return -code
