"""The reference design, whose costs and score give the reference point.

Where seeds decide a score, it is scored once a study with a second seed, for the noise.
"""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from vitspace.interrupts import deferring_interrupts
from vitspace.proxies import ProxyError, checked_score
from vitspace.searching.lease import Owner, owner_of
from vitspace.searching.queue import DEATHS
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial
from vitspace.words import plural

#: Returns a design's score for a seed.
Score = Callable[[Spec, int], float]


def reference_trial(store: StudyStore, me: Owner, last: bool) -> Trial | None:
    """Return the trial whose design this worker is to score with a second seed, or None.

    It is the first anchor, else the first trial, that has a score. The worker that ran it scores it; another does where
    that one is gone, or where it is on another host and the study is over (``last``).
    """
    if "reference" in store.study.user_attrs:
        return None
    scored = [trial for trial in store.trials() if trial.counts]
    if not scored:
        return None
    first = min(scored, key=lambda trial: (trial.anchor is None, trial.number))
    frozen = store.frozen()
    if any(_rank(t) < (first.anchor is None, first.number) for t in frozen if not t.state.is_finished()):
        return None
    owner = owner_of(frozen[first.number])
    mine = owner is None or owner == me or owner.gone or (last and owner.place != me.place)
    return first if mine else None


def _rank(trial: FrozenTrial) -> tuple[bool, int]:
    return "anchor" not in trial.user_attrs, trial.number if trial.state != TrialState.WAITING else 0


@dataclass
class SecondSeed:
    """The scoring of the reference design with a second seed; started, and then finished, cancelled or died of.

    Attributes:
        store: The study.
        trial: The reference design's completed trial.
        config: What the study was asked.
        worst: The proxy's worst score, with its sign turned; None where it has none.
        note: Is told of it.
    """

    store: StudyStore
    trial: Trial
    config: StudyConfig
    worst: float | None
    note: Callable[[str], None]

    @property
    def number(self) -> int:
        """The reference trial's number."""
        return self.trial.number

    @property
    def spec(self) -> Spec:
        """The reference design."""
        assert self.trial.spec is not None
        return self.trial.spec

    @property
    def name(self) -> str:
        """What to call the reference design: its anchor's id, or its spec's."""
        return self.trial.anchor or self.spec.id

    @property
    def seed(self) -> int:
        """The second seed."""
        return self.config.seed + 1

    def start(self) -> bool:
        """Count an attempt, which may kill its worker; where too many did, finish without the score: False."""
        self._attempts = self.store.study.user_attrs.get("calibrations", 0)
        if self._attempts >= DEATHS:
            self.finish(ProxyError(f"{plural(self._attempts, 'worker')} died of it"))
            return False
        self.note(f"scoring {self.name} with a second seed, for the proxy's noise")
        self.store.set(calibrations=self._attempts + 1)
        return True

    def cancel(self) -> None:
        """Take back that an attempt was made: it was interrupted."""
        with deferring_interrupts():
            self.store.set(calibrations=self._attempts)

    def finish(self, result: float | Exception) -> None:
        """Store the noise and the reference point; as of a trial, whatever failed, the study goes on."""
        assert self.trial.score is not None
        scores = [self.trial.score]
        try:
            if isinstance(result, Exception):
                raise result
            scores.append(checked_score(result))
        except Exception as error:
            self.note(f"the second seed failed, so that the noise is not known: {error}")
        known = {"chance_loss": self.worst, "spec_id": self.spec.id, "name": self.name, "scores": scores}
        noise: dict[str, Any] = {"noise": statistics.stdev(scores)} if len(scores) > 1 else {}
        point = reference_point(self.trial, self.config, self.worst)
        self.store.set(reference_point=point, reference=known | noise)


def score_reference(job: SecondSeed, score: Score) -> None:
    """Score the reference design with a second seed in this process."""
    if not job.start():
        return
    result: float | Exception
    try:
        result = score(job.spec, job.seed)
    except KeyboardInterrupt:
        job.cancel()
        raise
    except Exception as error:
        result = error
    job.finish(result)


def settle_reference(store: StudyStore, trial: Trial, config: StudyConfig, chance: float | None) -> None:
    """Store the reference point of a study whose scores no seed decides: it is in points, or its proxy is settled.

    Args:
        store: The study.
        trial: The reference design's completed trial.
        config: What the study was asked.
        chance: The proxy's worst score, with its sign turned; None where it has none.
    """
    assert trial.score is not None and trial.spec is not None
    known = {"chance_loss": chance, "spec_id": trial.spec.id, "name": trial.anchor or trial.spec.id}
    point = reference_point(trial, config, chance)
    if config.accuracy == "estimate":
        estimates = [estimate for _, estimate in store.record().screening.get("cloud", [])]
        point[0] = -float(math.floor(min([trial.score, *estimates]) - 1))
    store.set(reference_point=point, reference=known | {"scores": [trial.score]})


def reference_point(trial: Trial, config: StudyConfig, worst: float | None) -> list[float]:
    """Return the largest -score, multiply-adds and milliseconds that count, from the budget and the first design.

    Without a limit, twice the first design's cost stands in for it; without a worst score, twice a negative score,
    or 0 below a positive one, and 1 below 0.
    """
    limits = config.limits
    score, macs, latency_ms = trial.point
    most_macs = limits.macs[1] if limits.macs[1] < float("inf") else 2.0 * macs
    most_ms = limits.latency_ms[1] if limits.latency_ms[1] < float("inf") else 2.0 * latency_ms * most_macs / macs
    least = score + (abs(score) or 1.0)
    return [worst if worst is not None else least, most_macs, most_ms]
