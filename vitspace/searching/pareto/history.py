"""What a study's trials have shown so far, as arrays."""

import math
from collections.abc import Sequence

import numpy as np
import optuna

from vitspace.searching.pareto.encoding import Floats
from vitspace.searching.queue import designs_under_way
from vitspace.space import Space
from vitspace.space.moves import Rows
from vitspace.spec import Spec
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial


class TrialHistory:
    """The trials of a study, read anew by `update`.

    Attributes:
        seen: Designs that are no use proposing: evaluated, rejected, running or queued.
        complete: Trials with all objectives, of designs of the space, undecided ones too.
        outside: Those of other designs, which are anchors.
        failed: Trials whose evaluation failed.
        timed: Trials whose latency was measured, complete or not.
        pending: Designs that run or wait, or whose results are not to be known yet.
    """

    def __init__(self, study: optuna.Study, space: Space) -> None:
        self.store, self.space, self.population = StudyStore(study), space, space.population
        self.seen: set[Spec] = set()
        self.complete: list[Trial] = []
        self.outside: list[Trial] = []
        self.failed: list[Trial] = []
        self.timed: list[Trial] = []
        self.pending: list[Spec] = []
        self._rows: dict[Spec, Rows] = {}
        self._inside: dict[Spec, bool] = {}

    def update(self, before: float = math.inf) -> None:
        """Read what was stored since the last time; of trials with a number from ``before`` on, the design alone."""
        stored = [trial for trial in self.store.trials() if trial.spec]
        told = [trial for trial in stored if trial.number < before]
        trials = [trial for trial in told if trial.spec and self.is_inside(trial.spec)]
        self.complete = [trial for trial in trials if trial.counts]
        self.outside = [trial for trial in told if trial.counts and trial.spec and not self.is_inside(trial.spec)]
        self.failed = [trial for trial in trials if trial.state == "failed"]
        self.timed = [trial for trial in trials if trial.latency_ms is not None]
        later = [trial.spec for trial in stored if trial.spec and trial.number >= before]
        pending = dict.fromkeys([*later, *designs_under_way(self.store, self.space)])
        self.pending = [spec for spec in pending if self.is_inside(spec)]
        self.seen = {*(trial.spec for trial in stored if trial.spec), *self.pending}

    def rows(self, specs: Sequence[Spec | None]) -> Rows:
        """Return designs as rows [N, variables] of the population."""
        for spec in specs:
            if spec and spec not in self._rows:
                self._rows[spec] = self.population.array([spec])[0]
        known = [self._rows[spec] for spec in specs if spec]
        return np.array(known, dtype=np.int16).reshape(len(known), len(self.population.variables))

    def is_inside(self, spec: Spec) -> bool:
        """Whether the space has a design."""
        if spec not in self._inside:
            self._inside[spec] = spec in self.space
        return self._inside[spec]

    @property
    def reference(self) -> Floats:
        """The reference point of the study's hypervolume: the largest -score, multiply-adds and milliseconds.

        Before it is known, the largest of the trials so far.
        """
        point = self.store.study.user_attrs.get("reference_point")
        return np.array(point or np.max([trial.point for trial in (*self.complete, *self.outside)], axis=0))
