"""Drawing: random designs of a space, within a budget.

A design is drawn in two steps: what holds for all stages, every axis uniformly; then stage after stage, its own axes
uniformly among the settings that are valid behind the stages before. So a rule of one stage does not thin out the
designs in which it matters. Designs beside the budget, and designs drawn before, are drawn again.
"""

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from vitspace.budget import Budget
from vitspace.costs import Cost, cost
from vitspace.errors import InputError
from vitspace.space.config import STAGES
from vitspace.space.variables import InvalidDesign, Params
from vitspace.spec import Spec, StageSpec
from vitspace.units import format_count

if TYPE_CHECKING:
    from vitspace.space.space import Space

#: Draws in a row that may fail, and seconds that they may take, before `draw` gives up.
DRAW_LIMIT = 5000
SECONDS_LIMIT = 60.0
_STAGE_TRIES = 40


def draw(
    space: "Space", n: int, budget: Budget, rng: np.random.Generator, exclude: Collection[Spec] = ()
) -> list[Spec]:
    """Draw n distinct specs; see `Space.draw`."""
    check_budget(space, budget)
    found: dict[Spec, None] = {}
    failures, began = 0, time.monotonic()
    while len(found) < n:
        if failures >= DRAW_LIMIT or (failures and time.monotonic() - began > SECONDS_LIMIT):
            raise InputError(
                f"space {space.name} has too few designs within {budget}: {len(found)} of {n} were found, "
                f"then {failures} draws in a row failed"
            )
        spec = draw_valid(space, rng)
        if spec is None or spec in found or spec in exclude or space.over_budget(spec, budget):
            failures += 1
            continue
        found[spec] = None
        failures, began = 0, time.monotonic()
    return list(found)


def draw_valid(space: "Space", rng: np.random.Generator) -> Spec | None:
    """Draw one design without a budget; None where what was drawn for all stages leaves a stage no valid setting."""
    chosen: Params = {}
    _choose(space, chosen, None, rng)
    stem, head = space.part_of("stem", chosen), space.part_of("head", chosen)
    stages: list[StageSpec] = []
    in_dim, carry, side = 0, None, -(-space.resolution // stem.stride)
    for i in range(STAGES):
        for _ in range(_STAGE_TRIES):
            settings = dict(chosen)
            _choose(space, settings, i, rng)
            stage = space.stage_of(settings, i)
            in_dim = stem.out_dim(stage) if i == 0 else in_dim
            try:
                stage = space.placed(stage, i + 1, in_dim, carry, side)
                space.check_order([*stages, stage])
            except InvalidDesign:
                continue
            break
        else:
            return None
        chosen = settings
        stages.append(stage)
        in_dim, carry, side = stage.out_dim, stage.carry_out(carry), -(-side // stage.stride)
    return Spec(stem, tuple(stages), head)


def check_budget(space: "Space", budget: Budget) -> None:
    """Raise InputError where a budget lies beside all designs of the space; the message says what the nearest costs."""
    limits: list[tuple[str, tuple[float, float], Callable[[Cost], int]]] = [
        ("FLOPs", budget.macs, lambda costs: costs.macs),
        ("params", budget.params, lambda costs: costs.params),
    ]
    for name, (low, high), measure in limits:
        if high < np.inf and (least := measure(_cost(space, extreme(space, measure)))) > high:
            raise InputError(
                f"a budget holds a design of the space, but the smallest of {space.name} costs "
                f"{format_count(least)} {name}, and the budget is {budget}"
            )
        if low > 0 and (most := measure(_cost(space, extreme(space, measure, largest=True)))) < low:
            raise InputError(
                f"a budget holds a design of the space, but the largest of {space.name} costs "
                f"{format_count(most)} {name}, and the budget is {budget}"
            )


def extreme(space: "Space", measure: Callable[[Cost], int], largest: bool = False) -> Spec:
    """Return a design of least or most cost, found from a random one by changing one variable after the other."""
    rng, sign = np.random.default_rng(0), -1 if largest else 1
    return _descend(space, lambda costs: sign * measure(costs), rng)


def _descend(space: "Space", measure: Callable[[Cost], int], rng: np.random.Generator) -> Spec:
    spec = next(spec for _ in range(DRAW_LIMIT) if (spec := draw_valid(space, rng)) is not None)
    params, best, improved = space.encode(spec), measure(_cost(space, spec)), True
    while improved:
        improved = False
        for variable in space.variables:
            for candidate in space.neighbours(params, variable):
                value = measure(_cost(space, space.decode(candidate)))
                if value < best:
                    params, best, improved = candidate, value, True
    return space.decode(params)


def _cost(space: "Space", spec: Spec) -> Cost:
    return cost(spec, space.resolution)


def _choose(space: "Space", chosen: dict[str, Any], stage: int | None, rng: np.random.Generator) -> None:
    """Choose the active variables of one stage, or those of all stages, uniformly."""
    for variable in space.variables:
        if variable.stage == stage and variable.active(chosen):
            chosen[variable.name] = variable.values[rng.integers(len(variable.values))]
