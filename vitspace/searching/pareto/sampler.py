"""Our sampler proposes the designs that are expected to enlarge the dominated hypervolume most.

Costs are free and exact, so that thousands of designs can be compared for each one that is trained. Candidates are
fresh draws, and mutants and children of the front and then of the best candidates. Score and latency are predicted from
the trials so far, and the candidate of the largest expected improvement (`improvement.py`) is proposed.
A study's first designs are the anchors and uniform draws whatever the sampler (`vitspace.searching.first`), so that
studies of one seed begin alike. Where too few of those are complete to learn from, designs are drawn that are even over
FLOPs.
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial

from vitspace.budget import Budget
from vitspace.errors import UsedUpError
from vitspace.searching.estimated import fresh, keys_of
from vitspace.searching.pareto.encoding import Encoding
from vitspace.searching.pareto.history import TrialHistory
from vitspace.searching.pareto.model import Prior, Surrogate, nothing
from vitspace.space import Space
from vitspace.space.moves import Rows, descend
from vitspace.space.population import PopulationCosts
from vitspace.spec import Spec

#: Designs that are even over FLOPs: the first ones, and always among the candidates.
POOL = 512
#: How many random settings the pool is chosen from.
DRAWS = 4096
#: Candidates of each of the rounds: fresh ones and descendants of the front, then descendants of the best so far.
ROUNDS = (1200, 400)
#: The best candidates of a round that are kept, as parents of the next and to propose from.
KEPT = 16
#: Complete trials from which a model learns; the first ones are from as many ranges of FLOPs.
ENOUGH = 6


class ParetoSampler(optuna.samplers.BaseSampler):
    """Proposes the design of the largest expected improvement; never one that was, or does not fit the budget.

    The same trials, seed and trial number give the same proposal, whichever process asks. Where several designs are
    evaluated at once, which of the last ones have ended is chance: with a lag, a proposal knows only their designs.

    Args:
        space: What is drawn from.
        limits: Multiply-adds and params that designs keep within.
        seed: Of drawing.
        accept: What else a design must pass, asked of few.
        lag: How many of the trials before a proposal are known by their design alone.
        prior: What is expected of a design's score before any is evaluated.
        keep: Which rows [N, variables] are to be proposed: [N]; others are only where none is.
    """

    def __init__(
        self,
        space: Space,
        limits: Budget,
        seed: int,
        accept: Callable[[Spec], bool] = lambda _: True,
        lag: int = 0,
        prior: Prior = nothing,
        keep: Callable[[Rows], NDArray[np.bool_]] = lambda rows: np.ones(len(rows), dtype=bool),
    ) -> None:
        self.space, self.limits, self.seed, self.accept, self.lag = space, limits, seed, accept, lag
        self.prior, self.keep = prior, keep
        self.population = space.population
        self._known: TrialHistory | None = None

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return all variables: they are proposed together."""
        return {v.name: CategoricalDistribution(v.values) for v in self.space.variables if len(v.values) > 1}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return a design's params.

        Raises:
            UsedUpError: the space holds no further design within the budget.
        """
        if self._known is None:
            self._known = TrialHistory(study, self.space)
        self._known.update(trial.number - self.lag if self.lag else math.inf)
        rng = np.random.default_rng([self.seed, trial.number])
        return self.space.encode(self._propose(self._known, rng))

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a random value, for a design that was queued in part."""
        assert isinstance(param_distribution, CategoricalDistribution)
        rng = np.random.default_rng([self.seed, trial.number, len(trial.params)])
        return param_distribution.choices[rng.integers(len(param_distribution.choices))]

    def _propose(self, known: TrialHistory, rng: np.random.Generator) -> Spec:
        ranked = self._ranked(known, rng) if len(known.complete) >= ENOUGH else self._pool[:0]
        for row in (*ranked, *self._pool):
            spec = self.space.decode(self.population.params(row))
            if spec not in known.seen and self.accept(spec):
                return spec
        drawn = self.space.draw(1, self.limits, int(rng.integers(2**31)), exclude=known.seen, fewer=True)
        if not drawn:
            raise UsedUpError(f"space {self.space.name} has no further design within {self.limits}")
        return drawn[0]

    def _ranked(self, known: TrialHistory, rng: np.random.Generator) -> Rows:
        """Return the best candidates, best first."""
        self._model.learn(known)
        parents, rows, values = self._model.front_rows, self._pool[:0], np.empty(0)
        looked_at = set(keys_of(known.rows([spec for spec in known.seen if known.is_inside(spec)])))
        for number, count in enumerate(ROUNDS):
            new = descend(self.population, parents, count, rng)
            if number == 0:
                new = np.concatenate([self._pool, self.population.canonical(self.population.random(count, rng)), new])
            fitting, costs = self._fitting(new, looked_at)
            at, found = self._model.best(fitting, costs, KEPT)
            rows, values = np.concatenate([rows, fitting[at]]), np.append(values, found)
            order = np.argsort(-values, kind="stable")[:KEPT]
            rows, values = rows[order], values[order]
            parents = rows if len(rows) else parents
        return rows

    def _fitting(self, rows: Rows, looked_at: set[bytes]) -> tuple[Rows, PopulationCosts]:
        """Return those that are valid, within the budget and new, and their costs; they are no longer new then."""
        rows = fresh(rows, looked_at)
        costs = self.population.costs(rows)
        fits = np.flatnonzero(costs.within(self.limits))
        kept = fits[self.keep(rows[fits])]
        at = kept if len(kept) else fits
        return rows[at], costs[at]

    @cached_property
    def _pool(self) -> Rows:
        """Return designs even over FLOPs, [N, variables]; uniform over the designs where random settings seldom fit."""
        rng = np.random.default_rng(self.seed)
        rows, costs = self._fitting(self.population.canonical(self.population.random(DRAWS, rng)), set())
        if len(rows) < POOL:
            rows = self.population.array(self.space.draw(POOL, self.limits, self.seed, fewer=True))
            rows, costs = self._fitting(rows, set())
        return rows[_even(costs.macs, rng)[:POOL]]

    @cached_property
    def _model(self) -> Surrogate:
        return Surrogate(Encoding(self.population, self._pool), self.prior)


def _even(macs: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return an order of designs [N] that takes one of each range of multiply-adds, then another one of each."""
    edges = np.linspace(macs.min(), macs.max(), ENOUGH + 1)[1:-1]
    bins = rng.permutation(ENOUGH)[np.digitize(macs, edges)]
    turns = np.zeros(len(macs), dtype=np.int64)
    for one in range(ENOUGH):
        turns[bins == one] = np.arange((bins == one).sum())
    return np.lexsort((bins, turns))
