"""By how much a design is expected to enlarge the hypervolume, its costs known and its score predicted.

A design of costs c and score s adds, over all levels s' below s, what no design of at least that score dominates:
A(s', c), an area of the plane of costs. With S the score as predicted, a normal variable, the expectation is the
integral of A(s', c) P(S > s') over s'. A changes only at the scores of the front, and the integral of P(S > s') from b
is E[max(S - b, 0)], which is expected improvement's closed form (Jones et al. 1998, eq. 15). So the sum is exact.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from vitspace.pareto import non_dominated
from vitspace.searching.pareto.encoding import Floats

_BATCH = 64


@dataclass(frozen=True)
class Candidates:
    """N designs that might be evaluated.

    Attributes:
        mean: Predicted score, [N].
        std: Its standard deviation, [N].
        costs: [N, 2]; multiply-adds and milliseconds as shares of the reference point's.
    """

    mean: Floats
    std: Floats
    costs: Floats

    def __getitem__(self, at: "np.ndarray") -> "Candidates":
        return Candidates(self.mean[at], self.std[at], self.costs[at])


class Front:
    """What is dominated so far.

    Attributes:
        scores: Of those that are not dominated, best first.
        costs: Theirs.

    Args:
        scores: [K], higher is better.
        costs: [K, 2], as in `Candidates`.
        worst: The reference point's score.
    """

    def __init__(self, scores: Floats, costs: Floats, worst: float) -> None:
        inside = (scores > worst) & (costs < 1).all(axis=1)
        inside[inside] = non_dominated(np.column_stack([-scores, costs])[inside])
        order = np.argsort(-scores[inside], kind="stable")
        self.scores, self.costs, self.worst = scores[inside][order], costs[inside][order], worst

    def improvement(self, candidates: Candidates) -> Floats:
        """Return the expected improvement of hypervolume, [N]."""
        low, high = self.costs[:, 0], np.append(np.sort(self.costs[:, 0]), 1.0)
        edges = np.concatenate([[0.0], high])
        left = np.maximum(edges[:-1], candidates.costs[:, :1])
        widths = np.maximum(edges[1:] - left, 0.0)
        ceilings = np.ones(len(edges) - 1)
        below, total = np.zeros(len(candidates.mean)), np.zeros(len(candidates.mean))
        for score, macs, ms in zip(self.scores, low, self.costs[:, 1], strict=True):
            above = _expected_excess(candidates, score)
            total += (above - below) * _area(widths, ceilings, candidates)
            ceilings[edges[:-1] >= macs] = np.minimum(ceilings[edges[:-1] >= macs], ms)
            below = above
        return total + (_expected_excess(candidates, self.worst) - below) * _area(widths, ceilings, candidates)

    def bound(self, candidates: Candidates) -> Floats:
        """Return what the improvement cannot exceed, [N]; cheap.

        Nothing is gained below the best score among designs that cost no more, and elsewhere at most the whole area.
        """
        cheaper = (self.costs[None] <= candidates.costs[:, None]).all(axis=2)
        least = np.where(cheaper, self.scores, self.worst).max(axis=1, initial=self.worst)
        area = np.prod(np.maximum(1 - candidates.costs, 0.0), axis=1)
        return area * _expected_excess(candidates, least)

    def best(self, candidates: Candidates, count: int) -> tuple["np.ndarray", Floats]:
        """Return which candidates improve most, in order, and by how much; as few as need be are worked out."""
        bounds = self.bound(candidates)
        order = np.argsort(-bounds, kind="stable")
        values = np.zeros(0)
        for start in range(0, len(order), _BATCH):
            if len(values) >= count and np.partition(values, -count)[-count] >= bounds[order[start]]:
                break
            values = np.append(values, self.improvement(candidates[order[start : start + _BATCH]]))
        top = np.argsort(-values, kind="stable")[:count]
        return order[top], values[top]


def _expected_excess(candidates: Candidates, over: Floats | float) -> Floats:
    """E[max(S - over, 0)], [N]."""
    z = (candidates.mean - over) / candidates.std
    return candidates.std * (z * ndtr(z) + np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))


def _area(widths: Floats, ceilings: Floats, candidates: Candidates) -> Floats:
    """Area at more than a candidate's costs and below the ceilings, [N]."""
    return (widths * np.maximum(ceilings - candidates.costs[:, 1:], 0.0)).sum(axis=1)
