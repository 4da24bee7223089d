"""Where the predictor knows networks, and how much credit depth gets at most.

Both follow FLOPs: at each, what the published networks of like FLOPs have, ours among them. What stages may be is told
by `accuracy.stages`.
"""

from collections.abc import Sequence

import numpy as np

from vitspace.accuracy.features import DEEP, Array, Features

BOXED = ("params", "activations", "weights", "chain", "at_4", "at_8", "at_16", "at_32", "params_at_32")
#: Percentiles between which a feature is known.
LOW, HIGH = 3.0, 97.0
#: Percentile of depth up to which it counts.
CREDITED = HIGH
#: FLOPs are alike within this factor, and params for each; the box of each FLOPs holds at least so many networks.
LIKE, FEWEST = 1.5, 40
#: Largest share of the params that stages at a stride hold together in a published network of ours: EMSNet-T's.
PARAMS_AT = {4: 0.049, 8: 0.117}
#: Smallest share of the FLOPs of all stages that those at a stride have there: MSG-B's and MAT-3's.
MACS_AT = {4: 0.054, 8: 0.072}
#: Most by which a width grows from a stage to the next there: all but a few double.
STEP = 2.0
_GRID = 48
#: Of the width of what is known, by which a feature may lie beyond it.
_SLACK = 0.02


class Guards:
    """What is known at each FLOPs.

    Args:
        known: Features of the networks that a prediction may rest on.
        sizes: Feature ``image`` of all networks that it is learnt on, those of other recipes too, [N].
    """

    def __init__(self, known: Features, sizes: Array) -> None:
        self._sizes = np.array([sizes.min()]), np.array([sizes.max()])
        macs = known.columns["macs"]
        self._grid = np.linspace(float(np.percentile(macs, LOW)), float(np.percentile(macs, HIGH)), _GRID)
        near = [_near(macs, at) for at in self._grid]
        self._low = _percentiles(known, BOXED, near, LOW)
        self._high = _percentiles(known, BOXED, near, HIGH)
        self._caps = _percentiles(known, DEEP, near, CREDITED)

    def capped(self, features: Features) -> Features:
        """Return the features with depth up to what is credited."""
        return features.changed(
            {name: np.minimum(features.columns[name], self._at(features, self._caps[name])) for name in DEEP}
        )

    def excesses(self, features: Features) -> dict[str, Array]:
        """Return how far each feature lies outside what is known at its FLOPs, in widths of that: [N] each."""
        macs = features.columns["macs"]
        span = self._grid[-1] - self._grid[0]
        found = {"macs": _beyond(macs, self._grid[:1], self._grid[-1:]) / span}
        low, high = self._sizes
        found["image"] = _beyond(features.columns["image"], low, high) / (high - low)
        for name in BOXED:
            low, high = (self._at(features, bounds[name]) for bounds in (self._low, self._high))
            found[name] = np.maximum(_beyond(features.columns[name], low, high) / (high - low) - _SLACK, 0)
        return found

    def excess(self, features: Features) -> Array:
        """Return the sum of `excesses` over features: [N]."""
        return np.sum(list(self.excesses(features).values()), axis=0)

    def _at(self, features: Features, bounds: Array) -> Array:
        return np.interp(features.columns["macs"], self._grid, bounds)


def _beyond(values: Array, low: Array, high: Array) -> Array:
    return np.maximum(np.maximum(low - values, values - high), 0)


def _near(macs: Array, at: float) -> Array:
    """Return which networks are of like FLOPs, or the nearest ones where those are few."""
    gaps = np.abs(macs - at)
    return gaps <= max(np.log10(LIKE), np.sort(gaps)[min(FEWEST, len(gaps)) - 1])


def _percentiles(known: Features, names: Sequence[str], near: list[Array], level: float) -> dict[str, Array]:
    return {name: np.array([np.percentile(known.columns[name][at], level) for at in near]) for name in names}
