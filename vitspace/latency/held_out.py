"""Errors of a latency predictor on designs that it was not fitted on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import kendalltau

from vitspace.latency.samples import Floats, Measured

FOLDS = 10
#: The share of held-out designs that `HeldOut.error` covers.
COVERED = 0.95
ALL = "all"

#: Fits on measured designs, and returns a function from work [N, kinds] to milliseconds [N].
Fit = Callable[[Measured], Callable[[Floats], Floats]]


_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Error = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


@dataclass(frozen=True)
class HeldOut:
    """Errors of predictions, relative to the measurements.

    Attributes:
        designs: Number of designs.
        within_10: Share predicted within 10 % of the measurement at the reference's usual speed.
        within_10_raw: The same for the measurement at the speed that the machine had then.
        tau: Kendall's rank correlation.
        median_error: Median of the absolute error.
        worst_error: Largest absolute error.
        error: 95th percentile of the absolute error.
    """

    designs: Annotated[int, Field(ge=1)]
    within_10: _Share
    within_10_raw: _Share
    tau: float
    median_error: _Error
    worst_error: _Error
    error: _Error


def predict_held_out(measured: Measured, fit: Fit) -> Floats:
    """Predict each design by a predictor fitted on the other nine tenths, [N]; folds are drawn at random."""
    predicted = np.zeros(len(measured))
    order = np.random.default_rng(0).permutation(len(measured))
    for fold in np.array_split(order, FOLDS):
        predicted[fold] = fit(measured.take(np.setdiff1d(order, fold)))(measured.work[fold])
    return predicted


def worth(measured: Measured, predicted: Floats) -> dict[str, HeldOut]:
    """Return the errors of held-out predictions [N], by family and for all."""
    families = {name: np.flatnonzero(measured.families == name) for name in sorted(set(measured.families.tolist()))}
    groups = families | {ALL: np.arange(len(measured))}
    return {name: _worth(measured.take(rows), predicted[rows]) for name, rows in groups.items()}


def _worth(measured: Measured, predicted: NDArray[np.float64]) -> HeldOut:
    errors, raw = np.abs(predicted / measured.ms - 1), np.abs(predicted / measured.raw_ms - 1)
    return HeldOut(
        designs=len(measured),
        within_10=float((errors <= 0.1).mean()),
        within_10_raw=float((raw <= 0.1).mean()),
        tau=float(kendalltau(predicted, measured.ms).statistic),
        median_error=float(np.median(errors)),
        worst_error=float(errors.max()),
        error=float(np.quantile(errors, COVERED, method="higher")),
    )
