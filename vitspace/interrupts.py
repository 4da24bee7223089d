"""Ctrl-C and SIGTERM stop a study between two steps of its storage, never within one."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Seconds in which a second SIGTERM is the first one again.
GRACE = 20.0


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP; everything that ends on Ctrl-C ends on it."""


class _State:
    depth = 0
    pending: type[KeyboardInterrupt] | None = None
    terminated = float("-inf")


def install() -> None:
    """Have SIGINT raise KeyboardInterrupt, SIGTERM and SIGHUP `Terminated`, each of the latter once in a while.

    Whoever sends SIGTERM may send it again while the study is being saved; a second Ctrl-C is heard.
    """
    signal.signal(signal.SIGINT, _handle)
    signal.signal(signal.SIGTERM, _handle)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, _handle)


@contextmanager
def deferring_interrupts() -> Iterator[None]:
    """Do not interrupt what is within; afterwards, raise what came meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python interrupts the main thread only
        return
    _State.depth += 1
    try:
        yield
    finally:
        _State.depth -= 1
    if not _State.depth and (pending := _State.pending):
        _State.pending = None
        raise pending


def interrupted() -> bool:
    """Whether an interrupt came while `deferring_interrupts`, which is raised afterwards."""
    return _State.pending is not None


def _handle(number: int, _: FrameType | None) -> None:
    kind = KeyboardInterrupt if number == signal.SIGINT else Terminated
    if kind is Terminated:
        if time.monotonic() - _State.terminated < GRACE:
            return
        _State.terminated = time.monotonic()
    if _State.depth:
        _State.pending = kind
    else:
        raise kind
