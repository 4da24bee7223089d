"""Predictions for populations, as arrays.

The processes are written out in features whose products are their covariance: the linear part, the recipe's and the
families' exactly; the smooth part by its covariance with `POINTS` networks of the table, chosen one after the other as
those that the chosen ones tell least of (pivoted Cholesky). What the table tells of a design is a sum of squares over
`DIRECTIONS` of these features, those that matter most on the table. So a design costs a few products in single
precision instead of one with the whole table; docs/accuracy.md says how far that is off.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from vitspace.accuracy.features import LAW, SHAPE, Array, Features, features
from vitspace.accuracy.predictor import NORMAL_90, Predictor, predictor
from vitspace.accuracy.process import Codes, Inputs, Process
from vitspace.accuracy.recipes import USUAL
from vitspace.accuracy.stages import Unseen
from vitspace.costs.stages import StageCosts
from vitspace.image_sizes import ImageSize, mean_side
from vitspace.spec import NATIVE_SIZE

#: Networks of the table that the smooth part is carried by.
POINTS = 512
#: Directions that the variance is reduced by.
DIRECTIONS = 160
_CHUNK = 1 << 14


@dataclass(frozen=True)
class Estimates:
    """Estimated top-1 of N designs.

    Attributes:
        mean: %, [N].
        sd: Points, [N].
        inside: Whether a design is of a kind that is known, [N].
    """

    mean: Array
    sd: Array
    inside: NDArray[np.bool_]


def screen(
    counted: NDArray[np.int64], families: Codes, stages: StageCosts, img_size: ImageSize = NATIVE_SIZE
) -> Estimates:
    """Estimate N designs as `predict_top1` does, but for their mixing and with a small error.

    Args:
        counted: What was counted of each, [N, len(COUNTED)].
        families: Code of each design's family, [N]; see `Predictor.family`.
        stages: Of the designs.
        img_size: Side of the image, or (height, width), pixels.
    """
    chunks = [np.arange(at, min(at + _CHUNK, len(counted))) for at in range(0, max(len(counted), 1), _CHUNK)]
    parts = [_screened(counted[at], families[at], stages[at], img_size) for at in chunks]
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in ("mean", "sd", "inside")]
    return Estimates(*columns)


def _screened(counted: NDArray[np.int64], families: Codes, stages: StageCosts, img_size: ImageSize) -> Estimates:
    model, (law, shape) = predictor(), _reduced()
    found = features(counted, mean_side(img_size))
    capped = model.guards.capped(found)
    one, one_variance = law.predict(capped, families)
    two, two_variance = shape.predict(capped, families)
    outside = model.guards.excess(found) + Unseen(stages, found).total
    sds = np.sqrt((one_variance + two_variance) / 2 + (one - two) ** 2 / 4) * (1 + outside)
    errors = np.exp((one + two) / 2)
    return Estimates(100 - errors, errors * np.sinh(model.factors[1] * sds) / NORMAL_90, outside == 0)


class Reduced:
    """A process under the usual recipe, its smooth part carried by few of its networks.

    Args:
        process: The process.
        names: Its features.
        usual: Code of the usual recipe.
        families: Codes of the families that designs may be of; others are unknown.
        points: Networks that carry the smooth part.
    """

    def __init__(
        self, process: Process, names: tuple[str, ...], usual: int, families: Codes, points: int = POINTS
    ) -> None:
        self.process, self.names, self._families = process, names, families
        inputs = process.inputs
        usual_rows, rows = inputs.recipes == usual, np.ones(len(inputs.features), dtype=bool)
        self._points = process.standard(inputs.features)[_spread(process, points)] if process.scales.bend else None
        known, told = self._exact(inputs, usual_rows), self._exact(inputs, rows)
        if self._points is not None:
            z = process.standard(inputs.features)
            smooth = process.bend(z, self._points)
            inner = process.bend(self._points, self._points) + 1e-8 * np.eye(len(self._points))
            known = np.hstack([known, np.linalg.solve(inner, smooth.T).T])
            told = np.hstack([told, smooth])
        self._mean = known.T @ process.weights
        # The square root of what is known, so that a variance is a sum of squares, turned so that few of them do.
        values, vectors = np.linalg.eigh(known.T @ process.inverse @ known)
        root = vectors * np.sqrt(np.maximum(values, 0))
        turned = root @ np.linalg.eigh((told @ root).T @ (told @ root))[1]
        self._told = turned[:, -DIRECTIONS:].astype(np.float32)

    def predict(self, designs: Features, families: Codes) -> tuple[Array, Array]:
        """Return mean and variance [N] of log error."""
        inputs = Inputs(designs.of(self.names), np.zeros(len(designs), dtype=np.int64), families)
        exact = self._exact(inputs, np.ones(len(designs), dtype=bool))
        s, width = self.process.scales, exact.shape[1]
        unknown = ~np.isin(families, self._families)
        own = (exact**2).sum(axis=1) + unknown * s.family**2 + s.bend**2 + s.noise**2
        mean, told = exact @ self._mean[:width], exact.astype(np.float32) @ self._told[:width]
        if self._points is not None:
            smooth = self._smooth(inputs)
            mean += smooth @ self._mean[width:].astype(np.float32)
            told += smooth @ self._told[width:]
        return mean, np.maximum(own - np.einsum("ij,ij->i", told, told), s.noise**2)

    def _exact(self, inputs: Inputs, usual: NDArray[np.bool_]) -> Array:
        """Return the features whose products are the covariance but for its smooth part."""
        s, z = self.process.scales, self.process.standard(inputs.features)
        same = inputs.families[:, None] == self._families[None]
        recipe = [usual * s.recipe, usual * s.recipe_slope * z[:, 0]]
        return np.hstack([self.process.linear(inputs), np.stack(recipe, axis=1), same * s.family])

    def _smooth(self, inputs: Inputs) -> NDArray[np.float32]:
        """Return `Process.bend` with the points in single precision: one product, and exponentials in place."""
        assert self._points is not None
        s, z, points = self.process.scales, self.process.standard(inputs.features), self._points
        one, many = np.ones((len(z), 1)), np.ones((len(points), 1))
        left = np.hstack([z, (z**2).sum(axis=1, keepdims=True), one]) / s.length
        right = np.hstack([points, -many / 2, -(points**2).sum(axis=1, keepdims=True) / 2]) / s.length
        found = left.astype(np.float32) @ right.astype(np.float32).T
        np.exp(found, out=found)
        return np.multiply(found, np.float32(s.bend**2), out=found)


@cache
def _reduced() -> tuple[Reduced, Reduced]:
    model: Predictor = predictor()
    usual = model.recipe(USUAL)
    law, shape = model.processes
    families = np.array(sorted({model.family(row.family) for row in model.rows if not row.public}))
    return Reduced(law, LAW, usual, families), Reduced(shape, SHAPE, usual, families)


def _spread(process: Process, count: int) -> NDArray[np.int64]:
    """Choose rows one after the other, each the one of which the chosen ones tell least: [count]."""
    z = process.standard(process.inputs.features)
    left = np.full(len(z), process.scales.bend**2)
    columns = np.zeros((len(z), 0))
    chosen: list[int] = []
    for _ in range(min(count, len(z))):
        at = int(left.argmax())
        chosen.append(at)
        column = (process.bend(z, z[at : at + 1])[:, 0] - columns @ columns[at]) / np.sqrt(max(left[at], 1e-12))
        columns = np.hstack([columns, column[:, None]])
        left = np.maximum(left - column**2, 0)
    return np.array(chosen)
