"""Values of axes: which of them no design of a space has, and designs with another value of one axis."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitspace.space.config import STAGES
from vitspace.space.lattice import Entries, Lattice
from vitspace.space.space import Space
from vitspace.space.variables import InvalidDesign, Params, Variable
from vitspace.spec import Spec

#: Designs in which a value is tried, to find the rule that excludes it.
_TRIED = 40

_Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class AbsentValue:
    """A value that no design of a space has.

    Attributes:
        axis: The axis.
        stage: The stage, from 1; None where the axis has one value for all.
        value: The value, as the space file has it.
        why: The rule that excludes it, with an example.
    """

    axis: str
    stage: int | None
    value: Any
    why: str

    def __str__(self) -> str:
        where = f" in stage {self.stage}" if self.stage else ""
        return f"no design has {self.axis} {self.value}{where}: {self.why}"


def absent_values(space: Space) -> list[AbsentValue]:
    """Return the values that no design has, found by looking at every option of the space's lattice."""
    paths = _Paths(space.lattice)
    absent = [(v, value) for v in space.variables for value in v.values if not _occurs(space, paths, v, value)]
    return [
        AbsentValue(v.axis, None if v.stage is None else v.stage + 1, value, _why(space, paths, v, value))
        for v, value in absent
    ]


def with_value(space: Space, params: Mapping[str, Any], axis: str, value: Any) -> Params:
    """Return params with one value changed; what becomes active by that has its first value."""

    def pick(variable: Variable) -> Any:
        return value if variable.name == axis else params.get(variable.name, variable.values[0])

    return space.choose(pick)


class _Paths:
    """The options that lie on a path from the stem to the head, and a path through each."""

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self.alive = _alive(lattice.entries)
        self._into, self._out = self._links()
        # For each step, one live entry for each option and depth.
        self.found = [
            alive[np.unique(np.stack([each.option[alive], each.depth[alive]]), axis=1, return_index=True)[1]]
            for each, alive in zip(lattice.entries, map(np.flatnonzero, self.alive), strict=True)
        ]

    def parts(self, step: int) -> Iterator[tuple[int, dict[str, dict[str, Any]]]]:
        """Yield (entry, fields of stage, stem and head) for each option and depth of a step."""
        entries = self.lattice.entries[step]
        for entry in self.found[step].tolist():
            stage, end, _ = self.lattice.options[step][int(entries.option[entry])]
            parts = {"stage": stage | {"depth": int(entries.depth[entry])}}
            yield entry, parts | ({end[0]: end[1]} if end else {})

    def spec(self, step: int, entry: int) -> Spec:
        """Return a design through an entry."""
        path = {step: entry}
        for each in range(step, 0, -1):
            path[each - 1] = self._into[each - 1][int(self.lattice.entries[each].source[path[each]])]
        for each in range(step, STAGES - 1):
            path[each + 1] = self._out[each + 1][int(self.lattice.entries[each].target[path[each]])]
        return self.lattice.spec([path[each] for each in range(STAGES)])

    def _links(self) -> tuple[list[dict[int, int]], list[dict[int, int]]]:
        """By step, a live entry into each state, and one out of each."""
        into, out = [], []
        for entries, alive in zip(self.lattice.entries, self.alive, strict=True):
            live = np.flatnonzero(alive).tolist()
            into.append({int(entries.target[entry]): entry for entry in live})
            out.append({int(entries.source[entry]): entry for entry in live})
        return into, out


def _alive(steps: Sequence[Entries]) -> list[_Bools]:
    """Which entries of each step lead to the end; all of them are reached from the start."""
    alive: list[_Bools] = []
    behind = np.ones(1, dtype=bool)
    for entries in reversed(steps):
        known = np.zeros(max(len(behind), int(entries.target.max(initial=-1)) + 1), dtype=bool)
        known[: len(behind)] = behind
        alive.insert(0, known[entries.target])
        behind = np.zeros(int(entries.source.max(initial=-1)) + 1, dtype=bool)
        behind[entries.source[alive[0]]] = True
    return alive


def _occurs(space: Space, paths: _Paths, variable: Variable, value: Any) -> bool:
    """Whether a design has a value."""
    return any(_has(space, paths, variable, value, step) for step in _steps(variable))


def _has(space: Space, paths: _Paths, variable: Variable, value: Any, step: int) -> bool:
    wanted = variable.scaled(value, step)
    for entry, parts in paths.parts(step):
        if parts[variable.part].get(variable.field) != wanted:
            continue
        active = _active(space, variable, parts, step)
        if active is None:
            active = space.encode(paths.spec(step, entry)).get(variable.name, variable.values[0]) == value
        if active:
            return True
    return False


def _steps(variable: Variable) -> Sequence[int]:
    """The steps at which a variable's value stands."""
    if variable.part != "stage":
        return (0,) if variable.part == "stem" else (STAGES - 1,)
    return range(STAGES) if variable.stage is None else (variable.stage,)


def _active(space: Space, variable: Variable, parts: Mapping[str, Mapping[str, Any]], step: int) -> bool | None:
    """Whether a variable is active in an option; None where that is decided elsewhere."""
    known: bool | None = True
    for name, values in variable.when:
        other = next(v for v in space.variables if v.name == name)
        if other.part not in parts or (other.stage not in (None, step)):
            known = None
        elif parts[other.part].get(other.field) not in [other.scaled(v, step) for v in values]:
            return False
    return known


def _why(space: Space, paths: _Paths, variable: Variable, value: Any) -> str:
    """Return the rule that refuses a value in most of the designs in which it is tried, with its first example."""
    reasons: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for params in _designs(space, paths, variable):
        try:
            space.decode(with_value(space, params, variable.name, value))
            reason = "where it is allowed it is the network of another value"
        except InvalidDesign as error:
            reason = str(error)
        rule = reason.partition(", but got")[0]
        reasons[rule] += 1
        examples.setdefault(rule, reason)
    if not reasons:
        conditions = "; ".join(f"{name} in {', '.join(map(str, values))}" for name, values in variable.when)
        return f"its condition holds in none ({conditions})"
    return examples[reasons.most_common(1)[0][0]]


def _designs(space: Space, paths: _Paths, variable: Variable) -> Iterator[Params]:
    """Yield params of designs in which a variable is active, spread over the options of its steps."""
    for step in _steps(variable):
        active = partial(_active, space, variable, step=step)
        entries = [entry for entry, parts in paths.parts(step) if active(parts=parts) is not False]
        for entry in entries[:: max(1, len(entries) // _TRIED)]:
            params = space.encode(paths.spec(step, entry))
            if variable.active({v.name: v.values[0] for v in space.variables if len(v.values) == 1} | params):
                yield params
