"""Which axes a proxy can see, and how large an effect must be to matter.

Both are shares of the proxy's spread: the standard deviation of its scores at equal FLOPs, over the space's designs
or, if that is more, over the published networks of most similar FLOPs. The latter are the measure where a space hardly
varies: among designs that differ in nothing that a proxy sees, the smallest difference is all of the variance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray

from vitspace.analysis.effects import at_equal_flops
from vitspace.analysis.observations import Observations
from vitspace.analysis.scoring import Scorer
from vitspace.anchors import all_anchors
from vitspace.costs import cost
from vitspace.space import Space
from vitspace.space.values import with_value
from vitspace.space.variables import InvalidDesign
from vitspace.spec import Spec
from vitspace.study.record import StudyRecord
from vitspace.tracking import Track, untracked

Array = NDArray[np.float64]

#: Share of the spread that an effect must exceed to matter.
MATTERS = 0.05
#: Share of the spread that a score must change by where an axis alone changes, for the proxy to see the axis.
SEEN = 0.01
UNSEEN = f"where one of them alone changes, the score changes by less than {100 * SEEN:g} % of that spread"
#: Published networks that the spread is taken over.
PUBLISHED = 12
#: Designs of which an axis alone is changed.
PROBES = 4


@dataclass(frozen=True)
class Spread:
    """Standard deviations of a proxy's scores at equal FLOPs.

    Attributes:
        designs: Over the designs that are analysed.
        others: Over networks that are no designs of the analysis; None where none were scored.
        others_are: What those are.
    """

    designs: float
    others: float | None = None
    others_are: str = "published networks of similar FLOPs"

    @classmethod
    def of(cls, seen: Observations, macs: Array | None = None, scores: Array | None = None, **named: str) -> "Spread":
        """Compute it from observations, and from multiply-adds [N] and scores [N] of other networks."""
        others = None if macs is None or scores is None or len(scores) < 2 else _deviation(macs, scores)
        return cls(_deviation(seen.macs, seen.scores), others, **named)

    @property
    def value(self) -> float:
        """The larger of both."""
        return max(self.designs, self.others or 0.0)

    @property
    def matters(self) -> float:
        """The score that an effect must exceed to matter."""
        return MATTERS * self.value

    @property
    def sees(self) -> float:
        """The change of score from which a proxy sees an axis."""
        return SEEN * self.value

    def is_seen(self, change: float | None) -> bool | None:
        """Whether a change of score shows that the proxy sees an axis; None where none was tried."""
        return None if change is None else change > self.sees

    def __str__(self) -> str:
        over = "the designs" if self.value == self.designs else self.others_are
        share = f"{100 * MATTERS:g} % of the proxy's spread"
        return (
            f"An effect matters from {self.matters:.3g} on, {share}: {self.value:.3g}, "
            f"the standard deviation of its scores at equal FLOPs over {over}"
        )


def spread_of(record: StudyRecord, seen: Observations) -> Spread:
    """Return the spread of a study's scores: over the designs that are analysed, and over all completed trials."""
    done = [(trial.macs, trial.score) for trial in record.completed if trial.macs and trial.score is not None]
    macs, scores = np.array(done, float).reshape(-1, 2).T
    return Spread.of(seen, macs, scores, others_are="all completed trials")


def published_scores(scorer: Scorer, seen: Observations, track: Track = untracked) -> tuple[Array, Array]:
    """Score the published networks whose FLOPs are most like the designs': multiply-adds [N] and scores [N]."""
    middle = np.log(np.median(seen.macs))
    sizes = {
        row.spec: row.resolution for row in all_anchors().values() if row.role == "anchor" and row.spec is not None
    }
    nearest = sorted(sizes, key=lambda spec: abs(np.log(cost(spec, sizes[spec]).macs) - middle))[:PUBLISHED]
    found = [scorer.score(spec, sizes[spec]) for spec in track(nearest, "scoring published networks")]
    kept = [(one.macs, one.score) for one in found if one.score is not None]
    return np.array([macs for macs, _ in kept], float), np.array([score for _, score in kept], float)


def changes(space: Space, scorer: Scorer, seen: Observations, track: Track = untracked) -> dict[str, float]:
    """Return by axis the largest change of score over up to `PROBES` designs in which nothing but the axis changes.

    An axis that cannot be changed alone in any design is left out.
    """
    found: dict[str, float] = {}
    for axis in track(list(seen.values), "changing one axis"):
        probes = islice(_probes(space, seen, axis), PROBES)
        scored = [(i, scorer.score(spec, space.resolution, space.as_written(spec)).score) for i, spec in probes]
        moved = [abs(after - seen.scores[i]) for i, after in scored if after is not None]
        found |= {axis: float(max(moved))} if moved else {}
    return found


def _probes(space: Space, seen: Observations, axis: str) -> Iterator[tuple[int, Spec]]:
    """Yield the number of a design, and the design with another value of the axis, the next value each time."""
    turns = cycle(seen.values[axis])
    for i in seen.having(axis).tolist():
        before = seen.params[i]
        value = next(each for each in turns if each != before[axis])
        try:
            after = space.decode(with_value(space, before, axis, value))
        except InvalidDesign:
            continue
        if after != space.decode(before):
            yield i, after


def _deviation(macs: Array, scores: Array) -> float:
    return float(at_equal_flops(macs, scores).std())
