"""Moves: designs near others, within a budget, for searches that evolve them."""

from typing import Any

import numpy as np

from vitspace.budget import Budget
from vitspace.space.space import Space
from vitspace.space.variables import InvalidDesign, Params, Variable
from vitspace.spec import Spec

#: Candidates that are looked at before a move gives up.
TRIES = 200


def mutate(space: Space, spec: Spec, budget: Budget, rng: np.random.Generator, changes: int = 2) -> Spec | None:
    """Return a design that differs from a spec in a few variables, or None where none was found.

    Args:
        space: Where both lie.
        spec: The design to change.
        budget: What FLOPs and params stay within.
        rng: Random numbers.
        changes: At most so many variables get another value, beside those that depend on them.

    Raises:
        InputError: the spec is not in the space.
    """
    params = space.encode(spec)
    free = [v for v in space.variables if len(v.values) > 1]
    for _ in range(TRIES):
        active = [v for v in free if v.name in params]
        changed = dict(params)
        count = min(int(rng.integers(1, changes + 1)), len(active))
        for at in rng.choice(len(active), size=count, replace=False) if active else ():
            values = [value for value in active[at].values if value != params[active[at].name]]
            changed[active[at].name] = values[rng.integers(len(values))]
        found = _decoded(space, changed, {}, rng)
        if found is not None and found != spec and not space.over_budget(found, budget):
            return found
    return None


def crossover(space: Space, one: Spec, other: Spec, budget: Budget, rng: np.random.Generator) -> Spec | None:
    """Return a design whose variables are each one of the parents', or None where none but these was found.

    Raises:
        InputError: a parent is not in the space.
    """
    parents = space.encode(one), space.encode(other)
    for _ in range(TRIES):
        mixed = {name: parents[rng.integers(2)].get(name) for name in {**parents[0], **parents[1]}}
        first = {name: value for name, value in mixed.items() if value is not None}
        found = _decoded(space, first, {**parents[1], **parents[0]}, rng)
        if found is not None and found not in (one, other) and not space.over_budget(found, budget):
            return found
    return None


def _decoded(space: Space, params: Params, otherwise: Params, rng: np.random.Generator) -> Spec | None:
    """Decode params; what they miss is taken from others, or drawn."""

    def pick(variable: Variable) -> Any:
        if variable.name in params or variable.name in otherwise:
            return params.get(variable.name, otherwise.get(variable.name))
        return variable.values[rng.integers(len(variable.values))]

    try:
        return space.decode(space.choose(pick))
    except InvalidDesign:
        return None
