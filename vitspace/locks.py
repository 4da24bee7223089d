"""Locks files by the kernel, so that each lock ends with its process, and names who holds one to those who wait."""

import fcntl
import logging
import os
import time
from pathlib import Path
from typing import IO

import psutil

#: Seconds of waiting after which it is said once who is waited for.
WORD = 5.0
_POLLS = (0.001, 0.05)
_log = logging.getLogger(__name__)


def take(file: IO, how: int, patience: float, why: str) -> bool:
    """Lock an open file, and return whether it was had within the patience.

    Args:
        file: The file; the lock ends when it is closed.
        how: ``fcntl.LOCK_EX`` or ``fcntl.LOCK_SH``.
        patience: Seconds.
        why: What waits, for the line that is logged after `WORD` seconds: ``the journal s.journal``.

    Raises:
        OSError: the file system has no locks.
    """
    began, told = time.monotonic(), False
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            waited = time.monotonic() - began
        if waited >= patience:
            return False
        if waited >= WORD and not told:
            _log.warning("%s: waiting for %s", why, holders(file))
            told = True
        time.sleep(min(max(waited / 10, _POLLS[0]), _POLLS[1], patience - waited))


def holders(file: IO) -> str:
    """Return who else holds a lock on an open file: ``process 12, which is suspended``."""
    others = [pid for pid in _holding(os.fstat(file.fileno())) if pid != os.getpid()]
    return " and ".join(map(_named, others)) or "another process, of this or another host"


def _holding(stat: os.stat_result) -> list[int]:
    """Return the processes that the kernel lists as holders of a file's locks; where it lists none, nothing."""
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return []
    place = f"{os.major(stat.st_dev):02x}:{os.minor(stat.st_dev):02x}:{stat.st_ino}"
    rows = [line.split() for line in lines]
    return [int(row[4]) for row in rows if len(row) > 5 and row[1] == "FLOCK" and row[5] == place and int(row[4]) > 0]


def _named(pid: int) -> str:
    try:
        status = psutil.Process(pid).status()
    except psutil.Error:
        return f"process {pid}"
    suspended = status in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    return f"process {pid}, which is suspended" if suspended else f"process {pid}"
