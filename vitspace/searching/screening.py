"""The first step of a search: a hundred thousand designs are estimated, and the best of every size are kept.

Uniform draws come first, and then descendants of the best so far. Nothing is built or trained.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitspace.budget import Budget
from vitspace.searching.estimated import EstimatedDesigns, Estimator, Floats, fresh
from vitspace.space import Space
from vitspace.space.moves import Rows, descend
from vitspace.spec import Spec

#: Distinct designs within the budget that are estimated at least, where the space has so many.
LEAST = 100_000
#: Designs drawn uniformly before any descend from others.
DRAWN = 2048
#: Descendants of a round, and rounds at most; a space that is used up gives ever fewer new designs.
ROUND, ROUNDS = 16_384, 40
#: Ranges of FLOPs, and of milliseconds, and designs that each keeps.
RANGES, KEPT = 48, 24
#: Decimals of estimates that are equal.
_DIGITS = 3
#: Designs of the cloud that a report draws.
CLOUD = 600

#: Is told how many designs were screened, of how many.
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Screened:
    """What a screening found.

    Attributes:
        best: The best designs of every range of FLOPs and of milliseconds.
        designs: How many distinct designs were estimated.
        seconds: How long that took.
        cloud: Multiply-adds and estimated top-1 of some of them, [CLOUD, 2].
    """

    best: EstimatedDesigns
    designs: int
    seconds: float
    cloud: Floats


def screen_space(
    space: Space, limits: Budget, estimator: Estimator, seed: int, known: list[Spec], tell: Tell = lambda done, of: None
) -> Screened:
    """Screen the designs of a space within a budget; the same seed finds the same.

    Args:
        space: Of the designs.
        limits: On FLOPs and params.
        estimator: Estimates them.
        seed: Of drawing.
        known: Further designs of the space to begin with, such as the anchors.
        tell: Is told how far it is.

    Raises:
        InputError: no design fits.
    """
    began, rng = time.perf_counter(), np.random.default_rng(seed)
    population, looked_at = estimator.population, set[bytes]()
    published = population.canonical(population.array([row.spec for row in space.anchors() if row.spec]))
    rows = population.canonical(population.array([*known, *space.draw(DRAWN, limits, seed, fewer=True)]))
    best, cloud, designs = None, [], 0
    for _ in range(ROUNDS):
        found = estimator.within(fresh(rows, looked_at), limits)
        designs += len(found)
        cloud.append(_sample(found, rng, CLOUD // 20 if best else CLOUD // 2))
        best = _kept(one_of_equals(EstimatedDesigns.joined([best, found]) if best else found, published))
        tell(min(designs, LEAST), LEAST)
        if designs >= LEAST or not len(found):
            break
        rows = descend(population, best.rows, ROUND, rng)
    assert best is not None
    return Screened(best, designs, time.perf_counter() - began, np.concatenate(cloud))


def _sample(found: EstimatedDesigns, rng: np.random.Generator, count: int) -> Floats:
    """Return multiply-adds and estimates of some designs, [count, 2]."""
    some = found[rng.permutation(len(found))[:count]]
    return np.column_stack([some.macs, some.mean])


def one_of_equals(found: EstimatedDesigns, published: Rows) -> EstimatedDesigns:
    """Return one design of those that are equal in FLOPs and estimate, which differ in what the estimate does not see.

    It is the one of the fewest predicted milliseconds, and of these the one that shares most settings with a published
    design of the space, [P, variables].
    """
    order = np.lexsort((_unlike(found.rows, published), found.ms, *(key := _as_estimated(found))))
    new = np.any([np.diff(each[order], prepend=np.nan) != 0 for each in key], axis=0)
    return found[np.sort(order[new])]


def _as_estimated(found: EstimatedDesigns) -> tuple[Floats, ...]:
    """What equal designs agree in, [N] each; estimates to what single precision holds."""
    return found.sd.round(_DIGITS), found.mean.round(_DIGITS), found.macs.astype(float)


def _unlike(rows: Rows, published: Rows) -> NDArray[np.int64]:
    """Return in how many settings designs differ from the published one that is nearest: [N]."""
    counts = [(rows != row).sum(axis=1) for row in published]
    return np.min(counts, axis=0) if counts else np.zeros(len(rows), dtype=np.int64)


def _kept(found: EstimatedDesigns) -> EstimatedDesigns:
    """Return the designs of the best lower estimates in every range of FLOPs and of milliseconds; known kinds first."""
    keep = _best_of_ranges(found, np.log(found.macs))
    if np.isfinite(found.ms).all():
        keep |= _best_of_ranges(found, np.log(found.ms))
    return found[keep]


def _best_of_ranges(found: EstimatedDesigns, measure: Floats) -> NDArray[np.bool_]:
    edges = np.linspace(measure.min(), measure.max(), RANGES + 1)[1:-1]
    ranges = np.digitize(measure, edges)
    order = np.lexsort((-found.low, ~found.inside, ranges))
    ordered = ranges[order]
    place = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    keep = np.zeros(len(order), dtype=bool)
    keep[order[place < KEPT]] = True
    return keep
