"""Values of axes: which of them no design of a space has, and designs with another value of one axis."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitspace.space.config import STAGES
from vitspace.space.lattice import Entries, Ints, Lattice
from vitspace.space.space import Space
from vitspace.space.variables import InvalidDesign, Params, Variable
from vitspace.spec import Spec

#: Designs a stage, at most, in which a value is tried, to find the rule that excludes it.
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
    absent = [(v, value) for v in space.variables for value in v.values if not _occurs(space, v, value)]
    return [
        AbsentValue(v.axis, None if v.stage is None else v.stage + 1, value, _why(space, v, value))
        for v, value in absent
    ]


def with_value(space: Space, params: Mapping[str, Any], axis: str, value: Any) -> Params:
    """Return params with one value changed; what becomes active by that has its first value."""

    def pick(variable: Variable) -> Any:
        return value if variable.name == axis else params.get(variable.name, variable.values[0])

    return space.choose(pick)


class _Paths:
    """The paths of a lattice through some of its entries.

    Args:
        lattice: The lattice.
        among: By step, which entries a path may go through; all, where a step is left out.
    """

    def __init__(self, lattice: Lattice, among: Mapping[int, _Bools]) -> None:
        self.lattice = lattice
        self.live = _live(lattice.entries, among)

    def each(self, step: int) -> list[Spec]:
        """Return a design for options and depths of a step, at most `_TRIED`, spread over them."""
        entries, live = self.lattice.entries[step], np.flatnonzero(self.live[step])
        keys = np.stack([entries.option[live], entries.depth[live]])
        found = live[np.unique(keys, axis=1, return_index=True)[1]]
        links = self._links()
        return [self._spec(step, entry, *links) for entry in found[:: max(1, -(-len(found) // _TRIED))].tolist()]

    def _spec(self, step: int, entry: int, into: Sequence[Ints], out: Sequence[Ints]) -> Spec:
        path = {step: entry}
        for each in range(step, 0, -1):
            path[each - 1] = int(into[each - 1][self.lattice.entries[each].source[path[each]]])
        for each in range(step, STAGES - 1):
            path[each + 1] = int(out[each + 1][self.lattice.entries[each].target[path[each]]])
        return self.lattice.spec([path[each] for each in range(STAGES)])

    def _links(self) -> tuple[list[Ints], list[Ints]]:
        """By step, a live entry into each state, and one out of each; -1 where there is none."""
        into: list[Ints] = []
        out: list[Ints] = []
        for entries, alive in zip(self.lattice.entries, self.live, strict=True):
            live = np.flatnonzero(alive)
            for links, states in ((into, entries.target), (out, entries.source)):
                links.append(np.full(int(states.max(initial=-1)) + 1, -1))
                links[-1][states[live]] = live
        return into, out


def _live(steps: Sequence[Entries], among: Mapping[int, _Bools]) -> list[_Bools]:
    """Which entries of each step lie on a path from the start to the end that goes through those of ``among``."""
    live: list[_Bools] = []
    reached = [np.ones(1, dtype=bool)]
    for step, entries in enumerate(steps):
        live.append(reached[step][entries.source] & among.get(step, True))
        reached.append(np.zeros(int(entries.target.max(initial=-1)) + 1, dtype=bool))
        reached[-1][entries.target[live[step]]] = True
    leads = np.ones_like(reached[-1])
    for step in reversed(range(len(steps))):
        live[step] &= leads[steps[step].target]
        leads = np.zeros_like(reached[step])
        leads[steps[step].source[live[step]]] = True
    return live


def _occurs(space: Space, variable: Variable, value: Any) -> bool:
    """Whether a design has a value, where its variable is active."""
    return any(_live_with(space, variable, step, value)[step].any() for step in _steps(variable))


def _live_with(space: Space, variable: Variable, step: int, value: Any) -> list[_Bools]:
    """Which entries lie on paths of designs that have a value in a step, where its variable is active."""
    among = _where_active(space, variable, step)
    has = _has(space.lattice, variable, (value,), step)
    among[step] = among[step] & has if step in among else has
    return _live(space.lattice.entries, among)


def _steps(variable: Variable) -> Sequence[int]:
    """The steps at which a variable's value stands."""
    if variable.part != "stage":
        return (0,) if variable.part == "stem" else (STAGES - 1,)
    return range(STAGES) if variable.stage is None else (variable.stage,)


def _where_active(space: Space, variable: Variable, step: int) -> dict[int, _Bools]:
    """By step, which entries have what a variable's conditions ask for, and the conditions of those."""
    found: dict[int, _Bools] = {}
    for name, values in variable.when:
        other = next(v for v in space.variables if v.name == name)
        steps = _steps(other)
        at = steps[0] if len(steps) == 1 else step
        asked = _where_active(space, other, at)
        asked[at] = asked.get(at, True) & _has(space.lattice, other, values, at)
        found |= {each: entries & found.get(each, True) for each, entries in asked.items()}
    return found


def _has(lattice: Lattice, variable: Variable, values: Sequence[Any], step: int) -> _Bools:
    """Which entries of a step have one of a variable's values."""
    entries, wanted = lattice.entries[step], [variable.scaled(value, step) for value in values]
    if (variable.part, variable.field) == ("stage", "depth"):
        return np.isin(entries.depth, wanted)
    parts = ({"stage": stage} | dict([end] if end else []) for stage, end, _ in lattice.options[step])
    return np.array([part.get(variable.part, {}).get(variable.field) in wanted for part in parts])[entries.option]


def _why(space: Space, variable: Variable, value: Any) -> str:
    """Return the rule that refuses a value in most of the designs in which it is tried, with its first example."""
    reasons: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for params in _designs(space, variable):
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


def _designs(space: Space, variable: Variable) -> Iterator[Params]:
    """Yield params of designs in which a variable is active, spread over the options of its steps."""
    for step in _steps(variable):
        for spec in _Paths(space.lattice, _where_active(space, variable, step)).each(step):
            params = space.encode(spec)
            if variable.active({v.name: v.values[0] for v in space.variables if len(v.values) == 1} | params):
                yield params
