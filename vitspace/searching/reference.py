"""Calibration: once a study, what its scores are held against: the noise between seeds, and the reference point."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from vitspace.interrupts import postponed
from vitspace.proxies import ProxyError, finite
from vitspace.searching.lease import Owner, owner_of
from vitspace.searching.queue import DEATHS
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

#: Returns a design's score for a seed.
Score = Callable[[Spec, int], float]


def to_calibrate(store: StudyStore, me: Owner, last: bool) -> Trial | None:
    """Return the trial by which this worker is to calibrate the study, or None.

    It is the first anchor, else the first trial, that completed. The worker that ran it calibrates; another does where
    that one is gone, or where it is on another host and the study is over (``last``).
    """
    if "reference" in store.study.user_attrs:
        return None
    completed = [trial for trial in store.trials() if trial.complete]
    if not completed:
        return None
    first = min(completed, key=lambda trial: (trial.anchor is None, trial.number))
    frozen = store.frozen()
    if any(_rank(t) < (first.anchor is None, first.number) for t in frozen if not t.state.is_finished()):
        return None
    owner = owner_of(frozen[first.number])
    mine = owner is None or owner == me or owner.gone or (last and owner.place != me.place)
    return first if mine else None


def _rank(trial: FrozenTrial) -> tuple[bool, int]:
    return "anchor" not in trial.user_attrs, trial.number if trial.state != TrialState.WAITING else 0


def calibrate(
    store: StudyStore, trial: Trial, config: StudyConfig, worst: float | None, score: Score, note: Callable[[str], None]
) -> None:
    """Score a completed trial's design with a second seed, and store the noise and the reference point."""
    assert trial.spec is not None and trial.score is not None
    name = trial.anchor or trial.spec.id
    note(f"scoring {name} with a second seed, for the proxy's noise")
    scores = [trial.score]
    with _counted(store) as attempts:
        try:
            if attempts >= DEATHS:
                raise ProxyError(f"{attempts} workers died of it")
            scores.append(finite(score(trial.spec, config.seed + 1)))
        except Exception as error:
            # As of a trial: whatever a design does to its evaluation, the study goes on.
            note(f"the second seed failed, so that the noise is not known: {error}")
    reference: dict[str, Any] = {"chance_loss": worst, "spec_id": trial.spec.id, "name": name, "scores": scores}
    noise = {"noise": statistics.stdev(scores)} if len(scores) > 1 else {}
    store.set(reference_point=reference_point(trial, config, worst), reference=reference | noise)


@contextmanager
def _counted(store: StudyStore) -> Iterator[int]:
    """Count an attempt that may kill its worker, and give how many did; one that is interrupted counts for nothing."""
    attempts = store.study.user_attrs.get("calibrations", 0)
    try:
        store.set(calibrations=attempts + 1)
        yield attempts
    except KeyboardInterrupt:
        with postponed():
            store.set(calibrations=attempts)
        raise


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
