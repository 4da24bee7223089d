"""How large the predictor's errors are, on public networks and on our anchors, each without its family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from vitspace.accuracy.features import Array, features
from vitspace.accuracy.predictor import NORMAL_90, Predictor, predictor
from vitspace.accuracy.table import Row, numbers_of, published
from vitspace.anchors import Anchor
from vitspace.anchors.references import ablation_pairs, main_anchors
from vitspace.costs import cost
from vitspace.statistics import kendall

#: FLOPs are alike within this factor.
LIKE = 1.25


@dataclass(frozen=True)
class Held:
    """Networks with their published top-1 and what was predicted without their family, or another group.

    Attributes:
        names: [N].
        families: [N].
        macs: Multiply-adds, [N].
        published: %, [N].
        predicted: %, [N].
        sds: Standard deviations of the predicted log error, scaled so that 90 % intervals hold as often, [N].
    """

    names: tuple[str, ...]
    families: tuple[str, ...]
    macs: Array
    published: Array
    predicted: Array
    sds: Array

    @property
    def misses(self) -> Array:
        """Published less predicted log error, in widths of the 90 % interval to one side: [N]."""
        return np.log((100 - self.published) / (100 - self.predicted)) / (NORMAL_90 * self.sds)

    @property
    def errors(self) -> Array:
        """Predicted less published, points."""
        return self.predicted - self.published

    @property
    def mae(self) -> float:
        """Mean absolute error, points."""
        return float(np.abs(self.errors).mean())

    @property
    def bias(self) -> float:
        """Mean error, points; below 0 where estimates are low."""
        return float(self.errors.mean())

    @property
    def coverage90(self) -> float:
        """Share of networks in their 90 % interval."""
        return float((np.abs(self.misses) <= 1).mean())

    @property
    def tau(self) -> float:
        """Kendall's tau of predicted and published."""
        return float(kendall(self.predicted, self.published)[0])

    @property
    def tau_like_flops(self) -> float:
        """Kendall's tau-a over pairs of different families whose FLOPs are alike."""
        return like_flops(self.predicted, self)


def like_flops(scores: Array, held: Held) -> float:
    """Kendall's tau-a of scores over pairs of networks of different families whose FLOPs are alike."""
    one, two = np.triu_indices(len(scores), 1)
    logs, families = np.log(held.macs), np.array(held.families)
    alike = (np.abs(logs[one] - logs[two]) < np.log(LIKE)) & (families[one] != families[two])
    one, two = one[alike], two[alike]
    return float(np.sign((scores[one] - scores[two]) * (held.published[one] - held.published[two])).mean())


def public_held() -> Held:
    """Return the public networks of the usual recipe, each without its family."""
    model = predictor()
    return _held_at(model, model.comparable, *model.left_out)


def siblings_held() -> Held:
    """Return our anchors, each without itself, its siblings known."""
    model = predictor()
    return _held_at(model, np.array([not row.public for row in model.rows]), *model.alone)


def anchors_held() -> Held:
    """Return our anchors, each without its family, predicted as a new design is: under the usual recipe."""
    model = predictor()
    rows = [row for row in model.rows if not row.public]
    predicted = without_family({row.name: row.family for row in rows})
    mean, sd = (np.array([predicted[row.name][i] for row in rows]) for i in range(2))
    return _held(rows, model, mean, sd)


def without_family(families: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation of log error of published rows of ours, without any of their family.

    Args:
        families: By id of a row, its family.
    """
    return {name: _without(family)[name] for name, family in families.items()}


@cache
def _without(family: str) -> dict[str, tuple[float, float]]:
    model = Predictor([row for row in published() if row.family != family])
    rows = _own_rows(family)
    found = features(numbers_of([cost(row.spec, row.resolution) for row in rows if row.spec]))
    joint = model.joint(model.guards.capped(found), np.full(len(rows), model.family(family)))
    sds = np.sqrt(np.diag(joint.covariance))
    return {row.id: (float(joint.mean[i]), float(sds[i])) for i, row in enumerate(rows)}


def _own_rows(family: str) -> list[Anchor]:
    """Return the main anchors and the rows of ablation pairs of a family."""
    paired = [row for pair in ablation_pairs() for row in (pair.a, pair.b)]
    return list({row.id: row for row in (*main_anchors(), *paired) if row.family == family}.values())


def _held_at(model: Predictor, at: NDArray[np.bool_], mean: Array, variance: Array) -> Held:
    rows = [row for row, wanted in zip(model.rows, at, strict=True) if wanted]
    return _held(rows, model, mean[at], np.sqrt(variance[at]))


def _held(rows: Sequence[Row], model: Predictor, mean: Array, sd: Array) -> Held:
    """Return rows with means and standard deviations of their log error that were predicted."""
    return Held(
        tuple(row.name for row in rows),
        tuple(row.family for row in rows),
        np.array([row.cost.macs for row in rows]),
        np.array([row.top1 for row in rows]),
        100 - np.exp(mean),
        model.factors[1] / NORMAL_90 * sd,
    )
