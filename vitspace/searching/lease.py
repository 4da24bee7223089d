"""Lease: who runs a trial, and how anybody sees that he no longer does.

A worker that holds a trial counts up a number beside it, its beats. A watcher counts by its own monotonic clock for how
long a number has stood still while the watcher itself was awake and the storage answered; after the lease that the
worker named, the trial is lost. No two clocks are compared, and no clock that can be set. Of a process on its own host
a watcher sees at once that it is gone.
"""

import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from optuna.trial import FrozenTrial

from vitspace.errors import InputError
from vitspace.machine.host import seconds_from_environment
from vitspace.study.optuna_private import trial_id

#: Where a running trial's owner and its beats stand among its system attributes; beats are their number, and whether
#: its evaluation was granted (see `vitspace.searching.claims`).
OWNER, BEATS = "vitspace:owner", "vitspace:beats"


@dataclass(frozen=True)
class LeaseTiming:
    """How often a worker says that it lives, and after how long it is taken for dead.

    Attributes:
        lease: Seconds, ``VITSPACE_LEASE``.
        heartbeat: Seconds, ``VITSPACE_HEARTBEAT``.
    """

    lease: float = 15.0
    heartbeat: float = 3.0

    def __post_init__(self) -> None:
        if not 0 < 3 * self.heartbeat <= self.lease:
            raise InputError(
                f"a lease is at least three heartbeats, but got lease={self.lease:g}s, heartbeat={self.heartbeat:g}s"
            )

    @classmethod
    def from_environment(cls) -> "LeaseTiming":
        """Read ``VITSPACE_LEASE`` and ``VITSPACE_HEARTBEAT``.

        Raises:
            InputError: they are no finite numbers, or the lease is shorter than three heartbeats.
        """
        return cls(
            seconds_from_environment("VITSPACE_LEASE", cls.lease),
            seconds_from_environment("VITSPACE_HEARTBEAT", cls.heartbeat),
        )


@dataclass(frozen=True)
class Owner:
    """A process that runs trials.

    Attributes:
        host: Its host's name, for people.
        place: What its number is unique in: the boot of the host, and the container.
        pid: Its number.
        started: When it started, in the kernel's ticks since boot, which no clock's jump moves.
        lease: Seconds after which it may be taken for dead.
        evaluates: Whether it evaluates designs itself, so that one may have killed it; else others do so for it.
    """

    host: str
    place: str
    pid: int
    started: float
    lease: float
    evaluates: bool = True

    @classmethod
    def here(cls, lease: float, evaluates: bool = True) -> "Owner":
        """This process."""
        _, started = _process(os.getpid())
        return cls(platform.node(), _place(), os.getpid(), started, lease, evaluates)

    @property
    def is_here(self) -> bool:
        """Whether this process can see if it lives: it is of this host, and not of before its last boot."""
        return self.place == _place()

    @property
    def gone(self) -> bool:
        """Whether it is known to be dead; of another host nothing is known."""
        if not self.is_here:
            return False
        try:
            dead, started = _process(self.pid)
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            return True
        return dead or started != self.started

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for storage."""
        return asdict(self)


def owner_of(trial: FrozenTrial) -> Owner | None:
    """Return who runs or ran a trial; None where it died before it said so."""
    data = trial.system_attrs.get(OWNER)
    return Owner(**data) if data else None


@cache
def _place() -> str:
    boot, container = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if not boot.exists() or not container.exists():
        return platform.node()
    return f"{boot.read_text().strip()} {container.readlink()}"


def _process(pid: int) -> tuple[bool, float]:
    """Return whether a process is dead but not yet waited for, and when it started."""
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE, round(process.create_time())
    # The name in parentheses may hold anything; behind it come the state, and 19 fields on the start.
    fields = stat.read_text().rpartition(")")[2].split()
    return fields[0] in "ZX", float(fields[19])


class Watch:
    """Sees which running trials nobody works on any more.

    Args:
        timing: The lease of trials whose owner named none, and how often `lost` is asked.
        clock: Seconds that only grow.
    """

    def __init__(self, timing: LeaseTiming, clock: Callable[[], float] = time.monotonic) -> None:
        self.timing, self.clock = timing, clock
        self._asked = clock()
        self._since: dict[int, tuple[Any, float]] = {}

    def lost(self, running: Iterable[FrozenTrial]) -> list[FrozenTrial]:
        """Return the trials that are lost, of all that run now; to be asked every heartbeat."""
        trials = list(running)
        still = {trial_id(trial) for trial in self.still(trials)}
        return [t for t in trials if trial_id(t) in still or ((owner := owner_of(t)) and owner.gone)]

    def still(self, trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
        """Return the trials whose beats have stood still for a lease; to be asked every heartbeat."""
        now = self.clock()
        if now - self._asked > self.timing.lease / 2:
            # This process slept, or the storage was away; so the others could not be heard.
            self._since.clear()
        self._asked, before, self._since = now, self._since, {}
        return [trial for trial in trials if self._is_still(trial, before.get(trial_id(trial)), now)]

    def _is_still(self, trial: FrozenTrial, before: tuple[Any, float] | None, now: float) -> bool:
        owner, mark = owner_of(trial), trial.system_attrs.get(BEATS)
        since = before[1] if before and before[0] == mark else now
        self._since[trial_id(trial)] = mark, since
        return now - since >= (owner.lease if owner else self.timing.lease)
