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
    """Volume dominated by points [N, D] inside the box under ``reference`` [D], all axes minimised.

    Points that do not lie strictly below the reference add nothing. Exact; by slicing along the last axis.
    """
    values, bound = np.asarray(points, dtype=float), np.asarray(reference, dtype=float)
    if values.size == 0:
        return 0.0
    values = values[np.all(values < bound, axis=1)]
    if len(values) == 0:
        return 0.0
    return _slice_volume(values[non_dominated(values)], bound)


def _slice_volume(values: NDArray[np.float64], bound: NDArray[np.float64]) -> float:
    if values.shape[1] == 1:
        return float(bound[0] - values.min())
    values = values[np.argsort(values[:, -1], kind="stable")]
    ceilings = np.append(values[1:, -1], bound[-1])
    total = 0.0
    for count, (floor, ceiling) in enumerate(zip(values[:, -1], ceilings, strict=True), start=1):
        if ceiling > floor:
            layer = values[:count, :-1]
            total += (ceiling - floor) * _slice_volume(layer[non_dominated(layer)], bound[:-1])
    return float(total)


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
