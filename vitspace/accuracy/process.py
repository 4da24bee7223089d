"""A Gaussian process of log error on features, in closed form.

y = log(100 - top1) is linear in all features and quadratic in the sizes, with an offset and a slope by recipe, an
offset by family, and where `Scales.bend` is not 0 a smooth function of all features beside (Rasmussen and Williams,
"Gaussian Processes for Machine Learning", 2006, eq. 2.25, 2.26; leave-one-group-out by blocks as in 5.12).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitspace.accuracy.features import Array

#: Columns that are sizes.
SIZES = 2
_OFFSET, _QUADRATIC = 5.0, 0.1**0.5
#: A recipe or family that no row has.
UNKNOWN = -1

Codes = NDArray[np.int64]


class Scales(NamedTuple):
    """Standard deviations of log error, and a length.

    Attributes:
        sizes: For a standard deviation of a size.
        others: Of another feature.
        recipe: Between recipes.
        recipe_slope: Between recipes' slopes in params.
        family: Between families.
        noise: Of one network.
        bend: Of the smooth function; 0 for none.
        length: Over which it bends, in standard deviations of features.
    """

    sizes: float
    others: float
    recipe: float
    recipe_slope: float
    family: float
    noise: float
    bend: float = 0.0
    length: float = 1.0


class Inputs(NamedTuple):
    """N networks as the process reads them: features [N, D], codes of recipes and families [N]."""

    features: Array
    recipes: Codes
    families: Codes


class Process:
    """A process fitted on networks and their log errors.

    Args:
        scales: Its scales.
        inputs: The networks.
        log_errors: log(100 - top1), [N].
    """

    def __init__(self, scales: Scales, inputs: Inputs, log_errors: Array) -> None:
        self.scales, self.inputs, self.log_errors = scales, inputs, log_errors
        self.mean = inputs.features.mean(axis=0)
        self.sd = inputs.features.std(axis=0) + 1e-9
        noise = scales.noise**2 + 1e-8
        self.inverse = np.linalg.inv(self.covariance(inputs, inputs) + noise * np.eye(len(log_errors)))
        self.weights = self.inverse @ log_errors

    def linear(self, inputs: Inputs) -> Array:
        """Return features whose products are the linear part of the covariance: [N, 1 + SIZES + 3 + D - SIZES]."""
        z, s = self.standard(inputs.features), self.scales
        sizes = z[:, :SIZES]
        squares = np.stack([sizes[:, 0] ** 2, sizes[:, 0] * sizes[:, 1], sizes[:, 1] ** 2], axis=1)
        scaled = (s.sizes * sizes, _QUADRATIC * s.sizes * squares, s.others * z[:, SIZES:])
        return np.hstack([np.full((len(z), 1), _OFFSET), *scaled])

    def standard(self, features: Array) -> Array:
        """Return features in standard deviations of the rows fitted on."""
        return (features - self.mean) / self.sd

    def covariance(self, a: Inputs, b: Inputs) -> Array:
        """Return the covariance of log errors without noise, [len(a), len(b)]."""
        z_a, z_b, s = self.standard(a.features), self.standard(b.features), self.scales
        slope = s.recipe_slope**2 * np.outer(z_a[:, 0], z_b[:, 0])
        same_recipe = a.recipes[:, None] == b.recipes[None]
        same_family = (a.families[:, None] == b.families[None]) & (a.families != UNKNOWN)[:, None]
        total = self.linear(a) @ self.linear(b).T
        total += same_recipe * (s.recipe**2 + slope) + same_family * s.family**2
        return total + self.bend(z_a, z_b) if s.bend else total

    def bend(self, z_a: Array, z_b: Array) -> Array:
        """Return the smooth function's covariance of standardised features."""
        squares = (z_a**2).sum(axis=1)[:, None] + (z_b**2).sum(axis=1)[None] - 2 * z_a @ z_b.T
        return self.scales.bend**2 * np.exp(-0.5 * np.maximum(squares, 0) / self.scales.length**2)

    def predict(self, inputs: Inputs) -> tuple[Array, Array]:
        """Return mean [N] and covariance [N, N] of published log errors, the noise of each in it."""
        cross = self.covariance(inputs, self.inputs)
        own = self.covariance(inputs, inputs)
        # A network of no known family has an offset of its own.
        alone = np.where(inputs.families == UNKNOWN, self.scales.family**2, 0.0) + self.scales.noise**2
        return cross @ self.weights, own + np.diag(alone) - cross @ self.inverse @ cross.T

    def left_out(self, groups: Codes) -> tuple[Array, Array]:
        """Return mean and variance [N] of each row's log error, predicted without the rows of its group."""
        mean, variance = np.empty(len(groups)), np.empty(len(groups))
        for group in np.unique(groups):
            at = np.flatnonzero(groups == group)
            block = np.linalg.inv(self.inverse[np.ix_(at, at)])
            mean[at] = self.log_errors[at] - block @ self.weights[at]
            variance[at] = np.diag(block)
        return mean, variance
