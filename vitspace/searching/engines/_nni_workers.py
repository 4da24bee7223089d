"""The processes that serve NNI's trials, as the engine sees them; one that is killed is replaced."""

import socket
from pathlib import Path

from vitspace.searching.engines._pool import Deaths, Worker
from vitspace.searching.monitor import Monitor

#: The file that tells workers their study.
STUDY = "study.json"
#: Seconds that a worker has to put its design back into the queue.
_PUTTING_BACK = 20.0


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
        self._deaths = Deaths(monitor)

    def __enter__(self) -> "Workers":
        self._door.bind(str(self.address))
        self._door.listen(self.count)
        self._fill()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()
        for worker in self._running:
            worker.process.terminate()
        for worker in self._running:
            worker.stop(_PUTTING_BACK)

    def look(self, progress: bool) -> None:
        """Replace the workers that were killed.

        Args:
            progress: Whether a trial was complete since the last look.

        Raises:
            StudyFailedError: one stopped with an error, or too many were killed.
        """
        if progress:
            self._deaths.in_a_row = 0
        for worker in [worker for worker in self._running if worker.process.poll() is not None]:
            self._running.remove(worker)
            self._deaths.add(worker)
        self._fill()

    def _fill(self) -> None:
        while len(self._running) < self.count:
            arguments = [str(self.folder / STUDY)]
            self._running.append(Worker("_nni_worker", self._door.fileno(), self.monitor, arguments))
