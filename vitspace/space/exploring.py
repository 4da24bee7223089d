"""Finds the lattice of a space, state by state.

Beside what `vitspace.space.transition` says of a state, exploring follows which settings for all stages the stages so
far leave open. Settings that make the same stage are one, and an option of blocks that all cost the same stands for
all its depths.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitspace.costs import PartCost
from vitspace.costs.handed import Handed
from vitspace.errors import InputError
from vitspace.space.config import STAGES
from vitspace.space.lattice import MOST_MACS, Entries, Ints, Lattice, Option
from vitspace.space.progress import Progress
from vitspace.space.rows import Rows, combinations, shared_variables
from vitspace.space.schema import Schema
from vitspace.space.transition import State, advance, ended, enter, passed
from vitspace.space.variables import InvalidDesign
from vitspace.spec import Carry, PartSpec, StageSpec

#: Rules that are named where no stage is valid.
MOST_REASONS = 3
_UNKNOWN, _INVALID = -2, -1


def explore(schema: Schema) -> Lattice:
    """Find the paths of a space; its parts are counted, which takes seconds where they are not yet known.

    Raises:
        InputError: a stage has more settings than can be looked at one by one, or the space has no valid design.
    """
    shared = shared_variables(schema.variables)
    settings = list(combinations(shared, {}))
    sets = _Sets()
    states = [_Open(None, sets.number(np.arange(len(settings))))]
    rows = [Rows(schema, step, settings, shared) for step in range(STAGES)]
    size = f" {schema.where}" if schema.task or schema.written.resolution != schema.resolution else ""
    progress = Progress(f"{schema.name}{size}", [len(each) for each in rows])
    entries, options = [], []
    for step in range(STAGES):
        walk = _Walk(schema, step, rows[step], sets)
        states = walk.run(states, progress)
        if not states:
            raise schema.located(
                f"a space has a valid design, but none of {schema.name} has a stage {step + 1}: {walk.reasons()}"
            )
        options.append([option.to_list() for option in walk.options])
        entries.append(walk.entries())
    if (most := sum(int(each.macs.max()) for each in entries)) >= MOST_MACS:
        raise InputError(
            f"a design of a space costs less than {MOST_MACS:,} multiply-adds, but those of {schema.name} "
            f"{schema.where} may cost {most:,}"
        )
    return Lattice(schema.name, entries, options)


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


class _Open(NamedTuple):
    """A state, None before the stem and behind the head; ``open`` numbers a set of settings for all stages."""

    state: State | None
    open: int


@dataclass(frozen=True)
class _End:
    """The stem or head of an option: its number among the rows' ends, and what was spent before the stage."""

    number: int
    part: PartSpec | None
    before: PartCost


class _Walk:
    """One step behind all states before it."""

    def __init__(self, schema: Schema, step: int, rows: Rows, sets: _Sets) -> None:
        self.schema, self.step, self.rows, self.sets = schema, step, rows, sets
        self.options: list[Option] = []
        self._numbers: dict[tuple[int, int, Carry | None], int] = {}
        self._entries: list[tuple[int, int, int, int, int, int]] = []
        self._placed: dict[tuple, NDArray[np.int32]] = {}
        self._stages: dict[StageSpec, int] = {}
        self._stage_list: list[StageSpec] = []
        self._behind: dict[_Open, int] = {}
        self._rows_of: dict[int, Ints] = {}
        self._refused: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def run(self, sources: Sequence[_Open], progress: Progress) -> list[_Open]:
        """Find the options of all states, and return the states behind them."""
        for source, (state, still) in enumerate(sources):
            if still not in self._rows_of:
                self._rows_of[still] = self.rows.of(self.sets.members[still])
            rows = self._rows_of[still]
            if state is None:
                self._enter(source, rows, progress)
            else:
                self._expand(source, state, rows, PartCost(), progress.within(self.step, source, len(sources)))
        return list(self._behind)

    def reasons(self) -> str:
        """Say which rules refused stages, the most frequent first."""
        return "; ".join(self._examples[rule] for rule, _ in self._refused.most_common(MOST_REASONS))

    def _refuse(self, error: InvalidDesign) -> None:
        """Count what refused a stage; errors are one rule where they differ in the values they got alone."""
        rule = str(error).partition(", but got")[0]
        self._refused[rule] += 1
        self._examples.setdefault(rule, str(error))

    def entries(self) -> Entries:
        """Return what was found, sorted."""
        table = np.array(self._entries, dtype=np.int64).reshape(-1, 6)
        order = np.lexsort((table[:, 5], table[:, 4], table[:, 2], table[:, 1], table[:, 0]))
        return Entries(*table[order].T)

    def _enter(self, source: int, rows: Ints, progress: Progress) -> None:
        """Expand the first stage behind each stem."""
        behind: dict[tuple[int, int], list[int]] = {}
        for row in rows.tolist():
            stem, stage = self.rows.ends[self.rows.end[row]], self.rows.stages[self.rows.stage[row]]
            behind.setdefault((int(self.rows.end[row]), stem.out_dim(stage)), []).append(row)
        for number, ((end, _), found) in enumerate(behind.items()):
            stage = self.rows.stages[self.rows.stage[found[0]]]
            state, spent = enter(self.schema, self.rows.ends[end], stage)
            self._expand(source, state, np.array(found), spent, progress.within(self.step, number, len(behind)))

    def _expand(self, source: int, state: State, rows: Ints, before: PartCost, progress: Progress) -> None:
        """Find the options of a state: one for all rows of one stage, end and list of depths."""
        stages = self._place(state.handed, rows)[self.rows.stage[rows]].astype(np.int64)
        rows, stages = rows[stages != _INVALID], stages[stages != _INVALID]
        if not len(rows):
            return
        ends, depths = self.rows.end[rows], self.rows.depths[rows]
        groups = _groups((stages * len(self.rows.ends) + ends) * len(self.rows.depth_lists) + depths)
        for done, members in enumerate(groups):
            progress.tell(done, len(groups))
            first, owners = members[0], self.rows.owner[rows[members]]
            end = _End(int(ends[first]), self.rows.ends[ends[first]], before)
            try:
                self._add(source, state, int(stages[first]), end, self.rows.depth_lists[depths[first]], owners)
            except InvalidDesign as error:
                self._refuse(error)

    def _place(self, handed: Handed, rows: Ints) -> NDArray[np.int32]:
        """Return the number of each canonical stage behind a state, -1 where it is invalid; of ``rows`` at least."""
        key = (handed.dim, handed.carry, handed.stride)
        if key not in self._placed:
            self._placed[key] = np.full(len(self.rows.stages), _UNKNOWN, dtype=np.int32)
        placed = self._placed[key]
        wanted = np.unique(self.rows.stage[rows])
        for number in wanted[placed[wanted] == _UNKNOWN].tolist():
            try:
                stage = self.schema.placed(self.rows.stages[number], self.step + 1, handed)
            except InvalidDesign as error:
                self._refuse(error)
                placed[number] = _INVALID
                continue
            placed[number] = self._stages.setdefault(stage, len(self._stage_list))
            if placed[number] == len(self._stage_list):
                self._stage_list.append(stage)
        return placed

    def _add(self, source: int, state: State, number: int, end: _End, depths: Sequence[int], owners: Ints) -> None:
        stage = self._stage_list[number]
        after, count = advance(self.schema, state, stage)
        spent, behind = end.before + passed(self.schema, self.step, after), _Open(None, 0)
        if self.step == STAGES - 1:
            head: Any = end.part
            spent += ended(self.schema, head, after)
        else:
            behind = _Open(after, self.sets.number(np.unique(owners)))
        target = self._behind.setdefault(behind, len(self._behind))
        option = self._numbers.setdefault((number, end.number, after.handed.carry), len(self.options))
        if option == len(self.options):
            self.options.append(Option(stage, end.part, after.handed.carry))
        base, block = spent + count.deep(0), count.middle
        self._entries += [
            (source, target, base.macs + depth * block.macs, base.params + depth * block.params, option, depth)
            for depth in depths or (stage.depth,)
        ]


def _groups(keys: Ints) -> list[Ints]:
    """Return the places of equal keys of [N], in the order of the first of each."""
    _, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    members = np.split(np.argsort(inverse, kind="stable"), np.cumsum(counts)[:-1])
    return [members[group] for group in np.argsort(first)]
