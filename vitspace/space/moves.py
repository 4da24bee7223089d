"""Mutation and crossover of designs, for searches that evolve them.

`mutate` and `crossover` move many designs at once, rows of a `Population`; what they make may break a rule or a budget,
as `PopulationCosts.within` tells. `mutants` and `offspring` try again until what they make is a new design that fits.
"""

import logging
from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from vitspace.budget import Budget
from vitspace.errors import InputError
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


def descend(population: Population, parents: Rows, count: int, rng: np.random.Generator) -> Rows:
    """[N, variables] -> [count, variables]: mutants of random parents and, a third, children of two."""
    picked = parents[rng.integers(len(parents), size=(2, count))]
    third = count // 3
    children = crossover(population, picked[0, :third], picked[1, :third], rng)
    return np.concatenate([children, mutate(population, picked[0, third:], rng)])


def mutants(
    population: Population, specs: Sequence[Spec], budget: Budget, rng: np.random.Generator, exclude: Collection[Spec]
) -> list[Spec]:
    """Return a mutant of each spec that fits; see `Space.mutate`."""
    rows = population.array(specs)
    return _children(population, lambda at: mutate(population, rows[at], rng), len(rows), budget, {*specs, *exclude})


def offspring(
    population: Population,
    ones: Sequence[Spec],
    others: Sequence[Spec],
    budget: Budget,
    rng: np.random.Generator,
    exclude: Collection[Spec],
) -> list[Spec]:
    """Return a child of each pair that fits; see `Space.crossover`."""
    if len(ones) != len(others):
        raise InputError(f"crossover takes pairs, but got {len(ones)} and {len(others)} specs")
    first, second = population.array(ones), population.array(others)
    known = {*ones, *others, *exclude}
    return _children(population, lambda at: crossover(population, first[at], second[at], rng), len(ones), budget, known)


def _children(
    population: Population,
    move: Callable[[NDArray[np.int64]], Rows],
    count: int,
    budget: Budget,
    taken: set[Spec],
) -> list[Spec]:
    """Return a child of each of ``count`` parents, or pairs, in order: distinct designs within a budget.

    Those of which none is found are left out, with a warning.

    Args:
        population: Of the space.
        move: Makes a child each, [M, variables], of the parents of numbers [M]; called up to `TRIES` times.
        count: How many parents, or pairs.
        budget: Limits on FLOPs and params.
        taken: Designs that are no child; the children are added.

    Raises:
        InputError: latency is limited.
    """
    if budget != budget.counted:
        raise InputError(f"moves keep within FLOPs and params, and `draw` within a latency too, but got {budget}")
    found: dict[int, Spec] = {}
    left = np.arange(count)
    for _ in range(TRIES):
        rows = move(left)
        fits = population.costs(rows).within(budget)
        for number, row in zip(left[fits].tolist(), rows[fits], strict=True):
            spec = population.space.decode(population.params(row))
            if spec not in taken:
                taken.add(spec)
                found[number] = spec
        left = np.setdiff1d(left, list(found))
        if not len(left):
            break
    else:
        message = "space %s: %d of %d have no new child within %s in %d tries"
        _log.warning(message, population.space.name, len(left), count, budget, TRIES)
    return [found[number] for number in sorted(found)]
