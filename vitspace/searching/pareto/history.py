"""What a study's trials have shown so far, as arrays."""

import math
from collections.abc import Sequence

import numpy as np
import optuna
from optuna.trial import TrialState

from vitspace.errors import InputError
from vitspace.searching.pareto.encoding import Floats
from vitspace.space.moves import Rows
from vitspace.space.population import Population
from vitspace.spec import Spec
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial


class History:
    """The trials of a study, read anew by `update`.

    Attributes:
        seen: Designs that are no use proposing: evaluated, rejected, running or queued.
        complete: Trials with all objectives.
        failed: Trials whose evaluation failed.
        timed: Trials whose latency was measured, complete or not.
        pending: Designs that run or wait, or whose results are not to be known yet.
    """

    def __init__(self, study: optuna.Study, population: Population) -> None:
        self.store, self.population = StudyStore(study), population
        self.seen: set[Spec] = set()
        self.complete: list[Trial] = []
        self.failed: list[Trial] = []
        self.timed: list[Trial] = []
        self.pending: list[Spec] = []
        self._rows: dict[Spec, Rows] = {}

    def update(self, before: float = math.inf) -> None:
        """Read what was stored since the last time; of trials with a number from ``before`` on, the design alone."""
        stored = [trial for trial in self.store.trials() if trial.spec]
        trials = [trial for trial in stored if trial.number < before]
        self.complete = [trial for trial in trials if trial.complete]
        self.failed = [trial for trial in trials if trial.state == "failed"]
        self.timed = [trial for trial in trials if trial.latency_ms is not None]
        later = [trial.spec for trial in stored if trial.spec and trial.number >= before]
        self.pending = list(dict.fromkeys([*later, *self._pending()]))
        self.seen = {*(trial.spec for trial in stored if trial.spec), *self.pending}

    def rows(self, specs: Sequence[Spec | None]) -> Rows:
        """Return designs as rows [N, variables] of the population."""
        for spec in specs:
            if spec and spec not in self._rows:
                self._rows[spec] = self.population.array([spec])[0]
        known = [self._rows[spec] for spec in specs if spec]
        return np.array(known, dtype=np.int16).reshape(len(known), len(self.population.variables))

    def _pending(self) -> list[Spec]:
        """Return the designs of the trials that run or wait; one of which only a part is known counts as none."""
        found = []
        for trial in self.store.frozen(TrialState.RUNNING, TrialState.WAITING):
            try:
                found.append(
                    self.population.space.decode({**trial.system_attrs.get("fixed_params", {}), **trial.params})
                )
            except InputError:
                continue
        return list(dict.fromkeys(found))

    @property
    def reference(self) -> Floats:
        """The reference point of the study's hypervolume: the largest -score, multiply-adds and milliseconds.

        Before it is known, the largest of the trials so far.
        """
        point = self.store.study.user_attrs.get("reference_point")
        return np.array(point or np.max([trial.point for trial in self.complete], axis=0))
