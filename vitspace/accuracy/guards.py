"""Where the predictor knows networks, and how much credit depth gets at most.

Both follow FLOPs: at each, what the published networks of like FLOPs have, ours among them. Params are credited as far
as a family has shown them: what more of them give in another family says little of this one.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from vitspace.accuracy.features import DEEP, Array, Features
from vitspace.accuracy.process import Codes

BOXED = ("params", "activations", "weights", "chain", "at_4", "at_8", "at_16", "at_32", "params_at_32")
#: Percentiles between which a feature is known.
LOW, HIGH = 3.0, 97.0
#: Percentile of depth up to which it counts.
CREDITED = HIGH
#: FLOPs are alike within this factor, and params for each; the box of each FLOPs holds at least so many networks.
LIKE, FEWEST = 1.5, 40
_GRID = 48
#: Of the width of what is known, by which a feature may lie beyond it.
_SLACK = 0.02


class Guards:
    """What is known at each FLOPs.

    Args:
        known: Features of the networks that a prediction may rest on.
        sizes: Feature ``image`` of all networks that it is learnt on, those of other recipes too, [N].
        densest: By code of a family of ours, the largest ``density`` of its published networks.
    """

    def __init__(self, known: Features, sizes: Array, densest: Mapping[int, float]) -> None:
        self._densest = densest
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

    def excesses(self, features: Features, families: Codes) -> dict[str, Array]:
        """Return how far each feature lies outside what is known at its FLOPs, in widths of that: [N] each.

        ``density`` is out beyond `LIKE` times the most that the design's family has shown, in widths of params.
        """
        macs = features.columns["macs"]
        span = self._grid[-1] - self._grid[0]
        found = {"macs": _beyond(macs, self._grid[:1], self._grid[-1:]) / span}
        low, high = self._sizes
        found["image"] = _beyond(features.columns["image"], low, high) / (high - low)
        for name in BOXED:
            low, high = (self._at(features, bounds[name]) for bounds in (self._low, self._high))
            found[name] = np.maximum(_beyond(features.columns[name], low, high) / (high - low) - _SLACK, 0)
            if name == "params":
                found["density"] = self._too_dense(features, families) / (high - low)
        return found

    def excess(self, features: Features, families: Codes) -> Array:
        """Return the sum of `excesses` over features: [N]."""
        return np.sum(list(self.excesses(features, families).values()), axis=0)

    def _too_dense(self, features: Features, families: Codes) -> Array:
        """Return by how much ``density`` is beyond what each design's family has shown."""
        known, of = np.unique(families, return_inverse=True)
        most = np.array([self._densest.get(int(code), np.inf) for code in known])[of] if len(known) else np.zeros(0)
        return np.maximum(features.columns["density"] - np.log10(LIKE) - most, 0)

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
