"""Learning how much a proxy's scores weigh as evidence, from published networks.

What predictions miss of published accuracies is regressed on what scores say beside size. How much that explains is
judged on families that were left out, and the lower end of its 90 % interval over families is the weight: so a score
weighs nothing unless it is known to tell something.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from vitspace.accuracy.evidence import FEWEST, FEWEST_FAMILIES, Evidence, Reading
from vitspace.accuracy.features import Array
from vitspace.statistics import interval, resamples

#: Group of the networks that stand for themselves; ablations of one baseline share another number.
ALONE = 0
#: A miss counts up to so many standard deviations off the middle of its group.
LIMIT = 2.5


@dataclass(frozen=True)
class KnownScores:
    """A proxy's scores of N published networks, and what the predictor missed of them.

    Ablations of one baseline share its recipe, and what the predictor misses of it: only differences within such a
    group tell of the score, so misses and remainders are taken less their mean over the group.

    Attributes:
        scores: Higher is better, [N].
        sizes: log10 of params and of multiply-adds, [N, 2].
        misses: Published less predicted log error, predicted without the family, in its standard deviations, [N].
        families: [N].
        groups: `ALONE`, or the number of an ablation's baseline, [N].
    """

    scores: Array
    sizes: Array
    misses: Array
    families: NDArray[np.str_]
    groups: NDArray[np.int64]

    def at(self, chosen: NDArray[np.bool_]) -> "KnownScores":
        """Return some of them."""
        return KnownScores(*(getattr(self, each.name)[chosen] for each in fields(self)))

    @property
    def alone(self) -> "KnownScores":
        """Those that stand for themselves."""
        return self.at(self.groups == ALONE)

    @property
    def reading(self) -> Reading:
        """How their scores are read."""
        return Reading.of(self.alone.scores, self.alone.sizes)


def learn(proxy: str, known: KnownScores) -> Evidence:
    """Learn what a proxy's scores tell beside the predictions."""
    alone = known.alone
    counts = len(alone.scores), len(known.scores) - len(alone.scores), len(set(known.families))
    if counts[0] < FEWEST or len(set(alone.families)) < FEWEST_FAMILIES:
        return Evidence(proxy, 0.0, *counts)
    share, ends = _explained(known)
    weight = max(0.0, ends[0])
    slope = -float((weight * alone.misses.var()) ** 0.5)
    return Evidence(proxy, weight, *counts, share, ends, slope, known.reading)


def _explained(known: KnownScores) -> tuple[float, tuple[float, float]]:
    """Return the share of squared misses that is explained on families left out, and its 90 % interval over them."""
    held = [_held(known, family) for family in sorted(set(known.families))]
    explained, total = np.array([sums for sums in held if sums[1] > 0]).T
    samples = resamples(len(total))
    found = interval((samples @ explained) / (samples @ total))
    assert found is not None
    return float(explained.sum() / total.sum()), found


def _held(known: KnownScores, family: str) -> tuple[float, float]:
    """Return how much of a family's sum of squared misses is explained without it, and that sum."""
    rest, own = known.at(known.families != family), known.at(known.families == family)
    if not len(rest.alone.scores):
        return 0.0, 0.0
    misses, remainders = _limited(rest.misses, rest.groups), rest.reading.remainders(rest.scores, rest.sizes)
    middle = misses[rest.groups == ALONE].mean()
    # Bad scores that go with good accuracies say the contrary of what they mean to.
    slope = min(0.0, _slope(_less_mean(misses, rest.groups), _less_mean(remainders, rest.groups)))
    missed = _less_mean(_limited(own.misses, own.groups), own.groups, middle)
    told = slope * _less_mean(rest.reading.remainders(own.scores, own.sizes), own.groups, 0.0)
    return float((missed**2 - (missed - told) ** 2).sum()), float((missed**2).sum())


def _slope(y: Array, x: Array) -> float:
    """Return the slope of y on x, shrunk by one network's worth."""
    return float(y @ x / (1 + x @ x))


def _limited(misses: Array, groups: NDArray[np.int64]) -> Array:
    """Return misses within `LIMIT` of the middle of their group."""
    values = misses.copy()
    for group in np.unique(groups):
        middle = np.median(values[groups == group])
        values[groups == group] = np.clip(values[groups == group], middle - LIMIT, middle + LIMIT)
    return values


def _less_mean(values: Array, groups: NDArray[np.int64], alone: float | None = None) -> Array:
    """Return values less the mean of their group; those of networks for themselves less ``alone`` if that is given."""
    found = values.copy()
    for group in np.unique(groups):
        mean = values[groups == group].mean() if alone is None or group != ALONE else alone
        found[groups == group] -= mean
    return found
