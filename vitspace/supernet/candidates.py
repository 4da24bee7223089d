"""The few stages of many that have among them each tensor at its largest.

Fields of a family's stage that are in one of its `independent` groups act apart from the other groups, so that each
group is looked at alone, at all its settings. Of the other fields those that are numbers make tensors larger or smaller
as they grow; so each is at its largest, and in turn each at its other values.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from vitspace.spec import Carry, StageSpec
from vitspace.supernet.cases import Case

IN_DIM, CARRY = "in_dim", "carry"


def candidates(cases: Sequence[Case]) -> list[Case]:
    """Return stages, some of which no design may have, that hold all tensors of cases of one family at their largest.

    Args:
        cases: All behind one family.
    """
    stage = type(cases[0].stage)
    groups = [tuple(group) for group in stage.independent]
    names = [*(f.name for f in fields(stage) if f.name != "depth"), IN_DIM, CARRY]
    common = [name for name in names if not any(name in group for group in groups)]
    rows = [tuple(_value(case, name) for name in names) for case in cases]
    values = {name: sorted(set(column), key=repr) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    numbers = [name for name in names if all(_is_number(value) for value in values[name])]
    top = {name: max(values[name]) for name in numbers}
    found: dict[Case, None] = {}
    for group in [(), *groups]:
        told = [name for name in (*common, *group) if name not in numbers or name in group]
        for at in _distinct(rows, [names.index(name) for name in told]):
            case = cases[at]
            largest = {name: value for name, value in top.items() if name not in group}
            found[_with(case, largest)] = None
            for name in () if group else (name for name in common if name in numbers):
                found |= dict.fromkeys(_with(case, largest | {name: value}) for value in values[name])
    return list(found)


def _distinct(rows: Sequence[tuple[Any, ...]], columns: Sequence[int]) -> list[int]:
    """Return the first row of each combination of values in some columns."""
    first: dict[tuple[Any, ...], int] = {}
    for at, row in enumerate(rows):
        first.setdefault(tuple(row[column] for column in columns), at)
    return list(first.values())


def _value(case: Case, name: str) -> Any:
    if name == IN_DIM:
        return case.in_dim
    if name == CARRY:
        return case.carry.kind if case.carry else ""
    return getattr(case.stage, name)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _with(case: Case, values: dict[str, Any]) -> Case:
    """Return a case with other values; a carry is again one that the stage can take if it could take its own."""
    own = {name: value for name, value in values.items() if name != IN_DIM}
    stage = case.stage.changed(**own)
    return replace(case, stage=stage, in_dim=values.get(IN_DIM, case.in_dim), carry=fitting(case.carry, stage))


def fitting(carry: Carry | None, stage: StageSpec) -> Carry | None:
    """Return a carry of the size of the stage's own, so that a stage that could take it still can."""
    own = stage.carry_out(carry) if carry else None
    return Carry(carry.kind, own.dim, own.size) if carry and own else carry
