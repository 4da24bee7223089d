"""Monitors are told how a study goes, and of the trials that other processes store."""

import sys
from dataclasses import dataclass, field

from vitspace.study.record import StudyRecord
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial


class Monitor:
    """Is told how a study goes; this one says nothing of it, and others override what they show."""

    def started(self, record: StudyRecord) -> None:
        """The study's trials so far, before more are run."""

    def began(self, number: int, name: str) -> None:
        """The evaluation of a trial's design begins; the name is its anchor's, or its spec's id."""

    def step(self, number: int, done: int, total: int) -> None:
        """How far the proxy of a running trial is."""

    def left(self, number: int) -> None:
        """The evaluation of a trial's design is over, or given up."""

    def ended(self, trial: Trial, record: StudyRecord) -> None:
        """A trial ended."""

    def screening(self, done: int, total: int) -> None:
        """How many designs were screened, of how many, before a study has trials."""

    def note(self, text: str) -> None:
        """Something worth a line."""


class Lines(Monitor):
    """A monitor that writes its notes on standard error, a line each."""

    def note(self, text: str) -> None:
        """Print a line."""
        print(text, file=sys.stderr, flush=True)


@dataclass
class Watcher:
    """Tells a monitor of the trials that other processes ended since the last time; at first, of none."""

    store: StudyStore
    monitor: Monitor
    told: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.told.update(trial.number for trial in self.store.trials())

    def __call__(self) -> list[Trial]:
        """Tell, and return the trials that ended."""
        new = [trial for trial in self.store.trials() if trial.number not in self.told]
        self.told.update(trial.number for trial in new)
        for trial in new:
            if trial.evaluated:
                self.monitor.ended(trial, self.store.record())
        return new
