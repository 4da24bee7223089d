"""Counts trials in a row that were rejected, failed or too slow, and stops a study that gets nowhere."""

from dataclasses import dataclass

from vitspace.errors import StudyFailedError
from vitspace.study.trial import Trial
from vitspace.words import plural

#: Proposals in a row that may be rejected before a uniform draw takes the place of the next.
REJECTIONS = 50
#: Trials in a row that may be rejected, the uniform draws among them, before a study stops.
IN_VAIN = 1000
#: Failures in a row after which a study stops.
FAILURES = 8
#: Designs in a row that are measured and miss the latency budget, after which a study stops.
TOO_SLOW = 25


@dataclass
class Streaks:
    """How the trials of one process end, in a row."""

    rejected: int = 0
    failed: int = 0
    slow: int = 0

    def add(self, trial: Trial) -> None:
        """Count a trial.

        Raises:
            StudyFailedError: too many in a row failed, were rejected, or were too slow.
        """
        rejected = trial.state in ("invalid", "over_budget", "duplicate")
        self.rejected = self.rejected + 1 if rejected else 0
        self.failed = self.failed + 1 if trial.state == "failed" else 0 if trial.counts else self.failed
        slow = trial.state == "over_budget" and trial.latency_ms is not None
        self.slow = self.slow + 1 if slow else 0 if trial.counts else self.slow
        if self.rejected >= IN_VAIN:
            raise StudyFailedError(
                f"{self.rejected} designs in a row were rejected, the last with: {trial.why}; a wider budget or "
                "another space has more that fit"
            )
        if self.failed >= FAILURES:
            raise StudyFailedError(f"{plural(self.failed, 'trial')} in a row failed, the last with: {trial.why}")
        if self.slow >= TOO_SLOW:
            raise StudyFailedError(f"{self.slow} designs in a row were too slow, the last with: {trial.why}")
