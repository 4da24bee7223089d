"""What a proxy's score tells of accuracy beside the prediction, and how much it weighs.

A score is read as its place among those of published networks, less what networks of that size have on average, in
standard deviations: the remainder. It moves a prediction as far as it was learnt to; see `learning`.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from vitspace.accuracy.features import Array

#: Networks for themselves, and families of them, that a score must be known of.
FEWEST, FEWEST_FAMILIES = 10, 3
#: A remainder counts up to so many standard deviations.
REACH = 2.5


@dataclass(frozen=True)
class Reading:
    """How a score is read.

    Attributes:
        knots: Scores of published networks, rising.
        places: Their places among those, as quantiles of a normal distribution.
        average: Average place: at size 0, and by log10 of params and of multiply-adds.
        sd: Of the rest.
    """

    knots: tuple[float, ...]
    places: tuple[float, ...]
    average: tuple[float, ...]
    sd: float

    @classmethod
    def of(cls, scores: Array, sizes: Array) -> "Reading":
        """Fit it on published networks: [N], and log10 of params and of multiply-adds [N, 2]."""
        ordered = np.sort(scores)
        quantiles = np.array([NormalDist().inv_cdf((i + 0.5) / len(ordered)) for i in range(len(ordered))])
        knots = np.unique(ordered)
        places = np.array([quantiles[ordered == knot].mean() for knot in knots])
        own, matrix = np.interp(scores, knots, places), _with_one(sizes)
        average = np.linalg.lstsq(matrix, own, rcond=None)[0]
        rest = own - matrix @ average
        sd = float(np.sqrt((rest**2).sum() / max(len(rest) - len(average), 1)))
        known = tuple(knots.tolist()), tuple(places.tolist()), tuple(average.tolist())
        return cls(*known, sd if sd > 1e-6 else float("inf"))

    def remainders(self, scores: Array, sizes: Array) -> Array:
        """Return what scores say beside size, in standard deviations: [N], [N, 2] -> [N]."""
        rest = np.interp(scores, self.knots, self.places) - _with_one(sizes) @ self.average
        return np.clip(rest / self.sd, -REACH, REACH)


@dataclass(frozen=True)
class Evidence:
    """What a proxy's score tells of a design's log error beside the prediction.

    Attributes:
        proxy: Its canonical name.
        weight: Share of the prediction's variance that the score explains for sure, 0 to 1; 0 for none.
        networks: Published networks that it was learnt on, ablations not counted.
        ablations: Rows of ablation tables that it was learnt on.
        families: Families of both.
        share: Share of the variance of what predictions miss that it explains on families left out; below 0 where it
            makes them worse.
        share_ci: Its 90 % interval over families.
        slope: Change of log error with the remainder, in standard deviations of the prediction: 0 or less.
        reading: How the score is read; None where nothing was learnt.
    """

    proxy: str
    weight: float
    networks: int
    ablations: int
    families: int
    share: float = 0.0
    share_ci: tuple[float, float] = (0.0, 0.0)
    slope: float = 0.0
    reading: Reading | None = None

    def remainder(self, score: float, params: float, macs: float) -> float:
        """Return what a design's score says beside its size, in standard deviations; higher is better."""
        if self.reading is None:
            return 0.0
        return float(self.reading.remainders(np.array([score]), np.log10([[params, macs]]))[0])

    def update(self, mean: float, sd: float, remainder: float) -> tuple[float, float]:
        """Return mean and standard deviation of a design's log error with the evidence, from those without it."""
        return mean + self.slope * remainder * sd, sd * (1 - self.weight) ** 0.5

    def words(self) -> str:
        """Return a sentence on its weight, and why."""
        rests = f"{self.networks} published networks and {self.ablations} ablations of {self.families} families"
        if self.reading is None:
            return (
                f"{self.proxy} weighs 0 %: a weight is learnt on at least {FEWEST} published networks of "
                f"{FEWEST_FAMILIES} families, and its committed scores are of {rests}"
            )
        weight, share, low, high = (round(100 * value) for value in (self.weight, self.share, *self.share_ci))
        end = "" if self.weight else ", so estimates stay as predicted"
        return (
            f"{self.proxy} weighs {weight} %: of families left out it explains {share} % of what predictions miss, "
            f"90 % interval {low} to {high} % ({rests}){end}"
        )


def _with_one(sizes: Array) -> Array:
    return np.hstack([np.ones((len(sizes), 1)), sizes])
