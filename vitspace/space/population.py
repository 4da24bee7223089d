"""Population: many designs of a space costed at once, as arrays.

A design is a row of indices into the variables' values. Stages are followed one after the other for all designs: what
a stage costs and hands on depends only on its own settings and on the *state* it is handed (channels, shapes, carry),
so that each pair of state and settings is worked out once, by the same specs and counts as for a single design, and
then looked up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitspace.costs import PartCost
from vitspace.costs.parts import Shape, StageCount, count_head, count_stage, count_stem
from vitspace.space.config import STAGES
from vitspace.space.space import Space, make_part
from vitspace.space.variables import InvalidDesign, Variable
from vitspace.spec import Carry, Spec, StageSpec

#: A table of all pairs of state and settings is kept while it has at most so many entries; beyond, a sorted list.
DENSE_LIMIT = 1 << 25
_CHUNK = 1 << 16
_INVALID = -1

Ints = NDArray[np.int64]


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


@dataclass(frozen=True)
class _State:
    """What a stage is handed; the first is handed the stem's settings."""

    in_dim: int
    carry: Carry | None
    shape: Shape
    carry_shape: Shape | None
    ordered: tuple[Any, ...]
    stem: tuple[tuple[str, Any], ...] | None = None


class Population:
    """Costs arrays of designs of one space; what it learns is kept for the next array."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.variables = space.variables
        self._column = {variable.name: i for i, variable in enumerate(self.variables)}
        self._states: dict[_State, int] = {}
        self._state_list: list[_State] = []
        self._uniform = space.part("stage").uniform and not any("depth" in rule.names for rule in space.rules)
        self._steps = [_Step(self._stage_variables(i)) for i in range(STAGES)]
        self._stem = _Step([v for v in self.variables if v.part == "stem"])
        self._head = _Step([v for v in self.variables if v.part == "head"])
        self._depths = [self._depth_column(i) for i in range(STAGES)]

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
        """Cost designs [N, variables]."""
        out = np.zeros((4, len(rows)), dtype=np.int64)
        for start in range(0, len(rows), _CHUNK):
            part = slice(start, start + _CHUNK)
            out[:, part] = self._chunk(rows[part])
        return PopulationCosts(out[3].astype(bool), *out[:3])

    def _chunk(self, rows: NDArray[np.int16]) -> Ints:
        codes = self._codes(rows)
        totals = np.zeros((len(rows), 3), dtype=np.int64)
        stem = self._stem.keys(codes, self._column)
        states = self._first_states(stem)
        for i, step in enumerate(self._steps):
            found = step.find(states, step.keys(codes, self._column), lambda s, k, i=i: self._stage(i, s, k))
            depth = self._depth_values(i, rows)
            totals += step.base[found] + step.block[found] * depth[:, None]
            states = step.following[found]
        found = self._head.find(states, self._head.keys(codes, self._column), self._head_cost)
        valid = states != _INVALID
        totals += self._head.base[found]
        return np.concatenate([totals, valid[:, None]], axis=1).T * valid

    def _codes(self, rows: NDArray[np.int16]) -> NDArray[np.int16]:
        """Add one to every index, and put 0 where a variable is inactive."""
        codes = np.ascontiguousarray(rows.T) + np.int16(1)
        for i, variable in enumerate(self.variables):
            for name, values in variable.when:
                other = self._column[name]
                allowed = np.array([False, *(value in values for value in self.variables[other].values)])
                codes[i] *= allowed[codes[other]]
        return codes

    def _first_states(self, keys: Ints) -> Ints:
        unique, inverse = np.unique(keys, return_inverse=True)
        ids = []
        for key in unique:
            settings = tuple((v.field, v.values[c - 1]) for v, c in self._stem.decode(int(key)) if c)
            ids.append(self._state_id(_State(0, None, (), None, (), settings)))
        return np.array(ids)[inverse]

    def _stage(self, i: int, state_id: int, key: int) -> tuple[int, PartCost, PartCost]:
        """Work out one stage behind one state: (next state, cost without blocks that follow depth, cost a block)."""
        state = self._state_list[state_id]
        settings = {v.field: self._value(v, c, i) for v, c in self._steps[i].decode(key) if c}
        settings.setdefault("depth", 1)
        ordered = tuple(settings[field] for field in self.space.ordered if field in settings)
        if i and any(b < a for a, b in zip(state.ordered, ordered, strict=True)):
            return _INVALID, PartCost(), PartCost()
        try:
            stem, state = self._entered(state, settings) if state.stem is not None else (PartCost(), state)
            stage = make_part(self.space.part("stage"), tuple(settings.items()))
            stage = self.space.placed(stage, i + 1, state.in_dim, state.carry, state.shape[-1])
        except InvalidDesign:
            return _INVALID, PartCost(), PartCost()
        count = count_stage(stage, state.in_dim, state.carry, state.shape, state.carry_shape)
        after = _State(stage.out_dim, stage.carry_out(state.carry), count.shape, count.carry_shape, ordered)
        return self._state_id(after), *self._split(count, stage.depth, stem)

    def _split(self, count: StageCount, depth: int, stem: PartCost) -> tuple[PartCost, PartCost]:
        if self._uniform:
            return stem + count.deep(0), count.middle
        return stem + count.deep(depth), PartCost()

    def _entered(self, state: _State, settings: dict[str, Any]) -> tuple[PartCost, _State]:
        """Count the stem before the first stage."""
        stem = make_part(self.space.part("stem"), state.stem)
        first: StageSpec = make_part(self.space.part("stage"), tuple(settings.items()))
        out_dim = stem.out_dim(first)
        count = count_stem(stem, out_dim, self.space.resolution)
        return count.total, _State(out_dim, None, count.shape, None, ())

    def _head_cost(self, state_id: int, key: int) -> tuple[int, PartCost, PartCost]:
        state = self._state_list[state_id]
        settings = tuple((v.field, v.values[c - 1]) for v, c in self._head.decode(key) if c)
        head = make_part(self.space.part("head"), settings)
        count = count_head(head, state.in_dim, state.carry, state.shape, state.carry_shape, 1000)
        return 0, count.total, PartCost()

    def _value(self, variable: Variable, code: int, stage: int) -> Any:
        return self.space.scaled(variable.field, variable.values[code - 1], stage)

    def _state_id(self, state: _State) -> int:
        if state not in self._states:
            self._states[state] = len(self._state_list)
            self._state_list.append(state)
        return self._states[state]

    def _stage_variables(self, i: int) -> list[Variable]:
        chosen = [v for v in self.variables if v.part == "stage" and v.stage in (None, i)]
        return [v for v in chosen if not (self._uniform and v.field == "depth")]

    def _depth_column(self, i: int) -> int | None:
        columns = [c for v, c in zip(self.variables, range(len(self.variables)), strict=True) if _is_depth(v, i)]
        return columns[0] if columns and self._uniform else None

    def _depth_values(self, i: int, rows: NDArray[np.int16]) -> Ints:
        column = self._depths[i]
        if column is None:
            return np.zeros(len(rows), dtype=np.int64)
        return np.array(self.variables[column].values, dtype=np.int64)[rows[:, column]]


def _is_depth(variable: Variable, stage: int) -> bool:
    return variable.part == "stage" and variable.field == "depth" and variable.stage in (None, stage)


class _Step:
    """What is known of one part: for a state and a key of settings, the row of its cost and of the state after it."""

    def __init__(self, variables: list[Variable]) -> None:
        self.variables = variables
        self.radices = [len(v.values) + 1 for v in variables]
        self.size = int(np.prod(self.radices, dtype=np.float64)) if variables else 1
        # Row 0 stands for an invalid design.
        self.following: Ints = np.array([_INVALID])
        self.base: Ints = np.zeros((1, 3), dtype=np.int64)
        self.block: Ints = np.zeros((1, 3), dtype=np.int64)
        self._known: Ints = np.empty(0, dtype=np.int64)
        self._rows: Ints = np.empty(0, dtype=np.int64)
        self._dense: NDArray[np.int32] | None = None

    def keys(self, codes: NDArray[np.int16], column: dict[str, int]) -> Ints:
        """Number the settings of every design, [N]."""
        keys = np.zeros(codes.shape[1], dtype=np.int64)
        for variable, radix in zip(self.variables, self.radices, strict=True):
            keys *= radix
            keys += codes[column[variable.name]]
        return keys

    def decode(self, key: int) -> list[tuple[Variable, int]]:
        """Return (variable, code) of a key."""
        pairs = []
        for variable, radix in zip(reversed(self.variables), reversed(self.radices), strict=True):
            key, code = divmod(key, radix)
            pairs.append((variable, code))
        return pairs[::-1]

    def find(self, states: Ints, keys: Ints, work_out: Any) -> Ints:
        """Return the row of every design, working out the pairs not met before."""
        pairs = np.where(states == _INVALID, _INVALID, states * self.size + keys)
        found = self._look_up(pairs)
        if (found < 0).any():
            unknown = np.unique(pairs[found < 0])
            self._add(unknown, [work_out(*divmod(int(pair), self.size)) for pair in unknown])
            found = self._look_up(pairs)
        return found

    def _add(self, pairs: Ints, rows: list[tuple[int, PartCost, PartCost]]) -> None:
        self._rows = np.append(self._rows, len(self.following) + np.arange(len(rows)))
        self._known = np.append(self._known, pairs)
        self.following = np.append(self.following, [following for following, _, _ in rows])
        self.base = np.vstack([self.base, [(c.params, c.macs, c.activations) for _, c, _ in rows]])
        self.block = np.vstack([self.block, [(c.params, c.macs, c.activations) for _, _, c in rows]])
        self._index()

    def _index(self) -> None:
        order = np.argsort(self._known)
        self._known, self._rows = self._known[order], self._rows[order]
        entries = int(self._known[-1]) + 2
        self._dense = None
        if entries <= DENSE_LIMIT:
            # The last entry is that of invalid designs, whose pair is -1.
            self._dense = np.full(entries, -1, dtype=np.int32)
            self._dense[self._known] = self._rows
            self._dense[-1] = 0

    def _look_up(self, pairs: Ints) -> Ints:
        if self._dense is not None:
            inside = pairs < len(self._dense) - 1
            return np.where(inside, self._dense[np.where(inside, pairs, 0)], -1).astype(np.int64)
        if not len(self._known):
            return np.where(pairs == _INVALID, 0, -1)
        at = np.minimum(np.searchsorted(self._known, pairs), len(self._known) - 1)
        return np.where(pairs == _INVALID, 0, np.where(self._known[at] == pairs, self._rows[at], -1))
