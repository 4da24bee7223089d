"""Estimated top-1 of a design from the prediction and from what was measured of it.

Log error is normal around the prediction; a proxy's score moves its mean by `Evidence.slope` times the score's
remainder and leaves 1 - `Evidence.weight` of its variance. A published network stands at its published top-1.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np

from vitspace.accuracy.evidence import Evidence
from vitspace.accuracy.features import features
from vitspace.accuracy.prediction import Prediction, summed
from vitspace.accuracy.predictor import NORMAL_90, predictor
from vitspace.accuracy.table import numbers_of
from vitspace.anchors.references import main_anchors
from vitspace.costs import cost
from vitspace.image_sizes import ImageSize, mean_side, plain_size
from vitspace.sized import plain
from vitspace.spec import NATIVE_SIZE, Spec

#: Standard deviation of a published top-1, points. The table has no two trainings of one network by one recipe. Papers
#: and timm differ by 0.12 points (root mean square) over the 16 peers of the usual recipe, whose weights are the same;
#: 0.15 between two trainings is assumed beside that.
PUBLISHED_SD = 0.2


@dataclass(frozen=True)
class Posterior:
    """Estimated ImageNet-1k top-1 under the usual recipe, from all that is known of a design.

    Attributes:
        mean: The estimate, %.
        sd: Its standard deviation, points.
        low90: Lower end of its 90 % interval, %.
        high90: Its upper end.
        prior: The prediction, %; of a published network without its own row, by the recipe of that.
        prior_sd: Its standard deviation, points.
        shift: Points by which evidence moved it.
        inside: Whether all features are within the range of published networks of similar FLOPs.
        outside: One sentence for each feature outside its range.
        nearest: Names of the nearest public networks.
        published: Published top-1 where the estimate is that, %.
    """

    mean: float
    sd: float
    low90: float
    high90: float
    prior: float
    prior_sd: float
    shift: float
    inside: bool
    outside: tuple[str, ...]
    nearest: tuple[str, ...]
    published: float | None = None


class _Points(NamedTuple):
    mean: float
    sd: float
    low90: float
    high90: float


@dataclass(frozen=True)
class _Normal:
    """A normal distribution of log error; its standard deviation is calibrated."""

    mean: float
    sd: float

    @classmethod
    def of(cls, found: Prediction) -> "_Normal":
        ends = np.log([100 - found.low90, 100 - found.high90])
        return cls(float(np.log(100 - found.mean)), float(ends[0] - ends[1]) / 2 / NORMAL_90)

    @property
    def points(self) -> _Points:
        """The same in points of top-1."""
        low, high = (100 - float(np.exp(self.mean + sign * NORMAL_90 * self.sd)) for sign in (1, -1))
        return _Points(100 - float(np.exp(self.mean)), (high - low) / 2 / NORMAL_90, low, high)


def posterior(
    spec: Spec,
    evidence: Evidence | None = None,
    proxy_score: float | None = None,
    img_size: ImageSize = NATIVE_SIZE,
    published: float | None = None,
) -> Posterior:
    """Estimate top-1 of a design from what is counted, what a proxy measured, and what is published of it.

    Without a score, or by a proxy without weight, it is the prediction. Mixing is not looked at; see `predict_top1`.

    Args:
        spec: The design.
        evidence: What the proxy's scores tell.
        proxy_score: The design's.
        img_size: Side of the image, or (height, width), pixels, in training and at the test.
        published: The network's own published top-1 at that size, %; the proxy tells nothing beside it.
    """
    found = summed([spec], img_size)[0]
    base = Posterior(
        mean=found.mean,
        sd=found.sd,
        low90=found.low90,
        high90=found.high90,
        prior=found.mean,
        prior_sd=found.sd,
        shift=0.0,
        inside=found.inside,
        outside=found.outside,
        nearest=tuple(found.nearest),
    )
    if published is not None:
        return _stood(base, published, _alone(spec, img_size))
    if evidence is None or proxy_score is None or not evidence.weight:
        return base
    size, prior = cost(spec, img_size), _Normal.of(found)
    remainder = evidence.remainder(proxy_score, size.params, size.macs)
    told = _Normal(*evidence.update(prior.mean, prior.sd, remainder))
    return _estimated(base, told.points, told.points.mean - found.mean)


def _stood(base: Posterior, published: float, prior: _Normal | None) -> Posterior:
    """Return a network at its published top-1, beside the prediction without its row if it has one."""
    if prior:
        base = replace(base, prior=prior.points.mean, prior_sd=prior.points.sd)
    reach = NORMAL_90 * PUBLISHED_SD
    stands = _Points(published, PUBLISHED_SD, published - reach, published + reach)
    return replace(_estimated(base, stands), published=published)


def _estimated(base: Posterior, points: _Points, shift: float = 0.0) -> Posterior:
    return replace(base, mean=points.mean, sd=points.sd, low90=points.low90, high90=points.high90, shift=shift)


def _alone(spec: Spec, img_size: ImageSize) -> _Normal | None:
    """Return a published network's prediction without its own row; None of a network without a row."""
    model = predictor()
    number = _rows().get((plain(spec).id, plain_size(img_size)))
    if number is None:
        return None
    mean, variance = model.alone
    found = features(numbers_of([cost(spec, img_size)]), mean_side(img_size))
    wider = 1 + float(model.guards.excess(found)[0])
    scale = wider * model.factors[1] / NORMAL_90
    return _Normal(float(mean[number]), scale * float(variance[number]) ** 0.5)


@cache
def _rows() -> dict[tuple[str, ImageSize], int]:
    """Return by spec and size of images the number of an anchor's row in the table."""
    specs = {row.id: row.spec.id for row in main_anchors() if row.spec}
    rows = enumerate(predictor().rows)
    return {(specs[row.name], row.img_size): number for number, row in rows if row.name in specs}
