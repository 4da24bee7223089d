"""How much better one trial's score is than another's, and whether that tells the two apart."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from vitspace.accuracy import difference
from vitspace.accuracy.predictor import NORMAL_90
from vitspace.image_sizes import ImageSize
from vitspace.report.noise import front_spread, noise_limit
from vitspace.spec import Spec
from vitspace.statistics import finite, is_tie
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial

#: How a design stands to another in accuracy, the best first; see `Gap.stands`.
Stands = Literal["leads", "above", "ties", "below", "trails"]


@dataclass(frozen=True)
class Gap:
    """The score of one trial less that of another.

    Attributes:
        score: In points, or in the proxy's unit.
        limit: Of a tie: in points the standard deviation of the difference, else how far two seeds of one design come
            apart; 0 where that is not known.
        in_points: Whether it is in points.
    """

    score: float
    limit: float
    in_points: bool

    @property
    def tie(self) -> bool:
        """Whether the two are not told apart."""
        return is_tie(self.score, self.limit)

    @property
    def low(self) -> float | None:
        """Lower end of the 90 % interval, in points; None of a proxy's scores."""
        return self.score - NORMAL_90 * self.limit if self.in_points else None

    @property
    def high(self) -> float | None:
        """Its upper end."""
        return self.score + NORMAL_90 * self.limit if self.in_points else None

    @property
    def sure(self) -> bool:
        """Whether the interval is on one side of 0."""
        return self.low is not None and self.high is not None and self.low * self.high > 0

    @property
    def stands(self) -> Stands:
        """How the first stands to the other; a reader sees no other words of it in sentences, tables and JSON.

        It ties where the two are not told apart, leads or trails beyond the 90 % interval, and is above or below in
        between; a proxy's scores have no such interval.
        """
        if self.tie or not self.score:
            return "ties"
        if self.score > 0:
            return "leads" if self.sure else "above"
        return "trails" if self.sure else "below"

    def __str__(self) -> str:
        """Return ``-0.2 points [-1.6, +1.2]``."""
        if self.low is None or self.high is None:
            return f"{self.score:+.3f}"
        return f"{signed(self.score)} points [{signed(self.low)}, {signed(self.high)}]"


def gap(record: StudyRecord, one: Trial, other: Trial) -> Gap:
    """Return how much better the first of two completed trials is.

    Two designs are told apart by the standard deviation of their difference, in which what both have in common does not
    count; a design and an anchor, which stands at its published accuracy, by their own deviations together.
    """
    score = other.point[0] - one.point[0]
    return Gap(score, _spread(record, one, other) if record.in_points else noise_limit(record) or 0.0, record.in_points)


def order_unresolved(record: StudyRecord) -> bool:
    """Whether the best and the worst score of the front tie; never where seeds do nothing."""
    if front_spread(record) is None:
        return False
    ordered = sorted(record.front, key=lambda trial: trial.point)
    return gap(record, ordered[0], ordered[-1]).tie


def signed(value: float) -> str:
    """Write points with their sign, ``+0.2``, and without one where they round to nothing."""
    return f"{value:+.1f}" if abs(value) >= 0.05 else "0.0"


def _spread(record: StudyRecord, one: Trial, other: Trial) -> float:
    if one.published_top1 is None and other.published_top1 is None and one.spec and other.spec:
        return _of_designs(one.spec, other.spec, record.img_size)
    return sum((finite(trial.score_std) or 0.0) ** 2 for trial in (one, other)) ** 0.5


@cache
def _of_designs(one: Spec, other: Spec, img_size: ImageSize) -> float:
    return difference(one, other, img_size).sd
