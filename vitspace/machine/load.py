"""What this process and others take of the machine's cores, as Linux counts it; elsewhere it is not known."""

import os
import time
from pathlib import Path

_STAT = Path("/proc/stat")
_TASKS = Path("/proc/self/task")


class CoresWatch:
    """Watches the cores of this machine from when it is made."""

    def __init__(self) -> None:
        self._began, self._ran, self._idle, self._waited = time.monotonic(), time.process_time(), _idle(), _waited()

    @property
    def left(self) -> float | None:
        """Share of the cores' time that others left: idle, or this process's own; None where it is not known.

        It sees what a thread of real-time priority does not feel in its share of a core, but in caches and memory.
        """
        idle, whole = _idle(), (time.monotonic() - self._began) * (os.cpu_count() or 1)
        if idle is None or self._idle is None:
            return None
        return min(1.0, (idle - self._idle + time.process_time() - self._ran) / whole)

    @property
    def had(self) -> float | None:
        """Share of the time in which threads of this process that could run had a core; None where it is not known."""
        waited, ran = _waited(), time.process_time() - self._ran
        if waited is None or self._waited is None:
            return None
        return ran / (ran + max(0.0, waited - self._waited))


def _idle() -> float | None:
    """Return the seconds in which cores of the machine were idle since its start."""
    try:
        times = _STAT.read_text(encoding="ascii").split(maxsplit=6)
        ticks = int(times[4]) + int(times[5])  # of all cores; the second is idle, too, with a disk at work
    except (OSError, ValueError, IndexError):
        return None
    return ticks / os.sysconf("SC_CLK_TCK") if ticks else None


def _waited() -> float | None:
    """Return the seconds for which threads of this process could have run, and had no core."""
    try:
        tasks = [(task / "schedstat").read_text(encoding="ascii") for task in _TASKS.iterdir()]
        return sum(int(task.split()[1]) for task in tasks) / 1e9
    except (OSError, ValueError, IndexError):  # or a thread ended just now
        return None
