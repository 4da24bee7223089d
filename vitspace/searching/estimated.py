"""Designs as arrays with what is expected of them: estimated top-1, counted costs, predicted milliseconds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from vitspace.accuracy.predictor import predictor
from vitspace.accuracy.screen import screen
from vitspace.accuracy.table import COUNTED
from vitspace.budget import Budget
from vitspace.costs.stages import StageCosts
from vitspace.image_sizes import ImageSize
from vitspace.space.moves import Rows
from vitspace.space.population import Population
from vitspace.spec import NATIVE_SIZE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class EstimatedDesigns:
    """N designs of a space.

    Attributes:
        rows: Indices into the values of the space's variables, [N, variables].
        macs: Multiply-adds, [N].
        mean: Estimated top-1, %, [N].
        sd: Its standard deviation, points, [N].
        inside: Whether networks of a design's kind are known, [N].
        ms: Predicted milliseconds, [N]; nan where nothing predicts them.
    """

    rows: Rows
    macs: Ints
    mean: Floats
    sd: Floats
    inside: NDArray[np.bool_]
    ms: Floats

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: Ints | NDArray[np.bool_]) -> "EstimatedDesigns":
        return EstimatedDesigns(*(getattr(self, field.name)[at] for field in fields(self)))

    @property
    def low(self) -> Floats:
        """The estimate less its standard deviation: what a design reaches in five cases of six, [N]."""
        return self.mean - self.sd

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> "EstimatedDesigns":
        """Return the designs of several, in order."""
        return EstimatedDesigns(
            *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls))
        )


class PredictsLatency(Protocol):
    """Predicts milliseconds of designs by what is counted of them."""

    error: float

    def predict(self, counted: Ints, families: NDArray[np.str_]) -> Floats:
        """Return milliseconds [N] of designs by their counts [N, len(COUNTED)] and families [N]."""


#: Gives for a size of image what predicts milliseconds; None where nothing does.
LatencyAt = Callable[[ImageSize], PredictsLatency | None]


class Estimator:
    """Estimates designs of a population.

    Args:
        population: Of the space.
        latency: Gives for a size of image what predicts milliseconds; None where nothing does.
    """

    def __init__(self, population: Population, latency: LatencyAt = lambda img_size: None) -> None:
        self.population, self.latency = population, latency

    def within(self, rows: Rows, limits: Budget) -> EstimatedDesigns:
        """Return those of rows [N, variables] that are valid and within the limits on FLOPs and params."""
        rows = rows[self.population.costs(rows).within(limits)]
        return self(rows)

    def __call__(self, rows: Rows) -> EstimatedDesigns:
        """Estimate valid designs [N, variables]."""
        _, counted = self.population.counted(rows)
        stages = self.population.stages(rows)
        is_dense = self.population.space.task is not None
        macs = self.population.costs(rows).macs if is_dense else counted[:, COUNTED.index("macs")]
        families = self.population.families(rows)
        parts = self.population.by_size(rows) or [(NATIVE_SIZE, np.arange(0))]
        found = [self._of_size(size, rows[at], macs[at], counted[at], families[at], stages[at]) for size, at in parts]
        return EstimatedDesigns.joined(found)[np.argsort(np.concatenate([at for _, at in parts]))]

    def _of_size(
        self,
        img_size: ImageSize,
        rows: Rows,
        macs: Ints,
        counted: Ints,
        families: NDArray[np.str_],
        stages: StageCosts,
    ) -> EstimatedDesigns:
        """Estimate designs of one size of image [N, variables], by what was counted of them."""
        names, codes = np.unique(families, return_inverse=True)
        known = np.array([predictor().family(str(name)) for name in names], dtype=np.int64)
        found = screen(counted, known[codes], stages, img_size)
        latency = self.latency(img_size)
        ms = latency.predict(counted, families) if latency else np.full(len(rows), np.nan)
        return EstimatedDesigns(rows, macs, found.mean, found.sd, found.inside, ms)


def fresh(rows: Rows, known: set[bytes]) -> Rows:
    """Return the rows [N, variables] that are not known, each once; they are known then."""
    new = []
    for i, key in enumerate(row.tobytes() for row in rows):
        if key not in known:
            known.add(key)
            new.append(i)
    return rows[new]


def keys_of(rows: Rows) -> Iterable[bytes]:
    """Return what `fresh` knows rows by."""
    return (row.tobytes() for row in rows)
