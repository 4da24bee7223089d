"""Scored designs with their settings and costs, from a study or drawn from a space."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitspace.analysis.scoring import ScoredDesign
from vitspace.budget import Budget
from vitspace.errors import InputError
from vitspace.space import Space
from vitspace.space.variables import Params
from vitspace.study.record import StudyRecord

Array = NDArray[np.float64]

#: Smallest number of designs for which axes are analysed.
LEAST = 8


@dataclass(frozen=True)
class Observations:
    """N scored designs of one space.

    Attributes:
        space: The space's name.
        values: Values of each axis (a variable of the space), in order; axes of a single value are left out.
        params: For each design, its value of every axis that it has.
        macs: [N], multiply-adds.
        scores: [N], higher is better.
        left_out: Number of designs that are left out: failed, or outside the space.
    """

    space: str
    values: dict[str, tuple[Any, ...]]
    params: tuple[Params, ...]
    macs: Array
    scores: Array
    left_out: int = 0

    def having(self, axis: str) -> NDArray[np.intp]:
        """Return the numbers of the designs that have an axis."""
        return np.flatnonzero([axis in params for params in self.params])


def of_scored(space: Space, scored: Sequence[ScoredDesign]) -> Observations:
    """Return the designs that have a score as observations.

    Raises:
        InputError: there are fewer than `LEAST`.
    """
    rows = [(space.encode(d.spec), d.macs, d.score) for d in scored if d.score is not None and d.spec in space]
    if len(rows) < LEAST:
        failed = next((f": {d.why}" for d in scored if d.why), "")
        raise InputError(
            f"axes are analysed on at least {LEAST} scored designs, but got {len(rows)} of {space.name}{failed}"
        )
    params, macs, scores = zip(*rows, strict=True)
    values = {v.name: v.values for v in space.variables if len(v.values) > 1}
    left_out = len(scored) - len(rows)
    return Observations(space.name, values, params, np.array(macs, float), np.array(scores, float), left_out)


def of_study(space: Space, record: StudyRecord, budget: Budget) -> Observations:
    """Return a study's completed trials within a budget as observations.

    Raises:
        InputError: there are fewer than `LEAST`.
    """
    trials = [t for t in record.completed if not budget.violation(macs=t.macs, params=t.params)]
    scored = [ScoredDesign(t.spec, t.params or 0, t.macs or 0, t.score) for t in trials if t.spec]
    return of_scored(space, scored)
