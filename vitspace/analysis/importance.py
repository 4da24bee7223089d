"""The importance of each axis for the score at equal FLOPs."""

import warnings
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.importance import PedAnovaImportanceEvaluator

from vitspace.analysis.effects import at_equal_flops
from vitspace.analysis.forest import variance_shares
from vitspace.analysis.observations import LEAST, Observations

#: Share of designs that count as good in PED-ANOVA; the default of a tenth is too few of a hundred designs.
GOOD = 0.25
_TREES = 32
#: Number of designs from which trees are kept shallow: with 443, shares changed by about 0.01 in 1/4 of the time.
_MANY, _SHALLOW, _DEEP = 256, 8, 64
#: Smaller differences, relative to the largest score, are rounding errors.
FLAT = 1e-12

Array = NDArray[np.float64]

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Importance:
    """The importance of an axis among the designs that have it; the axes that all of them have sum to 1.

    Attributes:
        fanova: Share of the variance that a forest explains by this axis alone (Hutter et al., ICML 2014).
        ped_anova: Difference between the values of good designs and those of all (Watanabe et al., IJCAI 2023).
        present: Share of designs that have the axis.
    """

    fanova: float
    ped_anova: float
    present: float

    @property
    def overall(self) -> float:
        """Importance times the share of designs that have the axis, by which axes are ordered."""
        return self.fanova * self.present


def importances(seen: Observations, flat: float = 0.0) -> dict[str, Importance]:
    """Return the importance of every axis with at least two values among at least `LEAST` designs.

    Where scores at equal FLOPs differ by no more than ``flat``, nothing has any.

    A conditional axis is evaluated on the designs that have it, together with the axes that all of these have.
    """
    rest = at_equal_flops(seen.macs, seen.scores)
    subsets: dict[tuple[int, ...], list[str]] = {}
    for axis in seen.values:
        having = tuple(seen.having(axis).tolist())
        if len(having) >= LEAST and len({seen.params[i][axis] for i in having}) > 1:
            subsets.setdefault(having, []).append(axis)
    found: dict[str, Importance] = {}
    for having, axes in subsets.items():
        members = np.array(having)
        if np.ptp(rest[members]) <= max(flat, FLAT * np.abs(seen.scores).max()):
            found |= {axis: Importance(0.0, 0.0, len(having) / len(seen.params)) for axis in axes}
            continue
        fanova, ped_anova = _evaluate(seen, members, rest)
        share = len(having) / len(seen.params)
        found |= {axis: Importance(fanova[axis], ped_anova[axis], share) for axis in axes}
    return found


def _evaluate(seen: Observations, having: NDArray[np.intp], rest: Array) -> tuple[dict[str, float], dict[str, float]]:
    """Return the importances by fANOVA and PED-ANOVA of the axes that all of the given designs have."""
    shared = [
        axis
        for axis in sorted(seen.values)
        if all(axis in seen.params[i] for i in having) and len({seen.params[i][axis] for i in having}) > 1
    ]
    kinds: dict[str, BaseDistribution] = {axis: CategoricalDistribution(seen.values[axis]) for axis in shared}
    study = optuna.create_study()  # minimised, as PED-ANOVA takes it to be
    for i in having:
        params = {axis: seen.params[i][axis] for axis in shared}
        study.add_trial(optuna.create_trial(params=params, distributions=kinds, value=-float(rest[i])))
    with warnings.catch_warnings():
        # Optuna marks PED-ANOVA as experimental.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        ped_anova = PedAnovaImportanceEvaluator(target_quantile=GOOD).evaluate(study, shared)
    depth = _SHALLOW if len(having) > _MANY else _DEEP
    numbers = [np.array([seen.values[axis].index(seen.params[i][axis]) for i in having]) for axis in shared]
    fanova = dict(zip(shared, variance_shares(numbers, -rest[having], _TREES, depth).tolist(), strict=True))
    return _shares(fanova), _shares(ped_anova)


def _shares(values: dict[str, float]) -> dict[str, float]:
    """Scale to a sum of 1; all 0 if nothing is important."""
    finite = {axis: value if np.isfinite(value) else 0.0 for axis, value in values.items()}
    total = sum(finite.values())
    return {axis: value / total if total else 0.0 for axis, value in finite.items()}
