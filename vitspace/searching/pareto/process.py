"""A Gaussian process whose kernel is a sum, so that it learns simple effects from few trials.

A score is modelled as a sum of functions: one linear and one smooth in the costs, one of each setting alone (its
effect), and smooth ones of all settings together, with and without the costs. How much each counts is fitted by the
marginal likelihood (Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, eq. 5.8 and 5.9).
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

from vitspace.searching.pareto.encoding import EncodedDesigns, Floats

#: Weights of the kernels, and of the noise last, before they are fitted; targets have variance 1.
START = np.array([0.3, 0.1, 0.3, 0.1, 0.1, 0.1, 0.1])
#: Standard deviation of a weight's logarithm about `START`, of the prior.
SPREAD = 2.0
_JITTER = 1e-6
_STEPS = 20


def kernels(one: EncodedDesigns, other: EncodedDesigns) -> Floats:
    """Return how alike designs [N] and [M] are, by each kernel: [kernels, N, M], at most about 1."""
    effects = one.settings @ other.settings.T
    apart = _distances(one.settings, other.settings, effects)
    linear = one.costs @ other.costs.T / one.costs.shape[1]
    smooth = np.exp(-0.5 * _distances(one.costs, other.costs, linear * one.costs.shape[1]))
    together = np.exp(-apart)
    return np.stack([linear, smooth, effects, together, together**4, together * smooth])


def _distances(one: Floats, other: Floats, products: Floats) -> Floats:
    """Squared distances, [N, M]."""
    return np.maximum((one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * products, 0.0)


def _own(one: EncodedDesigns) -> Floats:
    """Return the diagonals of the kernels: [kernels, N]."""
    ones = np.ones(len(one))
    linear = (one.costs**2).mean(axis=1)
    return np.stack([linear, ones, (one.settings**2).sum(axis=1), ones, ones, ones])


def fit_weights(features: EncodedDesigns, targets: Floats) -> Floats:
    """Return the weights [kernels + 1] under which targets [N] of mean 0 and variance 1 are most likely."""
    parts = kernels(features, features)

    def loss(logs: Floats) -> tuple[float, Floats]:
        weights = np.exp(logs)
        total = np.tensordot(weights[:-1], parts, 1) + (weights[-1] + _JITTER) * np.eye(len(targets))
        factor = cho_factor(total, lower=True)
        alpha, inverse = cho_solve(factor, targets), cho_solve(factor, np.eye(len(targets)))
        outer = inverse - np.outer(alpha, alpha)
        slopes = np.append(np.tensordot(parts, outer, 2), np.trace(outer)) * weights
        off = (logs - np.log(START)) / SPREAD
        value = targets @ alpha / 2 + np.log(np.diag(factor[0])).sum() + off @ off / 2
        return float(value), slopes / 2 + off / SPREAD

    found = minimize(
        loss, np.log(START), jac=True, method="L-BFGS-B", bounds=[(-12, 4)] * len(START), options={"maxiter": _STEPS}
    )
    return np.exp(found.x)


@dataclass(frozen=True)
class AdditiveGP:
    """A Gaussian process given what was measured; see `AdditiveGP.of`."""

    features: EncodedDesigns
    weights: Floats
    centre: float
    scale: float
    factor: Floats
    alpha: Floats
    values: Floats

    @classmethod
    def of(cls, features: EncodedDesigns, values: Floats, weights: Floats) -> "AdditiveGP":
        """Condition on the measured values [N] of designs."""
        return cls._given(features, values, weights, scaling(values))

    @classmethod
    def _given(
        cls, features: EncodedDesigns, values: Floats, weights: Floats, scaled: tuple[float, float]
    ) -> "AdditiveGP":
        total = np.tensordot(weights[:-1], kernels(features, features), 1)
        total[np.diag_indices(len(values))] += weights[-1] + _JITTER
        factor = np.linalg.cholesky(total).astype(float, copy=False)
        alpha = cho_solve((factor, True), (values - scaled[0]) / scaled[1])
        return cls(features, weights, *scaled, factor, alpha, values)

    def believing(self, features: EncodedDesigns, values: Floats) -> "AdditiveGP":
        """Condition on further designs, as if they had given those values."""
        both = EncodedDesigns(
            *(np.concatenate([getattr(x, n) for x in (self.features, features)]) for n in ("settings", "costs"))
        )
        return self._given(both, np.append(self.values, values), self.weights, (self.centre, self.scale))

    def predict(self, features: EncodedDesigns) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of designs [N], the noise of a measurement left out."""
        across = np.tensordot(self.weights[:-1], kernels(features, self.features), 1)
        explained = (solve_triangular(self.factor, across.T, lower=True) ** 2).sum(axis=0)
        variance = np.maximum(self.weights[:-1] @ _own(features) - explained, 1e-12)
        return self.centre + self.scale * (across @ self.alpha), self.scale * np.sqrt(variance)

    def mean(self, features: EncodedDesigns) -> Floats:
        """Return the mean alone, [N]."""
        across = np.tensordot(self.weights[:-1], kernels(features, self.features), 1)
        return self.centre + self.scale * (across @ self.alpha)


def scaling(values: Floats) -> tuple[float, float]:
    """Return mean and standard deviation, 1 where all values are the same."""
    return float(values.mean()), float(values.std()) or 1.0
