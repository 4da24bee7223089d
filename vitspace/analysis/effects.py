"""The effect of each value of an axis on the score at equal FLOPs, and the value that the data prefer.

The score at equal FLOPs is the residual of a smooth fit over FLOPs: a parabola in their logarithm, or a line or a
constant if there are few designs or their costs are similar. Other axes are not held fixed: among designs of one cost,
a wide one is shallow, so the effect of an axis includes that of the axes that change with it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitspace.analysis.observations import Observations
from vitspace.statistics import LEVELS, RESAMPLES

Array = NDArray[np.float64]

#: A value of fewer designs is shown, but not preferred.
FEW = 5
#: Ratio of largest to smallest FLOPs from which a fit over FLOPs is made.
_NARROW = 1.02
_DESIGNS_A_TERM = 10
#: Probability of calling a preference between equal values resolved, over all comparisons of an axis.
ALPHA = 0.05


@dataclass(frozen=True)
class Effect:
    """The scores of the designs with one value of an axis.

    Attributes:
        value: The value.
        designs: Number of designs with it.
        mean: Mean score at equal FLOPs, relative to the mean of all designs that have the axis; NaN without designs.
        low: Lower end of its 90 % bootstrap interval.
        high: Upper end.
        score: Mean score without regard to FLOPs.
    """

    value: Any
    designs: int
    mean: float
    low: float
    high: float
    score: float


@dataclass(frozen=True)
class AxisEffects:
    """The effects of all values of an axis.

    Attributes:
        axis: The space's variable.
        designs: Number of designs that have the axis.
        effects: Effect of each value, in the axis's order.
        best: The value with the highest mean among values of at least `FEW` designs; None if there is at most one.
        gain: Its mean minus the next one's; ``gain_low`` and ``gain_high`` are the 90 % interval.
        rivals: Values that may be as good, or behind it by no more than what matters.
        change: Largest change of a design's score where this axis alone changed; None where that was not tried.
        seen: Whether the proxy sees the axis: ``change`` is not nearly 0; None as ``change``.
    """

    axis: str
    designs: int
    effects: tuple[Effect, ...]
    best: Any = None
    gain: float = float("nan")
    gain_low: float = float("nan")
    gain_high: float = float("nan")
    rivals: tuple[Any, ...] = ()
    change: float | None = None
    seen: bool | None = None

    @property
    def resolved(self) -> bool:
        """Whether the best value is significantly better than all others, by an effect that matters and is seen."""
        return self.best is not None and not self.rivals and self.seen is not False


def at_equal_flops(macs: Array, scores: Array) -> Array:
    """Scores [N] minus a smooth fit over multiply-adds [N]."""
    if macs.max() < _NARROW * macs.min():
        return scores - scores.mean()
    log = np.log(macs / np.median(macs))
    degree = min(2, len(scores) // _DESIGNS_A_TERM, len(np.unique(log)) - 1)
    return scores - np.polynomial.Polynomial.fit(log, scores, degree)(log)


def axis_effects(seen: Observations, axis: str, rest: Array | None = None, matters: float = 0.0) -> AxisEffects:
    """Return the effects of one axis, among the designs that have it.

    Args:
        seen: The designs.
        axis: Name of the axis.
        rest: Their scores at equal FLOPs [N]; None computes them.
        matters: The difference in score that the best value must be ahead by, to be better.
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
    return AxisEffects(axis, len(having), effects, **_preference(effects, means, matters))


def all_effects(seen: Observations, matters: float = 0.0) -> list[AxisEffects]:
    """Return the effects of all axes of which the designs have at least two values, in the space's order."""
    rest = at_equal_flops(seen.macs, seen.scores)
    found = [axis_effects(seen, axis, rest, matters) for axis in seen.values]
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


def _preference(effects: tuple[Effect, ...], means: dict[Any, Array], matters: float) -> dict[str, Any]:
    """Return the best value, its gain over the next, and the values that may be as good."""
    ranked = sorted((e for e in effects if e.designs >= FEW), key=lambda e: -e.mean)
    if len(ranked) < 2:
        return {}
    best, second = ranked[0], ranked[1]
    # The best value was picked from the same data, so the probability of error is divided among the comparisons.
    level = 100 * ALPHA / (len(ranked) - 1)
    ahead = {e.value: np.percentile(means[best.value] - means[e.value], level) for e in ranked[1:]}
    rivals = tuple(value for value, least in ahead.items() if least <= matters)
    low, high = np.percentile(means[best.value] - means[second.value], LEVELS)
    gain = best.mean - second.mean
    return {"best": best.value, "gain": gain, "gain_low": float(low), "gain_high": float(high), "rivals": rivals}
