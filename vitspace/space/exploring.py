"""Exploring: finding the lattice of a space, state by state.

A *state* is what a stage is handed: channels, shapes, a carry, the last values of ordered axes, and which settings for
all stages the stages so far leave open. An option of blocks that all cost the same stands for all its depths.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vitspace.costs import PartCost
from vitspace.costs.parts import Shape, count_head, count_stage, count_stem
from vitspace.errors import InputError
from vitspace.space.config import STAGES
from vitspace.space.lattice import MOST_MACS, Entries, Ints, Lattice, Option
from vitspace.space.variables import InvalidDesign, Params, Variable
from vitspace.spec import Carry, PartSpec, StageSpec, part_type

if TYPE_CHECKING:
    from vitspace.space.space import Space

_log = logging.getLogger(__name__)

#: Settings of one stage, together with those for all stages, that are looked at one by one.
MOST_ROWS = 1_000_000
CLASSES = 1000
#: Seconds between lines of progress.
SAY_EVERY = 10.0
#: Rules that are named where no stage is valid.
MOST_REASONS = 3
_UNKNOWN, _INVALID = -2, -1
_T = TypeVar("_T")


def explore(space: "Space") -> Lattice:
    """Find the paths of a space; its parts are counted, which takes seconds to minutes where they are not yet known.

    Raises:
        InputError: a stage has more settings than can be looked at one by one, or the space has no valid design.
    """
    _log.info("counting the parts of space %s, once: half a minute, for unified about four", space.name)
    shared = _shared(space.variables)
    settings = list(_combinations(shared, {}))
    sets = _Sets()
    states = [_State(0, None, (), None, (), 1, sets.number(np.arange(len(settings))))]
    entries, options = [], []
    for step in range(STAGES):
        walk = _Walk(space, step, _Rows(space, step, settings, shared), sets)
        states = walk.run(states)
        if not states:
            raise space.located(
                f"a space has a valid design, but none of {space.name} has a stage {step + 1}: {walk.reasons()}"
            )
        options.append([option.to_list() for option in walk.options])
        entries.append(walk.entries())
    if (most := sum(int(each.macs.max()) for each in entries)) >= MOST_MACS:
        raise InputError(
            f"a design of a space costs less than {MOST_MACS:,} multiply-adds, but those of {space.name} at "
            f"{space.resolution} px may cost {most:,}"
        )
    return Lattice(space.name, entries, options)


class _Sets:
    """Sets of settings for all stages, numbered."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self.members: list[Ints] = []

    def number(self, settings: Ints) -> int:
        """Return the number of a set [N], sorted."""
        number = self._numbers.setdefault(settings.tobytes(), len(self.members))
        if number == len(self.members):
            self.members.append(settings)
        return number


@dataclass(frozen=True)
class _State:
    """What a stage is handed; ``open`` numbers a set of settings for all stages."""

    in_dim: int
    carry: Carry | None
    shape: Shape
    carry_shape: Shape | None
    ordered: tuple[Any, ...]
    stride: int
    open: int


class _Rows:
    """All settings of one step, valid or not: for each the settings for all stages, the stage and its stem or head."""

    def __init__(self, space: "Space", step: int, settings: list[Params], shared: list[Variable]) -> None:
        end = {0: "stem", STAGES - 1: "head"}.get(step)
        local = [v for v in space.variables if v not in shared and _at(v, step, end)]
        depths = [v for v in local if v.field == "depth" and not _decides(v, local, space)]
        rest = [v for v in local if v not in depths]
        self.stages: list[StageSpec] = []
        self.ends: list[PartSpec | None] = []
        self.depths: list[tuple[int, ...]] = []
        owners: list[int] = []
        for number, chosen in enumerate(settings):
            for row, values in _with_depths(space, step, depths, _combinations(rest, chosen)):
                stage = space.stage_of(row, step)
                self.stages.append(stage)
                self.ends.append(space.part_of(end, row) if end else None)
                self.depths.append(values or (stage.depth,))
                owners.append(number)
                _check_count(len(owners), space, step)
        self.owner = np.array(owners)
        self.starts = np.searchsorted(self.owner, np.arange(len(settings) + 1))

    def of(self, settings: Ints) -> Ints:
        """Return the rows of some settings for all stages."""
        return np.concatenate([np.arange(self.starts[s], self.starts[s + 1]) for s in settings])


class _Walk:
    """One step behind all states before it."""

    def __init__(self, space: "Space", step: int, rows: _Rows, sets: _Sets) -> None:
        self.space, self.step, self.rows, self.sets = space, step, rows, sets
        self.options: list[Option] = []
        self._numbers: dict[Option, int] = {}
        self._entries: list[tuple[int, int, int, int, int, int]] = []
        self._placed: dict[tuple, NDArray[np.int32]] = {}
        self._stages: dict[StageSpec, int] = {}
        self._stage_list: list[StageSpec] = []
        self._states: dict[_State, int] = {}
        self._rows_of: dict[int, Ints] = {}
        self._refused: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._said = time.monotonic()

    def run(self, states: Sequence[_State]) -> list[_State]:
        """Find the options of all states, and return the states behind them."""
        for source, state in enumerate(states):
            self._where = f"stage {self.step + 1} of {STAGES}, input {source + 1} of {len(states)}"
            if state.open not in self._rows_of:
                self._rows_of[state.open] = self.rows.of(self.sets.members[state.open])
            rows = self._rows_of[state.open]
            if self.step:
                self._expand(source, state, rows, PartCost())
            else:
                self._enter(source, state, rows)
        return list(self._states)

    def reasons(self) -> str:
        """Say which rules refused settings, the most frequent first."""
        return "; ".join(self._examples[rule] for rule, _ in self._refused.most_common(MOST_REASONS))

    def _refuse(self, error: str) -> None:
        """Count what refused a setting; errors are one rule where they differ in the values they got alone."""
        rule = error.partition(", but got")[0]
        self._refused[rule] += 1
        self._examples.setdefault(rule, error)

    def _telling(self, items: Sequence[_T], what: str) -> Iterator[_T]:
        """Yield the items, and say now and then how far that is."""
        for number, item in enumerate(items):
            if time.monotonic() - self._said > SAY_EVERY:
                self._said = time.monotonic()
                _log.info("  %s: %d of %d %s", self._where, number, len(items), what)
            yield item

    def entries(self) -> Entries:
        """Return what was found, sorted."""
        table = np.array(self._entries, dtype=np.int64).reshape(-1, 6)
        order = np.lexsort((table[:, 5], table[:, 4], table[:, 2], table[:, 1], table[:, 0]))
        return Entries(*table[order].T)

    def _enter(self, source: int, state: _State, rows: Ints) -> None:
        """Expand the first stage behind each stem."""
        behind: dict[tuple[PartSpec | None, int], list[int]] = {}
        for row in rows.tolist():
            stem: Any = self.rows.ends[row]
            behind.setdefault((stem, stem.out_dim(self.rows.stages[row])), []).append(row)
        for (end, out_dim), found in behind.items():
            stem = end
            count = count_stem(stem, out_dim, self.space.resolution)
            entered = _State(out_dim, None, count.shape, None, (), stem.stride, state.open)
            self._expand(source, entered, np.array(found), count.total)

    def _expand(self, source: int, state: _State, rows: Ints, before: PartCost) -> None:
        placed = self._place(state, rows)
        groups: dict[tuple, list[int]] = {}
        for row, number in zip(rows.tolist(), placed[rows].tolist(), strict=True):
            if number != _INVALID:
                groups.setdefault((number, self.rows.ends[row], self.rows.depths[row]), []).append(row)
        for (number, end, depths), members in self._telling(list(groups.items()), "options"):
            stage = self._stage_list[number]
            if falls := self.space.axes.falls(stage, state.ordered):
                self._refuse(falls)
                continue
            self._add(source, state, stage, _End(end, depths, before), self.rows.owner[members])

    def _place(self, state: _State, rows: Ints) -> NDArray[np.int32]:
        """Return the number of each row's canonical stage behind a state, where it is one of ``rows``."""
        key = (state.in_dim, state.carry, state.shape)
        if key not in self._placed:
            self._placed[key] = np.full(len(self.rows.owner), _UNKNOWN, dtype=np.int32)
        placed = self._placed[key]
        for row in self._telling(rows[placed[rows] == _UNKNOWN].tolist(), "settings"):
            try:
                stage = self.space.placed(
                    self.rows.stages[row], self.step + 1, state.in_dim, state.carry, state.shape[-1]
                )
            except InvalidDesign as error:
                self._refuse(str(error))
                placed[row] = _INVALID
                continue
            if stage not in self._stages:
                self._stages[stage] = len(self._stage_list)
                self._stage_list.append(stage)
            placed[row] = self._stages[stage]
        return placed

    def _add(self, source: int, state: _State, stage: StageSpec, end: "_End", owners: Ints) -> None:
        count = count_stage(stage, state.in_dim, state.carry, state.shape, state.carry_shape, state.stride)
        stride = state.stride * stage.stride
        carry = stage.carry_out(state.carry)
        behind, target = end.before, 0
        if self.step == STAGES - 1:
            head: Any = end.part
            behind += count_head(head, stage.out_dim, carry, count.shape, count.carry_shape, stride, CLASSES).total
            self._states.setdefault(_State(0, None, (), None, (), 1, 0), 0)
        else:
            still = self.sets.number(np.unique(owners))
            ordered = self.space.axes.ordered_values(stage)
            after = _State(stage.out_dim, carry, count.shape, count.carry_shape, ordered, stride, still)
            target = self._states.setdefault(after, len(self._states))
        option = Option(stage, end.part, carry)
        number = self._numbers.setdefault(option, len(self.options))
        if number == len(self.options):
            self.options.append(option)
        for depth in end.depths:
            total = behind + count.deep(depth)
            self._entries.append((source, target, total.macs, total.params, number, depth))


@dataclass(frozen=True)
class _End:
    """The stem or head of an option, its depths, and the cost of the stem."""

    part: PartSpec | None
    depths: tuple[int, ...]
    before: PartCost


def _shared(variables: Sequence[Variable]) -> list[Variable]:
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


def _check_count(rows: int, space: "Space", step: int) -> None:
    if rows > MOST_ROWS:
        raise InputError(
            f"space {space.name} has more than {MOST_ROWS:,} settings in stage {step + 1}, too many to be drawn from "
            "exactly: shorten the lists of axes, or fix some"
        )


def _decides(depth: Variable, local: Sequence[Variable], space: "Space") -> bool:
    """Whether something depends on how many blocks there are."""
    conditions = {name for v in local for name, _ in v.when}
    return depth.name in conditions or any(space.axes.limits_depth(family) for family in space.families)


def _with_depths(
    space: "Space", step: int, depths: Sequence[Variable], rows: Iterator[Params]
) -> Iterator[tuple[Params, tuple[int, ...]]]:
    """Yield each row with a depth; where all blocks cost the same, one row with all the depths it stands for."""
    for row in rows:
        depth = next((v for v in depths if v.active(row)), None)
        if depth is None:
            yield row, ()
        elif part_type("stage", space.family_of(row, step)).uniform:  # type: ignore[attr-defined]
            yield row | {depth.name: depth.values[0]}, depth.values
        else:
            yield from ((row | {depth.name: value}, ()) for value in depth.values)


def _combinations(variables: Sequence[Variable], chosen: Params) -> Iterator[Params]:
    """Yield what was chosen with each combination of the active variables' values."""
    if not variables:
        yield chosen
        return
    first, rest = variables[0], variables[1:]
    if not first.active(chosen):
        yield from _combinations(rest, chosen)
        return
    for value in first.values:
        yield from _combinations(rest, chosen | {first.name: value})
