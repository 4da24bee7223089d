"""Moves: designs near others, for searches that evolve them.

`mutate` and `crossover` move many designs at once, rows of a `Population`; what they make may break a rule or a budget,
as `PopulationCosts.within` tells. `children` tries again until what they make is a new design that fits.
"""

import logging
from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from vitspace.budget import Budget
from vitspace.space.population import Population
from vitspace.spec import Spec

_log = logging.getLogger(__name__)

Rows = NDArray[np.int16]

#: At most so many variables get another value, beside those that depend on them.
CHANGES = 3
#: How often a child is tried before its parents have none.
TRIES = 64


def mutate(population: Population, parents: Rows, rng: np.random.Generator) -> Rows:
    """[N, variables] -> the same: one to `CHANGES` active variables get another value; 3 of 5 rows change one.

    Variables that are inactive in a parent and become active are drawn.
    """
    radices = np.array([len(v.values) for v in population.variables])
    active = (population.codes(parents) > 0) & (radices > 1)
    children = np.where(active, parents, population.random(len(parents), rng))
    # The variables in random order, the active ones first; the first few change.
    places = np.argsort(np.argsort(rng.random(parents.shape) + ~active, axis=1), axis=1)
    count = 1 + np.maximum(rng.integers(-CHANGES + 1, CHANGES, size=len(parents)), 0)
    steps = (1 + rng.random(parents.shape) * (radices - 1)).astype(np.int16)
    changed = (children + np.where(active & (places < count[:, None]), steps, 0)) % radices
    return population.canonical(changed.astype(np.int16))


def crossover(population: Population, ones: Rows, others: Rows, rng: np.random.Generator) -> Rows:
    """[N, variables] twice -> the same: every variable has the value of one of the parents in which it is active."""
    active = population.codes(ones) > 0
    first = np.where(active & (population.codes(others) > 0), rng.random(ones.shape) < 0.5, active)
    return population.canonical(np.where(first, ones, others))


def children(
    population: Population,
    count: int,
    move: Callable[[NDArray[np.int64]], Rows],
    budget: Budget,
    known: Collection[Spec],
) -> list[Spec]:
    """Return a child of each of ``count`` parents, or pairs, in order: distinct designs within a budget.

    Those of which none is found are left out, with a warning.

    Args:
        population: Of the space.
        count: How many parents, or pairs.
        move: Makes a child each, [M, variables], of the parents of numbers [M]; called up to `TRIES` times.
        budget: Limits on FLOPs and params.
        known: Designs that are no child.
    """
    found: dict[int, Spec] = {}
    taken, left = set(known), np.arange(count)
    for _ in range(TRIES):
        rows = move(left)
        fits = population.costs(rows).within(budget)
        for number, row in zip(left[fits].tolist(), rows[fits], strict=True):
            spec = population.space.decode(population.params(row))
            if spec not in taken:
                taken.add(spec)
                found[number] = spec
        left = np.array([number for number in left.tolist() if number not in found], dtype=np.int64)
        if not len(left):
            break
    if len(left):
        name, limits = population.space.name, budget.counted
        _log.warning(
            "space %s: %d of %d have no new child within %s in %d tries", name, len(left), count, limits, TRIES
        )
    return [found[number] for number in sorted(found)]
