"""Engines: what proposes designs and runs their evaluation; one file each, all writing the same trials."""

from typing import Protocol

from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial


class Monitor(Protocol):
    """Is told how a study goes."""

    def started(self, record: StudyRecord) -> None:
        """The study's trials so far, before more are run."""

    def step(self, done: int, total: int) -> None:
        """How far the proxy of the running trial is."""

    def ended(self, trial: Trial, record: StudyRecord) -> None:
        """A trial ended."""

    def note(self, text: str) -> None:
        """Something worth a line."""


class Silent:
    """A monitor that says nothing."""

    def started(self, record: StudyRecord) -> None: ...

    def step(self, done: int, total: int) -> None: ...

    def ended(self, trial: Trial, record: StudyRecord) -> None: ...

    def note(self, text: str) -> None: ...
