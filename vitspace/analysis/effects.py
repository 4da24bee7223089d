"""Effects: what each value of an axis does to the score at equal FLOPs, and which value the data prefer.

The score at equal FLOPs is what is left of it after a smooth fit over FLOPs: a parabola in their logarithm, a line or a
constant where the designs are few or cost about the same. Other axes are not held fixed: among designs of one cost, a
wide one is a shallow one, and the effect of an axis is that of what comes with it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitspace.analysis.observations import Observations
from vitspace.statistics import LEVELS, RESAMPLES

Array = NDArray[np.float64]

#: Designs of a value below which it is shown, but not preferred over another.
FEW = 5
#: Ratio of largest to least FLOPs from which they are fitted at all.
_NARROW = 1.02
_DESIGNS_A_TERM = 10
#: Chance at which a preference between equal values is called resolved, over all comparisons of an axis.
ALPHA = 0.05


@dataclass(frozen=True)
class Effect:
    """What one value of an axis goes with.

    Attributes:
        value: Of the axis.
        designs: How many have it.
        mean: Mean score at equal FLOPs, against the mean of all designs that have the axis; NaN without designs.
        low: Of its 90 % bootstrap interval.
        high: Of the same.
        score: Mean score as it is, whatever the FLOPs.
    """

    value: Any
    designs: int
    mean: float
    low: float
    high: float
    score: float


@dataclass(frozen=True)
class AxisEffects:
    """What the values of an axis go with.

    Attributes:
        axis: The space's variable.
        designs: How many designs have the axis.
        effects: By value, in the axis's order.
        best: The value of the highest mean among those of at least `FEW` designs; None where fewer than two are.
        gain: Its mean less the next one's, with its 90 % interval in ``gain_low`` and ``gain_high``.
        rivals: Values that may be as good.
    """

    axis: str
    designs: int
    effects: tuple[Effect, ...]
    best: Any = None
    gain: float = float("nan")
    gain_low: float = float("nan")
    gain_high: float = float("nan")
    rivals: tuple[Any, ...] = ()

    @property
    def resolved(self) -> bool:
        """Whether the data tell the best value from all others."""
        return self.best is not None and not self.rivals


def at_equal_flops(macs: Array, scores: Array) -> Array:
    """Scores [N] less what a smooth fit over multiply-adds [N] expects of them."""
    if macs.max() < _NARROW * macs.min():
        return scores - scores.mean()
    log = np.log(macs / np.median(macs))
    degree = min(2, len(scores) // _DESIGNS_A_TERM, len(np.unique(log)) - 1)
    return scores - np.polynomial.Polynomial.fit(log, scores, degree)(log)


def axis_effects(seen: Observations, axis: str, rest: Array | None = None) -> AxisEffects:
    """Return the effects of one axis, among the designs that have it.

    Args:
        seen: The designs.
        axis: Name of the axis.
        rest: [N], their scores at equal FLOPs, where they are known.
    """
    rest = at_equal_flops(seen.macs, seen.scores) if rest is None else rest
    having = seen.having(axis)
    centred = rest[having] - rest[having].mean() if len(having) else rest[having]
    chosen = [seen.params[i][axis] for i in having]
    masks = {value: np.array([v == value for v in chosen], dtype=bool) for value in seen.values[axis]}
    groups = {value: centred[mask] for value, mask in masks.items()}
    rng = np.random.default_rng(0)
    means = {value: _resampled_means(group, rng) for value, group in groups.items()}
    scores = seen.scores[having]
    effects = tuple(_effect(value, groups[value], means[value], scores[mask]) for value, mask in masks.items())
    return AxisEffects(axis, len(having), effects, **_preference(effects, means))


def all_effects(seen: Observations) -> list[AxisEffects]:
    """Return the effects of all axes that some design has at two values, in the space's order."""
    rest = at_equal_flops(seen.macs, seen.scores)
    found = [axis_effects(seen, axis, rest) for axis in seen.values]
    return [axis for axis in found if sum(e.designs > 0 for e in axis.effects) > 1]


def _resampled_means(group: Array, rng: np.random.Generator) -> Array:
    if not len(group):
        return np.full(RESAMPLES, np.nan)
    means: Array = group[rng.integers(len(group), size=(RESAMPLES, len(group)))].mean(axis=1)
    return means


def _effect(value: Any, group: Array, means: Array, scores: Array) -> Effect:
    if not len(group):
        return Effect(value, 0, *[float("nan")] * 4)
    low, high = np.percentile(means, LEVELS)
    return Effect(value, len(group), float(group.mean()), float(low), float(high), float(scores.mean()))


def _preference(effects: tuple[Effect, ...], means: dict[Any, Array]) -> dict[str, Any]:
    """Return the best value, its gain over the next, and the values from which it is not told apart."""
    ranked = sorted((e for e in effects if e.designs >= FEW), key=lambda e: -e.mean)
    if len(ranked) < 2:
        return {}
    best, second = ranked[0], ranked[1]
    # The best was picked from the same data, so each comparison gets its part of the chance of error.
    level = 100 * ALPHA / (len(ranked) - 1)
    rivals = tuple(e.value for e in ranked[1:] if np.percentile(means[best.value] - means[e.value], level) <= 0)
    low, high = np.percentile(means[best.value] - means[second.value], LEVELS)
    gain = best.mean - second.mean
    return {"best": best.value, "gain": gain, "gain_low": float(low), "gain_high": float(high), "rivals": rivals}
