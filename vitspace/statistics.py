"""Ties, and agreement of the order of scores with the order of accuracies, with bootstrap intervals."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2000
#: Percentiles of every interval: 90 %.
LEVELS = (5.0, 95.0)

Array = NDArray[np.float64]


def kendall(x: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> Array:
    """Kendall's tau-b of x and y [N]; for weights [R, N], of R samples in which design i stands weights[r, i] times.

    Returns:
        [R], or [1] without weights; NaN where one of both is constant.
    """
    signs_x, signs_y = _signs(x), _signs(y)
    count = np.ones((1, len(signs_x))) if weights is None else np.asarray(weights, dtype=float)
    agree = np.einsum("ri,ij,rj->r", count, signs_x * signs_y, count, optimize=True)
    spread = [np.einsum("ri,ij,rj->r", count, np.abs(s), count, optimize=True) for s in (signs_x, signs_y)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return agree / np.sqrt(spread[0] * spread[1])


def is_tie(difference: float, deviation: float) -> bool:
    """Whether a difference is not told from none: it is below its standard deviation; never where that is 0."""
    return abs(difference) < deviation


def finite(value: Any) -> float | None:
    """Return a finite number, or None for anything else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def resamples(count: int, seed: int = 0) -> Array:
    """Return how often each of ``count`` items is drawn in bootstrap samples: [RESAMPLES, count]."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.full(count, 1 / count), RESAMPLES).astype(float)


def resamples_of(groups: Sequence[str]) -> Array:
    """Return how often each of N items is drawn in bootstrap samples of their groups: [RESAMPLES, N]."""
    names = sorted(set(groups))
    return resamples(len(names))[:, [names.index(group) for group in groups]]


def interval(samples: Array) -> tuple[float, float] | None:
    """Return the 90 % interval of bootstrap samples, or None if there are none."""
    finite = samples[np.isfinite(samples)]
    if not len(finite):
        return None
    low, high = np.percentile(finite, LEVELS)
    return float(low), float(high)


def rightness(gaps: ArrayLike, differences: ArrayLike) -> Array:
    """[N], [N] -> [N]: 1 where a score's gap has the sign of the accuracies' difference, 1/2 where it is 0 or NaN."""
    product = np.nan_to_num(np.asarray(gaps, dtype=float)) * np.asarray(differences, dtype=float)
    return (np.sign(product) + 1) / 2


def by_table(right: Array, tables: Sequence[str], weights: Array | None = None) -> Array:
    """Share of right pairs; for weights [R, T] over the sorted tables, of R samples of tables: [R] or [1]."""
    names = sorted(set(tables))
    sums = np.array([sum(r for r, t in zip(right, tables, strict=True) if t == name) for name in names])
    sizes = np.array([sum(t == name for t in tables) for name in names], dtype=float)
    count = np.ones((1, len(names))) if weights is None else weights
    return (count @ sums) / (count @ sizes)


def within_bins(x: ArrayLike, y: ArrayLike, bins: Sequence[int]) -> float | None:
    """Kendall's tau-a over the pairs of designs in one bin, or None if there is no such pair."""
    same = np.equal.outer(np.asarray(bins), np.asarray(bins)) & ~np.eye(len(bins), dtype=bool)
    product = (_signs(x) * _signs(y))[same]
    return float(product.mean()) if len(product) else None


def regret(x: ArrayLike, y: ArrayLike, k: int) -> float:
    """Accuracy of the best design minus that of the best of the k designs of highest score x, in points."""
    scores, top1 = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    chosen = np.argsort(-scores, kind="stable")[:k]
    return float(top1.max() - top1[chosen].max())


def _signs(x: ArrayLike) -> Array:
    values = np.asarray(x, dtype=float)
    return np.sign(np.subtract.outer(values, values))
