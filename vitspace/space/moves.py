"""Moves: designs near others, many at once, for searches that evolve them.

Designs are rows of a `Population`; what a move makes may break a rule or a budget, as `Population.costs` tells.
"""

import numpy as np
from numpy.typing import NDArray

from vitspace.space.population import Population

Rows = NDArray[np.int16]

#: At most so many variables get another value, beside those that depend on them.
CHANGES = 3


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
