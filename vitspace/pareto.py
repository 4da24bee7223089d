"""Pareto fronts of points to be minimised: which are non-dominated, and the volume they dominate."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def non_dominated(points: ArrayLike) -> NDArray[np.bool_]:
    """[N, D] -> [N]: True where no other point is at most as large everywhere and smaller somewhere."""
    values = np.asarray(points, dtype=float)
    mask = np.ones(len(values), dtype=bool)
    for i, point in enumerate(values):
        mask[i] = not np.any(np.all(values <= point, axis=1) & np.any(values < point, axis=1))
    return mask


def hypervolume(points: ArrayLike, reference: ArrayLike) -> float:
    """Volume dominated by points [N, D] inside the box under ``reference`` [D], all axes minimised; D is at most 3.

    Points that do not lie strictly below the reference add nothing. Exact.
    """
    values, bound = np.asarray(points, dtype=float), np.asarray(reference, dtype=float)
    if values.size == 0:
        return 0.0
    missing = 3 - len(bound)
    values = np.pad(values[np.all(values < bound, axis=1)], ((0, 0), (missing, 0)))
    return _volume(values, np.pad(bound, (missing, 0), constant_values=1.0)) if len(values) else 0.0


def _volume(values: NDArray[np.float64], bound: NDArray[np.float64]) -> float:
    """Sum the columns over the grid of all x and z: each reaches from its least y to the bound."""
    xs, at_x = np.unique(values[:, 0], return_inverse=True)
    zs, at_z = np.unique(values[:, 2], return_inverse=True)
    least = np.full((len(xs), len(zs)), bound[1])
    np.minimum.at(least, (at_x, at_z), values[:, 1])
    least = np.minimum.accumulate(np.minimum.accumulate(least, axis=0), axis=1)
    return float(np.diff(xs, append=bound[0]) @ (bound[1] - least) @ np.diff(zs, append=bound[2]))


def normalised_hypervolume(points: ArrayLike, ideal: ArrayLike, reference: ArrayLike) -> float:
    """Hypervolume in 0..1: axes are scaled so that ``ideal`` is 0 and ``reference`` is 1, then clipped."""
    low, high = np.asarray(ideal, dtype=float), np.asarray(reference, dtype=float)
    values = np.asarray(points, dtype=float).reshape(-1, len(low))
    span = np.where(high > low, high - low, 1.0)
    return hypervolume(np.clip((values - low) / span, 0.0, None), np.ones_like(low))


def best_first(points: ArrayLike) -> list[int]:
    """[N, D] -> the numbers of the points, by non-domination rank, the least crowded of a rank first (NSGA-II).

    Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE TEC 2002, section III. Of equals
    the earlier point comes first.
    """
    values = np.asarray(points, dtype=float)
    left, order = np.arange(len(values)), []
    while len(left):
        front = non_dominated(values[left])
        rank = left[front]
        order += rank[np.argsort(-crowding(values[rank]), kind="stable")].tolist()
        left = left[~front]
    return order


def crowding(points: ArrayLike) -> NDArray[np.float64]:
    """[N, D] -> [N]: half the girth of the box between a point's neighbours on each axis; infinite at the ends."""
    values = np.asarray(points, dtype=float)
    total = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        span = column[order[-1]] - column[order[0]]
        gaps = np.full(len(values), np.inf)
        if span > 0:
            gaps[1:-1] = (column[order[2:]] - column[order[:-2]]) / span
            total[order] += gaps
    return total
