"""Top-1 from the logarithms of params and of the number of weight tensors, by ridge regression.

Size and layers, each as far as the published designs bear it out; both come from counting. Expressivity, ZiCo, NASWOT
and measures of mixing as further terms were tried and, leaving one family out, did not help.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

COMPONENTS = ("params", "nt")
#: The penalty on standardised weights: one design's worth.
PENALTY = 1.0


@dataclass(frozen=True)
class Ridge:
    """A linear model over standardised logarithms.

    Attributes:
        components: The scores it reads.
        centre: Means of the logarithms [K].
        scale: Their standard deviations [K].
        weights: Points of top-1 for one standard deviation [K].
        intercept: Mean top-1.
    """

    components: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def predict(self, values: Mapping[str, float]) -> float:
        """Return the combined score, in points of top-1."""
        logs = [math.log(values[name]) for name in self.components]
        parts = zip(logs, self.centre, self.scale, self.weights, strict=True)
        return self.intercept + sum(weight * (x - centre) / scale for x, centre, scale, weight in parts)

    def describe(self) -> dict[str, Any]:
        """Return the weights, by component."""
        return {"weights": dict(zip(self.components, self.weights, strict=True)), "intercept": self.intercept}


def fit(values: Mapping[str, Sequence[float]], top1: Sequence[float]) -> Ridge:
    """Fit on designs: by component their scores [N], and their top-1 [N] in %."""
    logs_NK = np.log(np.array([values[name] for name in COMPONENTS]).T)
    centre, scale = logs_NK.mean(0), logs_NK.std(0) + 1e-12
    x_NK, y_N = (logs_NK - centre) / scale, np.array(top1)
    intercept = float(y_N.mean())
    weights = np.linalg.solve(x_NK.T @ x_NK + PENALTY * np.eye(len(COMPONENTS)), x_NK.T @ (y_N - intercept))
    return Ridge(COMPONENTS, tuple(centre.tolist()), tuple(scale.tolist()), tuple(weights.tolist()), intercept)
