"""Telling: of the trials that other processes store, to the monitor of this one."""

from dataclasses import dataclass, field

from vitspace.searching.engines import Monitor
from vitspace.study.store import StudyStore


@dataclass
class Telling:
    """Tells a monitor of the trials that ended since the last time; of those before it was made, nothing."""

    store: StudyStore
    monitor: Monitor
    told: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.told.update(trial.number for trial in self.store.trials())

    def __call__(self) -> int:
        """Tell, and return how many are complete of those that ended."""
        new = [trial for trial in self.store.trials() if trial.number not in self.told]
        self.told.update(trial.number for trial in new)
        for trial in new:
            if trial.complete or trial.state == "failed" or trial.latency_ms is not None:
                self.monitor.ended(trial, self.store.record())
        return sum(trial.complete for trial in new)
