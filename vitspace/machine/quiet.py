"""Locks by which trainings of this host wait between two steps while a network is timed.

A training step holds one lock shared, and a timing holds it alone. A timing also holds a second lock from the moment it
asks, at which a step stops before it begins: so steps that follow each other without a pause do not keep a timing
waiting. Both locks are files of the cache's folder that the kernel locks, so that they end with their process, and all
processes with the same cache take part. Who is waited for is said after some seconds. Nobody is waited for longer than
`PATIENCE`, a suspended process not as long, and from then on not at all until it has let go.
"""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path

from vitspace.cache import cache_folder
from vitspace.locks import holders, take

#: Seconds for which a step or a timing is waited for; none takes as long, unless its process was suspended.
PATIENCE = 300.0
#: Seconds after which it is said who is waited for: a timing and a training step take less as a rule.
WORD = 60.0


class _Waited:
    seconds = 0.0


_log = logging.getLogger(__name__)
#: Locks that somebody held for longer than `PATIENCE`, until they are had again.
_given_up: set[str] = set()


def takes_turns() -> bool:
    """Whether timings and trainings of this host wait for each other; False from where one is no longer waited for."""
    return not _given_up


def seconds_waited() -> float:
    """Return for how long this process waited so far, since others timed networks or trained."""
    return _Waited.seconds


@contextmanager
def training_step(pausing: bool = True) -> Iterator[None]:
    """Train within, once nobody times a network any more.

    Args:
        pausing: False for a training that must not wait, such as one on a GPU, or one of several processes in step.
    """
    folder = _folder() if pausing else None
    if folder is None:
        yield
        return
    began = time.monotonic()
    with _locked(folder / "timing.lock", fcntl.LOCK_SH):
        pass
    with _locked(folder / "training.lock", fcntl.LOCK_SH):
        _Waited.seconds += time.monotonic() - began
        yield


@contextmanager
def timing() -> Iterator[None]:
    """Time a network within: nobody else does, and those that train wait, as `training_step` says."""
    folder = _folder()
    if folder is None:
        yield
        return
    began = time.monotonic()
    with _locked(folder / "timing.lock", fcntl.LOCK_EX), _locked(folder / "training.lock", fcntl.LOCK_EX):
        _Waited.seconds += time.monotonic() - began
        yield


def _folder() -> Path | None:
    """Return the cache's folder; None where it cannot be used, so that nobody waits: `vitspace.cache` says so."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "training.lock").touch()
    except OSError:
        return None
    return folder


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    """Hold a lock within; where it cannot be had for `PATIENCE`, go on without."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("a"))
        except OSError as error:
            _give_up(str(path), f"cannot be opened ({error})")
        else:
            _lock(file, how)
        yield


def _lock(file: TextIOWrapper, how: int) -> None:
    patience = 0.0 if file.name in _given_up else PATIENCE
    try:
        had = take(file, how, patience, "timings and trainings of this host take turns", WORD)
    except OSError as error:  # a file system without locks
        _give_up(file.name, f"cannot be locked ({error})")
        return
    if had:
        _given_up.discard(file.name)
    else:
        _give_up(file.name, f"is held by {holders(file)}")


def _give_up(name: str, why: str) -> None:
    if name not in _given_up:
        _log.warning("timings and trainings of this host no longer wait for each other: %s %s", name, why)
    _given_up.add(name)
