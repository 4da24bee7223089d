"""Estimates ImageNet top-1 from a training-free score, by a curve through the published designs.

An estimate is no measurement: it is the top-1 that published designs of such a score reached by their papers' recipes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from sklearn.isotonic import IsotonicRegression

from vitspace.anchors import Anchor
from vitspace.anchors.references import main_anchors
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.fidelity.cards import DEFAULT
from vitspace.proxies.combinations import Values, anchor_values, combination, fit_on
from vitspace.proxies.scores import Subject, measure
from vitspace.spec import Spec
from vitspace.units import format_count

#: Share of left-out anchors within the interval.
LEVEL = 0.9


@dataclass(frozen=True)
class Estimate:
    """An estimated top-1, in %.

    The interval comes from the errors of 22 anchors, each estimated without its family: nine of ten errors are within
    it. Where the curve is flat, the interval includes the top-1 of all anchors on the flat part.

    Attributes:
        top1: The estimate.
        low: Lower end of the 90 % prediction interval.
        high: Its upper end.
        error: Mean absolute error over anchors, each estimated without its family, in points.
        anchors: Number of designs to which the curve is fitted.
        proxy: The combination of scores.
    """

    top1: float
    low: float
    high: float
    error: float
    anchors: int
    proxy: str = DEFAULT

    def __str__(self) -> str:
        return (
            f"estimated ImageNet top-1 {self.top1:.1f} % (90 % interval {self.low:.1f} to {self.high:.1f}), not a "
            f"result: a monotone curve over {self.proxy}, fitted to {self.anchors} published designs, with a mean "
            f"error of {self.error:.1f} points on a family that is left out"
        )


def estimate(spec: Spec, proxy: str = DEFAULT) -> Estimate:
    """Estimate a design's top-1 from a combination of scores.

    Raises:
        InputError: the design's params, FLOPs, their ratio, the share of its FLOPs in a stage, or a score is outside
            the range of the anchors.
    """
    _check_costs(spec)
    rows, values = main_anchors(), anchor_values(proxy)
    found = measure(Subject.of_spec(spec), combination(proxy).COMPONENTS).values
    for name, column in values.items():
        _check_covered(name, found[name], [column[row.spec.id] for row in rows if row.spec])
    _check_layout(spec)
    fitted = Top1Curve(proxy, values, rows)
    top1, misses = fitted(found), np.abs(left_out_errors(proxy))
    # The rank below which LEVEL of the errors lie, if a new family's errors are like those of the known families.
    rank = min(len(misses), int(np.ceil(LEVEL * (len(misses) + 1))))
    reach = float(np.sort(misses)[rank - 1])
    # On a flat part of the curve a design is not distinguished from the anchors there.
    level = [row.published["top1"] for row in rows if np.isclose(fitted(_components(values, row)), top1)]
    low, high = min([top1, *level]) - reach, max([top1, *level]) + reach
    return Estimate(top1, low, min(100.0, high), float(misses.mean()), len(rows), proxy)


class Top1Curve:
    """A combination of scores and the isotonic regression of top-1 on it: scores by component -> top-1 in %."""

    def __init__(self, proxy: str, values: Values, rows: Sequence[Anchor]) -> None:
        self.model = fit_on(proxy, values, rows)
        x = [self.model.predict(_components(values, row)) for row in rows]
        self.fit = IsotonicRegression(out_of_bounds="clip").fit(x, [row.published["top1"] for row in rows])

    def __call__(self, values: Mapping[str, float]) -> float:
        return float(self.fit.predict([self.model.predict(values)])[0])


@cache
def left_out_errors(proxy: str = DEFAULT) -> tuple[float, ...]:
    """Return for every main anchor the estimate without its family minus its published top-1, in points."""
    rows, values = main_anchors(), anchor_values(proxy)
    errors = []
    for row in rows:
        others = Top1Curve(proxy, values, [other for other in rows if other.family != row.family])
        errors.append(others(_components(values, row)) - row.published["top1"])
    return tuple(errors)


def _components(values: Values, row: Anchor) -> dict[str, float]:
    assert row.spec is not None
    return {name: column[row.spec.id] for name, column in values.items()}


def _check_costs(spec: Spec) -> None:
    costs = [cost(row.spec, row.resolution) for row in main_anchors() if row.spec]
    own = cost(spec)
    _check_covered("params", own.params, [c.params for c in costs])
    _check_covered("FLOPs", own.macs, [c.macs for c in costs])
    _check_covered("FLOPs a param", own.macs / own.params, [c.macs / c.params for c in costs])


def _check_layout(spec: Spec) -> None:
    known = np.array([_shares(row.spec) for row in main_anchors() if row.spec])
    _check_covered("stages", len(spec.stages), [known.shape[1]])
    for number, share in enumerate(_shares(spec)):
        _check_covered(f"FLOPs of stage {number + 1}, % of the design's,", share, known[:, number].tolist())


@cache
def _shares(spec: Spec) -> tuple[float, ...]:
    """Return the share of a design's multiply-adds in each of its stages, in %."""
    parts = cost(spec).breakdown().frame.macs
    inside = [parts[parts.index.str.startswith(f"stage {i + 1} ")].sum() for i in range(len(spec.stages))]
    return tuple(100 * float(macs) / float(parts.sum()) for macs in inside)


def _check_covered(name: str, value: float, known: Sequence[float]) -> None:
    # Committed scores have eight digits.
    if not min(known) * (1 - 1e-6) <= value <= max(known) * (1 + 1e-6):
        raise InputError(
            f"an estimate is made within the range of the published designs, {name} {format_count(min(known))} to "
            f"{format_count(max(known))}, but got {format_count(value)}"
        )
