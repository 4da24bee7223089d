"""Chooses the designs that go on from a cheap training to a dearer one: successive halving over objectives.

Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016; without
waiting for a rung to be full as in Li et al., "A System for Massively Parallel Hyperparameter Tuning" (ASHA), MLSys
2020: a design that was measured at a rung is judged at once, among all that were measured there so far, whoever runs
them. One objective orders designs by itself; several do by non-domination rank, then by crowding (`pareto.best_first`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import optuna

from vitspace.pareto import best_first
from vitspace.study.optuna_private import trial_id
from vitspace.study.store import StudyStore

#: Where the points of a trial at the rungs it was measured at stand among its system attributes.
RUNGS = "vitspace:rungs"

Point = tuple[float, float, float]


@dataclass(frozen=True)
class RungPlace:
    """A design's place among those of its rung, from 1; the first ``kept`` of ``of`` go on."""

    place: int
    of: int
    kept: int

    @property
    def promoted(self) -> bool:
        """Whether it goes on."""
        return self.place <= self.kept


class EntersRungs(Protocol):
    """Says where a running trial's design stands at each rung; see `Rungs`."""

    def enter(self, rung: int, point: Point, keep: float) -> RungPlace:
        """Store the design's point at a rung, and return its place there."""


@dataclass(frozen=True)
class Rungs:
    """A running trial's design among those at the same rung; the trial's points are stored, others' are read.

    Attributes:
        store: The study.
        running: The trial.
        spec_id: Its design's, which counts once, however often it was begun.
    """

    store: StudyStore
    running: optuna.Trial
    spec_id: str

    def enter(self, rung: int, point: Point, keep: float) -> RungPlace:
        """Store the design's point at a rung, and return its place there.

        A worker writes before it reads, so that of two at one rung at least the later sees the other.

        Args:
            rung: From 0.
            point: -score, multiply-adds, milliseconds; all minimised.
            keep: Share that goes on, rounded up.
        """
        storage, number = self.store.storage, trial_id(self.running)
        before = storage.get_trial(number).system_attrs.get(RUNGS, {"points": []})["points"]
        storage.set_trial_system_attr(number, RUNGS, {"spec": self.spec_id, "points": [*before[:rung], list(point)]})
        stored = [t.system_attrs[RUNGS] for t in self.store.frozen() if RUNGS in t.system_attrs]
        rivals = {facts["spec"]: facts["points"][rung] for facts in stored if len(facts["points"]) > rung}
        return rung_place(list(rivals).index(self.spec_id), list(rivals.values()), keep)


def rung_place(number: int, points: Sequence[Sequence[float]], keep: float) -> RungPlace:
    """Return the place of one of the points of a rung, of which a share goes on, rounded up."""
    return RungPlace(best_first(points).index(number) + 1, len(points), math.ceil(keep * len(points)))
