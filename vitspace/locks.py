"""Locks files by the kernel, so that each lock ends with its process, and names who holds one to those who wait."""

import fcntl
import logging
import os
import time
from pathlib import Path
from typing import IO

import psutil

#: Seconds of waiting after which it is said once who is waited for, and after which suspended processes no longer are.
WORD, SUSPENDED = 5.0, 20.0
_POLLS = (0.001, 0.05)
_log = logging.getLogger(__name__)


def take(file: IO, how: int, patience: float, why: str, word: float | None = None) -> bool:
    """Lock an open file, and return whether it was had within the patience.

    A suspended process is not waited for longer than `SUSPENDED`: it may stay so for ever.

    Args:
        file: The file; the lock ends when it is closed.
        how: ``fcntl.LOCK_EX`` or ``fcntl.LOCK_SH``.
        patience: Seconds.
        why: What waits, for the line that is logged: ``the journal s.journal``.
        word: Seconds after which it is logged; None is `WORD`.

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
        if waited >= patience or (waited >= SUSPENDED and _are_suspended(file)):
            return False
        if waited >= (WORD if word is None else word) and not told:
            _log.warning("%s: waiting for %s", why, holders(file))
            told = True
        time.sleep(min(max(waited / 10, _POLLS[0]), _POLLS[1], patience - waited))


def holders(file: IO) -> str:
    """Return who else holds a lock on an open file: ``process 12, which is suspended``."""
    return " and ".join(map(_named, _others(file))) or "another process, of this or another host"


def _are_suspended(file: IO) -> bool:
    """Whether all others that hold a file's locks are known, and suspended."""
    others = _others(file)
    return bool(others) and all(map(_is_suspended, others))


def _others(file: IO) -> list[int]:
    return [pid for pid in _holding(os.fstat(file.fileno())) if pid != os.getpid()]


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
    return f"process {pid}, which is suspended" if _is_suspended(pid) else f"process {pid}"


def _is_suspended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except psutil.Error:
        return False
