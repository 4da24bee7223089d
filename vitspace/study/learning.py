"""Which searched designs learn far less in the short training than the published networks nearest in FLOPs."""

import math
import statistics
from collections.abc import Sequence

from vitspace.study.trial import Trial

#: By how much more a design's loss is far more, as a share of the loss of chance.
FAR = 0.3
#: Published networks beside a design: those nearest in FLOPs, however far they are.
LIKE = 3


def far_behind(trials: Sequence[Trial], chance_loss: float) -> dict[int, Trial]:
    """Return the searched designs that learn far less, by number, each with the published network that shows it.

    Of the `LIKE` published networks that are nearest in FLOPs it is the one of the middle score, so that neither one
    that the training is too short for nor one that it suits decides; of two it is the one that learns less.

    Args:
        trials: Completed trials of one training; higher scores, which are negative losses, are better.
        chance_loss: The loss of a guess.
    """
    known = [(trial, trial.proxy_score) for trial in trials if trial.proxy_score is not None]
    published = [(trial, score) for trial, score in known if trial.anchor]
    found = {}
    for trial, score in known if published else ():
        near = sorted(published, key=lambda other: _apart(trial, other[0]))[:LIKE]
        middle = statistics.median_low(value for _, value in near)
        if not trial.anchor and middle - score > FAR * chance_loss:
            found[trial.number] = next(other for other, value in near if value == middle)
    return found


def _apart(one: Trial, other: Trial) -> float:
    """How far apart the FLOPs of two completed trials are."""
    assert one.macs is not None and other.macs is not None
    return abs(math.log(one.macs / other.macs))
