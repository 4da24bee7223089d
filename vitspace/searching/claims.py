"""Decides whether a worker may evaluate the trial that it has started, beside workers that have started theirs.

No lock is needed. A worker writes down what it is about to do and reads the others' notes only afterwards, so that of
two workers at least the later reader sees the other. The lower trial number has precedence, unless the higher one is
known to have been granted its evaluation, which its beats say. So a higher number yields at once, and a lower one waits
for a higher one of which nothing is known, until that has yielded, ended, or beaten.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from optuna.trial import FrozenTrial, TrialState

from vitspace.searching.lease import BEATS

#: Where a running trial's design stands among its system attributes, as the spec's id.
CLAIM = "vitspace:claim"


@dataclass(frozen=True)
class Verdict:
    """What to do with a trial that was started.

    Attributes:
        word: granted; wait and ask again; surplus, as others may fill the study; duplicate.
        of: The trial that has the same design, of a duplicate.
    """

    word: Literal["granted", "wait", "surplus", "duplicate"]
    of: int | None = None


def places_left(trials: Iterable[FrozenTrial], total: int) -> int:
    """Return how many trials more may start, if all that run complete."""
    return total - sum(trial.state in (TrialState.COMPLETE, TrialState.RUNNING) for trial in trials)


def admit(number: int, claim: str, trials: Iterable[FrozenTrial], total: int) -> Verdict:
    """Judge a started trial.

    Args:
        number: Of the trial.
        claim: Its design's spec id.
        trials: All trials of the study, read after the claim was stored.
        total: How many evaluations the study is to hold.
    """
    trials = list(trials)
    running = [t for t in trials if t.state == TrialState.RUNNING and t.number != number]
    ahead = [t for t in running if t.number < number or _granted(t)]
    undecided = [t for t in running if t.number > number and not _granted(t)]
    for other in ahead:
        if other.system_attrs.get(CLAIM) == claim:
            return Verdict("duplicate", other.number)
    complete = sum(t.state == TrialState.COMPLETE for t in trials)
    if complete + len(ahead) >= total:
        return Verdict("surplus")
    rivals = [t for t in undecided if t.system_attrs.get(CLAIM) == claim]
    if rivals or complete + len(ahead) + len(undecided) >= total:
        return Verdict("wait")
    return Verdict("granted")


def _granted(trial: FrozenTrial) -> bool:
    beats = trial.system_attrs.get(BEATS)
    return bool(beats and beats[1])
