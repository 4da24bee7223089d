"""The mean of a design's places among the published ones by params and by slog, params counting more.

A place is the share of published designs with a smaller score, with straight lines between them and beyond the ends.
The idea comes from a first measurement on these designs, where it was one of about seventy.
How much less slog counts is fitted: the share, of a few, that orders the designs it is fitted on best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import kendalltau

COMPONENTS = ("params", "slog")
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Rank:
    """Places among designs, weighted.

    Attributes:
        components: The scores it reads.
        known: By component, the logarithms of the published designs' scores, sorted.
        share: Of the second component, 0 to 1.
    """

    components: tuple[str, ...]
    known: tuple[tuple[float, ...], ...]
    share: float

    def predict(self, values: Mapping[str, float]) -> float:
        """Return the weighted place, 0 to 1 between the published designs."""
        first, second = (place(np.log(values[c]), k) for c, k in zip(self.components, self.known, strict=True))
        return (1 - self.share) * first + self.share * second

    def describe(self) -> dict[str, Any]:
        """Return the shares, by component."""
        return {"weights": dict(zip(self.components, (1 - self.share, self.share), strict=True))}


def fit(values: Mapping[str, Sequence[float]], top1: Sequence[float]) -> Rank:
    """Fit on designs: by component their scores [N], and their top-1 [N] in %."""
    known = tuple(tuple(sorted(np.log(values[name]).tolist())) for name in COMPONENTS)
    designs = [dict(zip(COMPONENTS, row, strict=True)) for row in zip(*(values[c] for c in COMPONENTS), strict=True)]

    def agreement(share: float) -> float:
        model = Rank(COMPONENTS, known, share)
        return float(kendalltau([model.predict(design) for design in designs], top1).statistic)

    return Rank(COMPONENTS, known, max(SHARES, key=agreement))


def place(value: float, known: Sequence[float]) -> float:
    """Share of sorted values below ``value``; outside them the line goes on with the mean slope."""
    low, high = known[0], known[-1]
    slope = 1.0 / (high - low) if high > low else 1.0
    inside = float(np.interp(value, known, np.linspace(0, 1, len(known))))
    return inside + slope * (min(0.0, value - low) + max(0.0, value - high))
