"""Costs many designs of a space at once, as arrays.

A design is a row of indices into the variables' values. Stages are followed one after the other for all designs: what
a stage costs and hands on depends only on its own settings and on the *state* it is handed (channels, shapes, carry),
so that each pair of state and settings is worked out once, by the same specs and counts as for a single design, and
then looked up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitspace.budget import Budget
from vitspace.costs import PartCost
from vitspace.costs.stages import StageCosts
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize
from vitspace.space.axes import FAMILY
from vitspace.space.config import STAGES
from vitspace.space.schema import Schema
from vitspace.space.steps import INVALID, Ints, Row, Step
from vitspace.space.transition import State, advance, ended, enter, passed
from vitspace.space.variables import InvalidDesign, Variable
from vitspace.spec import Spec, StageSpec, part_type

_CHUNK = 1 << 16
#: Of what is counted, those that are costs: params, multiply-adds, activations.
_COSTS = 3


@dataclass(frozen=True)
class PopulationCosts:
    """Costs of N designs.

    Attributes:
        valid: [N], False where a design breaks a rule; its costs are 0.
        params: [N], parameters.
        macs: [N], multiply-adds.
        activations: [N], elements put out.
    """

    valid: NDArray[np.bool_]
    params: Ints
    macs: Ints
    activations: Ints

    def __len__(self) -> int:
        return len(self.valid)

    def __getitem__(self, at: NDArray[np.bool_] | Ints) -> "PopulationCosts":
        return PopulationCosts(self.valid[at], self.params[at], self.macs[at], self.activations[at])

    def within(self, budget: Budget) -> NDArray[np.bool_]:
        """Whether each design is valid and keeps within the limits on FLOPs and params: [N]."""
        fits = self.valid.copy()
        for values, (low, high) in ((self.macs, budget.macs), (self.params, budget.params)):
            fits &= (values >= low) & (values <= high)
        return fits


#: The stem's settings, which the first stage is handed.
_Stem = tuple[tuple[str, Any], ...]


class Population:
    """Costs arrays of designs of one space; what it learns is kept for the next array."""

    def __init__(self, space: Schema) -> None:
        self.space = space
        self.variables = space.variables
        self._column = {variable.name: i for i, variable in enumerate(self.variables)}
        self._states: dict[State | _Stem, int] = {}
        self._state_list: list[State | _Stem] = []
        self._steps = [[self._stage_step(i, family) for family in space.families] for i in range(STAGES)]
        self._stem = Step([v for v in self.variables if v.part == "stem" or _family(v, 0)])
        self._head = Step([v for v in self.variables if v.part == "head" or _family(v, STAGES - 1)])

    def array(self, specs: Sequence[Spec]) -> NDArray[np.int16]:
        """Return the rows [N, variables] of specs of the space.

        Raises:
            InputError: a spec is not in the space.
        """
        rows = np.zeros((len(specs), len(self.variables)), dtype=np.int16)
        for row, spec in zip(rows, specs, strict=True):
            params = self.space.encode(spec)
            for i, variable in enumerate(self.variables):
                row[i] = variable.values.index(params.get(variable.name, variable.values[0]))
        return rows

    def random(self, n: int, rng: np.random.Generator) -> NDArray[np.int16]:
        """Return n rows, every variable uniform and independent; many are invalid, some are equal."""
        columns = [rng.integers(len(v.values), size=n, dtype=np.int16) for v in self.variables]
        return np.stack(columns, axis=1)

    def params(self, row: NDArray[np.int16]) -> dict[str, Any]:
        """Return the params of one row, as `Space.decode` reads them."""
        return self.space.choose(lambda v: v.values[row[self._column[v.name]]])

    def costs(self, rows: NDArray[np.int16]) -> PopulationCosts:
        """Cost designs [N, variables].

        Raises:
            InputError: a row has not an index a variable, or one that is none of a variable's values.
        """
        valid, counted = self._counted(rows, _COSTS)
        return PopulationCosts(valid, *np.ascontiguousarray(counted.T))

    def counted(self, rows: NDArray[np.int16]) -> tuple[NDArray[np.bool_], Ints]:
        """Return which designs are valid, [N], and all that is counted of each, [N, len(PartCost.numbers)].

        With a dense task that is of the networks of classification, which estimates of top-1 read.

        Raises:
            InputError: as `costs`.
        """
        return self._classifiers._counted(rows, len(PartCost().numbers))

    def stages(self, rows: NDArray[np.int16]) -> StageCosts:
        """Return what was counted of each design's stages, as `counted` counts them; 0 from where one is invalid.

        Raises:
            InputError: as `costs`.
        """
        self._check(rows)
        return self._classifiers._stages(rows)

    @cached_property
    def _classifiers(self) -> "Population":
        """The same designs as networks of classification."""
        space = self.space
        return Population(Schema(space.name, space.config, space.path, space.written)) if space.task else self

    def families(self, rows: NDArray[np.int16]) -> NDArray[np.str_]:
        """Return each design's family, or ``hybrid``: [N]."""
        stages = np.zeros((len(rows), STAGES), dtype=np.int64)
        for i in range(STAGES):
            for number, family in enumerate(self.space.families):
                stages[self._of_family(rows, i, family), i] = number
        alike = (stages == stages[:, :1]).all(axis=1)
        return np.where(alike, np.array(self.space.families)[stages[:, 0]], "hybrid")

    def by_size(self, rows: NDArray[np.int16]) -> list[tuple[ImageSize, Ints]]:
        """Return the sizes of image of designs [N, variables], each with the numbers of its designs."""
        return [(self.space.resolution, np.arange(len(rows)))]

    def _counted(self, rows: NDArray[np.int16], width: int) -> tuple[NDArray[np.bool_], Ints]:
        self._check(rows)
        parts = [self._chunk(rows[at : at + _CHUNK], width) for at in range(0, len(rows), _CHUNK)]
        if not parts:
            return np.zeros(0, dtype=bool), np.zeros((0, width), dtype=np.int64)
        return np.concatenate([valid for valid, _ in parts]), np.concatenate([found for _, found in parts])

    def _check(self, rows: NDArray[np.int16]) -> None:
        if rows.ndim != 2 or rows.shape[1] != len(self.variables):
            raise InputError(f"designs are rows of {len(self.variables)} indices, but got an array {rows.shape}")
        for variable, column in zip(self.variables, rows.T, strict=True):
            low, high = (column.min(), column.max()) if len(column) else (0, 0)
            if low < 0 or high >= len(variable.values):
                raise InputError(
                    f"an index of {variable.name} is from 0 to {len(variable.values) - 1}, "
                    f"but got {low if low < 0 else high}"
                )

    def _chunk(self, rows: NDArray[np.int16], width: int) -> tuple[NDArray[np.bool_], Ints]:
        """Add up the first ``width`` of what is counted: [N] valid, [N, width]."""
        totals = np.zeros((len(rows), width), dtype=np.int64)
        valid = np.ones(len(rows), dtype=bool)
        for part in self._followed(rows):
            totals[part.at] += part.step.base[part.found, :width]
            if part.step.depth:
                totals[part.at] += part.step.block[part.found, :width] * self._depths(part, rows)[:, None]
            valid[part.at] = part.found > 0
        return valid, totals * valid[:, None]

    def _stages(self, rows: NDArray[np.int16]) -> StageCosts:
        stages = StageCosts.zeros(tuple(self.space.families), (len(rows), STAGES))
        *parts, _ = self._followed(rows)
        for at, i, step, found in parts:
            stages.families[at, i] = stages.names.index(step.family)
            facts = step.stage[found]
            if step.depth:
                facts[:, 2:] += step.block[found, :2] * self._depths(_Followed(at, i, step, found), rows)[:, None]
            for values, column in zip((stages.dims, stages.strides, stages.params, stages.macs), facts.T, strict=True):
                values[at, i] = column
        return stages

    def _followed(self, rows: NDArray[np.int16]) -> Iterator["_Followed"]:
        """Follow designs [N, variables] through the steps of their stages, and of the head."""
        codes = self._codes(rows)
        states = self._first_states(self._stem.keys(codes, self._column))
        for i, steps in enumerate(self._steps):
            after = np.full(len(rows), INVALID, dtype=np.int64)
            for step in steps:
                at = self._of_family(rows, i, step.family)
                keys = step.keys(codes[:, at], self._column)
                found = step.find(states[at], keys, partial(self._stage, i, step))
                after[at] = step.following[found]
                yield _Followed(at, i, step, found)
            states = after
        found = self._head.find(states, self._head.keys(codes, self._column), self._head_cost)
        yield _Followed(slice(None), STAGES, self._head, found)

    def codes(self, rows: NDArray[np.int16]) -> NDArray[np.int16]:
        """Add one to every index, and put 0 where a variable is inactive: [N, variables]."""
        return self._codes(rows).T

    def canonical(self, rows: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the rows [N, variables] with the first value where a variable is inactive."""
        return np.maximum(self.codes(rows) - np.int16(1), np.int16(0))

    def _codes(self, rows: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the codes as the steps read them, [variables, N]."""
        codes = np.ascontiguousarray(rows.T) + np.int16(1)
        for i, variable in enumerate(self.variables):
            for name, values in variable.when:
                other = self._column[name]
                allowed = np.array([False, *(value in values for value in self.variables[other].values)])
                codes[i] *= allowed[codes[other]]
        return codes

    def _of_family(self, rows: NDArray[np.int16], stage: int, family: str) -> Any:
        """Return where a stage is of a family, [N] or all."""
        found = [v for v in self.variables if _family(v, stage)]
        if not found:
            return slice(None)
        is_family = np.array([value == family for value in found[0].values])
        return np.flatnonzero(is_family[rows[:, self._column[found[0].name]]])

    def _first_states(self, keys: Ints) -> Ints:
        unique, inverse = np.unique(keys, return_inverse=True)
        ids = []
        for key in unique:
            stem = tuple((v.name, v.values[c - 1]) for v, c in self._stem.decode(int(key)) if c)
            ids.append(self._state_id(stem))
        return np.array(ids, dtype=np.int64)[inverse] if len(unique) else np.zeros(0, dtype=np.int64)

    def _stage(self, i: int, step: Step, state_id: int, key: int) -> Row:
        """Work out one stage behind one state."""
        state = self._state_list[state_id]
        chosen = {v.name: v.values[c - 1] for v, c in step.decode(key) if c}
        if step.depth:
            chosen[step.depth.name] = step.depth.values[0]
        stage = self.space.stage_of(chosen, i)
        before, stem = (state, PartCost()) if isinstance(state, State) else self._entered(state, stage)
        try:
            stage = self.space.placed(stage, i + 1, before.handed)
            after, count = advance(self.space, before, stage)
        except InvalidDesign:
            return Row(INVALID)
        own, block = (count.deep(0), count.middle) if step.depth else (count.deep(stage.depth), PartCost())
        others = stem + passed(self.space, i, after)
        facts = (count.shape[1], count.stride, own.params, own.macs)
        return Row(self._state_id(after), others + own, block, facts)

    def _entered(self, settings: _Stem, stage: StageSpec) -> tuple[State, PartCost]:
        return enter(self.space, self.space.part_of("stem", dict(settings)), stage)

    def _head_cost(self, state_id: int, key: int) -> Row:
        state: Any = self._state_list[state_id]
        head = self.space.part_of("head", {v.name: v.values[c - 1] for v, c in self._head.decode(key) if c})
        return Row(0, ended(self.space, head, state))

    def _state_id(self, state: State | _Stem) -> int:
        if state not in self._states:
            self._states[state] = len(self._state_list)
            self._state_list.append(state)
        return self._states[state]

    def _stage_step(self, i: int, family: str) -> Step:
        """Make the step of a stage of a family: its variables, and the one of depth apart where blocks are alike."""
        prefix = f"{family}." if len(self.space.families) > 1 else ""
        shared = set(self.space.config.axes)
        chosen = [
            v
            for v in self.variables
            if v.part == "stage" and v.stage in (None, i) and (v.axis in shared | {FAMILY} or v.axis.startswith(prefix))
        ]
        depth = next((v for v in chosen if v.field == "depth"), None)
        conditions = {name for v in chosen for name, _ in v.when}
        alike = part_type("stage", family).uniform and not self.space.axes.limits_depth(family)  # type: ignore[attr-defined]
        if depth is None or not alike or depth.name in conditions:
            return Step(chosen, family)
        return Step([v for v in chosen if v is not depth], family, depth)

    def _depths(self, part: "_Followed", rows: NDArray[np.int16]) -> Ints:
        """Return how deep the stages of a step are whose depth is counted apart."""
        depth = part.step.depth
        assert depth is not None
        return np.array(depth.values, dtype=np.int64)[rows[part.at, self._column[depth.name]]]


def _family(variable: Variable, stage: int) -> bool:
    return variable.field == FAMILY and variable.stage in (None, stage)


class _Followed(NamedTuple):
    """A part of some of N designs.

    Attributes:
        at: Which designs.
        number: Of the stage, from 0; the head's is `STAGES`.
        step: Of the part.
        found: The designs' rows in it.
    """

    at: Any
    number: int
    step: Step
    found: Ints
