"""The processes that serve NNI's trials, as the engine sees them; one that is killed is replaced."""

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

from vitspace.errors import StudyFailedError
from vitspace.searching.monitor import Monitor

#: The file that tells workers their study.
STUDY = "study.json"
#: Workers that may be killed in a row without a trial being complete in between.
_DEATHS_IN_A_ROW = 16
#: Seconds that a worker has to put its design back into the queue.
_PUTTING_BACK = 20.0


class Worker:
    """A running worker; its standard error is passed on line by line.

    Args:
        door: The socket at which trials knock.
        study: The file that tells it its study.
        monitor: Is told what it prints.
    """

    def __init__(self, door: socket.socket, study: Path, monitor: Monitor) -> None:
        name = "vitspace.searching.engines._nni_worker"
        self.monitor, self.last = monitor, ""
        # In a session of its own, so that Ctrl-C reaches the study's process alone.
        self.process = subprocess.Popen(
            [sys.executable, "-m", name, str(door.fileno()), str(study)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            pass_fds=[door.fileno()],
        )
        self.thread = threading.Thread(target=self._pass_on, daemon=True)
        self.thread.start()
        monitor.note(f"worker {self.process.pid} started")

    def _pass_on(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.last = line.strip() or self.last
                self.monitor.note(f"worker {self.process.pid}: {line.rstrip()}")

    def ended(self) -> bool:
        """Whether it runs no longer; all its lines are read then."""
        if self.process.poll() is None:
            return False
        self.thread.join(timeout=5)
        return True

    def stop(self) -> None:
        """Wait until it has put its design back and ended, or end it."""
        try:
            self.process.wait(_PUTTING_BACK)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.thread.join(timeout=5)


class Workers:
    """Workers that wait at one socket, running while this is entered.

    Args:
        folder: Where the socket is, and the file `STUDY`.
        count: How many there are.
        monitor: Is told of those that are killed.

    Attributes:
        address: The socket's file.
    """

    def __init__(self, folder: Path, count: int, monitor: Monitor) -> None:
        self.folder, self.count, self.monitor = folder, count, monitor
        self.address = folder / "workers"
        self._door = socket.socket(socket.AF_UNIX)
        self._running: list[Worker] = []
        self._killed = 0

    def __enter__(self) -> "Workers":
        self._door.bind(str(self.address))
        self._door.listen(self.count)
        self._fill()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door.close()
        for worker in self._running:
            worker.process.terminate()
        for worker in self._running:
            worker.stop()

    def look(self, progress: bool) -> None:
        """Replace the workers that were killed.

        Args:
            progress: Whether a trial was complete since the last look.

        Raises:
            StudyFailedError: one stopped with an error, or too many were killed.
        """
        self._killed = 0 if progress else self._killed
        for worker in [worker for worker in self._running if worker.ended()]:
            self._running.remove(worker)
            code, name = worker.process.returncode, f"worker {worker.process.pid}"
            if code > 0:
                raise StudyFailedError(f"{name} stopped: {worker.last.removeprefix('error: ') or code}")
            self._killed += 1
            self.monitor.note(f"{name} was {f'killed by {signal.Signals(-code).name}' if code else 'told to end'}")
        if self._killed >= _DEATHS_IN_A_ROW:
            raise StudyFailedError(f"{self._killed} workers in a row were killed before a trial was complete")
        self._fill()

    def _fill(self) -> None:
        while len(self._running) < self.count:
            self._running.append(Worker(self._door, self.folder / STUDY, self.monitor))
