"""What a space's axes are, as rows to print."""

import re
from typing import Any

from vitspace.space.config import STAGES
from vitspace.space.schema import Schema
from vitspace.space.variables import Variable


def axis_rows(space: Schema) -> list[dict[str, Any]]:
    """Return one row an axis: its name, the stages it is drawn in, its values as they stand there, its conditions.

    ``values`` holds one list for all stages, or one a stage, which is empty where nothing is drawn.
    """
    axes: dict[str, list[Variable]] = {}
    for variable in space.variables:
        axes.setdefault(variable.axis, []).append(variable)
    return [_row(axis, variables) for axis, variables in axes.items()]


def _row(axis: str, variables: list[Variable]) -> dict[str, Any]:
    first = variables[0]
    conditions = [f"{_axis(name)} in {', '.join(map(str, values))}" for name, values in first.when]
    row = {"axis": axis, "when": "; ".join(conditions), "ordered": False}
    if first.stage is None:
        values = [[_show(v) for v in first.values]]
        if first.scale:
            values = [[first.scaled(v, i) for v in first.values] for i in range(STAGES)]
        return row | {"stages": "one for all", "values": values}
    lists: list[list[Any]] = [[] for _ in range(STAGES)]
    for variable in variables:
        assert variable.stage is not None
        lists[variable.stage] = [_show(variable.scaled(v, variable.stage)) for v in variable.values]
    stages = "each" if len(variables) == STAGES else ", ".join(str((v.stage or 0) + 1) for v in variables)
    return row | {"stages": stages, "values": lists}


def _axis(name: str) -> str:
    """Return a variable's name without its stage."""
    return re.sub(r"\.\d+$", "", name)


def _show(value: Any) -> Any:
    """Write a share such as 0.015625 as 1/64."""
    if isinstance(value, float) and 0 < value < 1 and (1 / value).is_integer():
        return f"1/{int(1 / value)}"
    return value
