"""Tells which process runs a trial, and finds trials whose process is dead.

A worker stores its beats beside its trial: a number that it raises with every heartbeat. Every other worker watches
these numbers by its own monotonic clock. A trial is lost when its beats have not changed for a lease, the time that its
worker named; time in which the watcher was suspended or the storage did not answer does not count. So clocks of two
hosts are never compared, and setting a clock does no harm. The death of a process on the same host is seen at once.

Optuna's own heartbeat serves databases alone, compares clocks, and loses a design whose watcher dies in between.
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
from pydantic import TypeAdapter, ValidationError

from vitspace.errors import InputError
from vitspace.machine.host import seconds_from_environment
from vitspace.study.optuna_private import trial_id

#: System attributes of a running trial: its owner, and its beats as [number, granted]; see `vitspace.searching.claims`
#: for what is granted.
OWNER, BEATS = "vitspace:owner", "vitspace:beats"


@dataclass(frozen=True)
class LeaseTiming:
    """The time between two beats of a worker, and the time without one after which its trial is lost.

    Attributes:
        lease: Seconds without a beat, ``VITSPACE_LEASE``.
        heartbeat: Seconds between two beats, ``VITSPACE_HEARTBEAT``.
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
        host: Name of its host, for messages.
        place: The host's boot and the container, within which its pid is unique.
        pid: Its process id.
        started: Its start, in the kernel's ticks since boot; setting a clock does not change it.
        lease: Seconds without a beat after which its trials are lost.
        evaluates: Whether it evaluates designs itself, so that a design may have killed it.
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
        """Whether it is of this host, since its last boot, so that this process can see whether it lives."""
        return self.place == _place()

    @property
    def gone(self) -> bool:
        """Whether it is known to be dead; False of a process on another host, of which nothing is known."""
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
    """Return the process that runs or ran a trial; None where it died before it stored its name."""
    return read_owner(trial.system_attrs.get(OWNER))


def read_owner(data: Any) -> Owner | None:
    """Return the process that a stored record names; None where it names none, as another program's may."""
    try:
        return _OWNERS.validate_python(data) if data else None
    except ValidationError:
        return None


_OWNERS = TypeAdapter(Owner)


@cache
def _place() -> str:
    boot, container = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if not boot.exists() or not container.exists():
        return platform.node()
    return f"{boot.read_text().strip()} {container.readlink()}"


def _process(pid: int) -> tuple[bool, float]:
    """Return whether a process is a zombie, and its start in ticks since boot."""
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE, round(process.create_time())
    # The name in parentheses may hold anything; behind it come the state, and 19 fields on the start.
    fields = stat.read_text().rpartition(")")[2].split()
    return fields[0] in "ZX", float(fields[19])


class Watch:
    """Finds the running trials whose worker is dead or unheard of.

    Args:
        timing: The lease of trials without a named owner, and the seconds between two calls of `lost`.
        clock: Gives seconds that only grow.
    """

    def __init__(self, timing: LeaseTiming, clock: Callable[[], float] = time.monotonic) -> None:
        self.timing, self.clock = timing, clock
        self._asked = clock()
        self._since: dict[int, tuple[Any, float]] = {}

    def lost(self, running: Iterable[FrozenTrial]) -> list[FrozenTrial]:
        """Return the lost ones of all running trials; to be called with every heartbeat."""
        trials = list(running)
        still = {trial_id(trial) for trial in self.still(trials)}
        return [t for t in trials if trial_id(t) in still or ((owner := owner_of(t)) and owner.gone)]

    def still(self, trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
        """Return the trials whose beats have not changed for a lease; to be called with every heartbeat."""
        now = self.clock()
        if now - self._asked > self.timing.lease / 2:
            # This process was suspended, or the storage did not answer: no beat could be seen in that time.
            self._since.clear()
        self._asked, before, self._since = now, self._since, {}
        return [trial for trial in trials if self._is_still(trial, before.get(trial_id(trial)), now)]

    def _is_still(self, trial: FrozenTrial, before: tuple[Any, float] | None, now: float) -> bool:
        owner, mark = owner_of(trial), trial.system_attrs.get(BEATS)
        since = before[1] if before and before[0] == mark else now
        self._since[trial_id(trial)] = mark, since
        return now - since >= (owner.lease if owner else self.timing.lease)
