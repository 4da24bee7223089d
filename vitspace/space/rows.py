"""The settings of one step of a space, valid or not, as rows."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vitspace.errors import InputError
from vitspace.space.config import STAGES
from vitspace.space.lattice import Ints
from vitspace.space.schema import Schema
from vitspace.space.variables import Params, Variable
from vitspace.spec import StageSpec, part_type

#: Settings of one stage, together with those for all stages, that are looked at one by one.
MOST_ROWS = 1_000_000


class Rows:
    """All settings of one step, [N]; equal stages, ends and lists of depths are one.

    Attributes:
        stages: The distinct stages.
        ends: The distinct stems (first step) or heads (last step); otherwise None alone.
        depth_lists: The distinct lists of depths that a row stands for; empty where it stands for its stage's own.
        stage: Number of each row's stage, [N].
        end: Number of its stem or head, [N].
        depths: Number of its list of depths, [N].
        owner: Number of the settings for all stages that it belongs to, [N], in order.
    """

    def __init__(self, schema: Schema, step: int, settings: Sequence[Params], shared: Sequence[Variable]) -> None:
        end = {0: "stem", STAGES - 1: "head"}.get(step)
        local = [v for v in schema.variables if v not in shared and _at(v, step, end)]
        depths = [v for v in local if v.field == "depth" and not _decides(v, local, schema)]
        rest = [v for v in local if v not in depths]
        stages: dict[StageSpec, int] = {}
        ends: dict[Any, int] = {}
        lists: dict[tuple[int, ...], int] = {}
        found: list[tuple[int, int, int, int]] = []
        for owner, chosen in enumerate(settings):
            for row, values in _with_depths(schema, step, depths, combinations(rest, chosen)):
                stage = schema.stage_of(row, step)
                part = schema.part_of(end, row) if end else None
                found.append((_number(stages, stage), _number(ends, part), _number(lists, values), owner))
                _check_count(len(found), schema, step)
        self.stages, self.ends, self.depth_lists = list(stages), list(ends), list(lists)
        self.stage, self.end, self.depths, self.owner = np.array(found, dtype=np.int64).reshape(-1, 4).T
        self.starts = np.searchsorted(self.owner, np.arange(len(settings) + 1))

    def __len__(self) -> int:
        return len(self.owner)

    def of(self, settings: Ints) -> Ints:
        """Return the rows of some settings for all stages."""
        return np.concatenate([np.arange(self.starts[s], self.starts[s + 1]) for s in settings])


def shared_variables(variables: Sequence[Variable]) -> list[Variable]:
    """Return the variables to be chosen before all stages, and with each what it depends on."""
    names = {v.name for v in variables if _is_shared(v, variables)}
    while more := {name for v in variables if v.name in names for name, _ in v.when} - names:
        names |= more
    return [v for v in variables if v.name in names]


def _is_shared(variable: Variable, variables: Sequence[Variable]) -> bool:
    """Whether a variable holds for all stages, or decides which of another part's are chosen."""
    if variable.part == "stage" or variable.stage is not None:
        return variable.stage is None
    return any(name == variable.name for v in variables if v.part != variable.part for name, _ in v.when)


def _at(variable: Variable, step: int, end: str | None) -> bool:
    return variable.stage == step if variable.part == "stage" else variable.part == end


def _check_count(rows: int, schema: Schema, step: int) -> None:
    if rows > MOST_ROWS:
        raise InputError(
            f"space {schema.name} has more than {MOST_ROWS:,} settings in stage {step + 1}, too many to be drawn from "
            "exactly: shorten the lists of axes, or fix some"
        )


def _decides(depth: Variable, local: Sequence[Variable], schema: Schema) -> bool:
    """Whether something depends on how many blocks there are."""
    conditions = {name for v in local for name, _ in v.when}
    return depth.name in conditions or any(schema.axes.limits_depth(family) for family in schema.families)


def _with_depths(
    schema: Schema, step: int, depths: Sequence[Variable], rows: Iterator[Params]
) -> Iterator[tuple[Params, tuple[int, ...]]]:
    """Yield each row with a depth; where all blocks cost the same, one row with all the depths it stands for."""
    for row in rows:
        depth = next((v for v in depths if v.active(row)), None)
        if depth is None:
            yield row, ()
        elif part_type("stage", schema.family_of(row, step)).uniform:  # type: ignore[attr-defined]
            yield row | {depth.name: depth.values[0]}, depth.values
        else:
            yield from ((row | {depth.name: value}, ()) for value in depth.values)


def combinations(variables: Sequence[Variable], chosen: Params) -> Iterator[Params]:
    """Yield what was chosen with each combination of the active variables' values."""
    if not variables:
        yield chosen
        return
    first, rest = variables[0], variables[1:]
    if not first.active(chosen):
        yield from combinations(rest, chosen)
        return
    for value in first.values:
        yield from combinations(rest, chosen | {first.name: value})


def _number(numbers: dict[Any, int], item: Any) -> int:
    return numbers.setdefault(item, len(numbers))
