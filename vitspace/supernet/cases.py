"""The stages of a space within a budget, each with what it may stand behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vitspace.space import Space
from vitspace.space.lattice import Entries, Ints, Lattice, Option
from vitspace.spec import Carry, PartSpec, StageSpec


@dataclass(frozen=True)
class Case:
    """A stage as some design has it, without its depth.

    Attributes:
        stage: It.
        end: Its stem or head, at a network's ends.
        before: The family of the stage before; its own in a first stage.
        in_dim: Channels that it is handed.
        carry: What it is handed beside the map.
        depth: Most blocks that it has.
    """

    stage: StageSpec
    end: PartSpec | None
    before: str
    in_dim: int
    carry: Carry | None
    depth: int


def cases(space: Space, macs: tuple[float, float]) -> list[list[Case]]:
    """Return all stages of the designs whose multiply-adds lie in a range, for each step of the space."""
    lattice, found = space.lattice, []
    behind: dict[int, list[tuple[str, int, Carry | None]]] = {}
    for step, (entries, alive) in enumerate(zip(lattice.entries, within(lattice, macs), strict=True)):
        options = {at: Option.of_list(lattice.options[step][at]) for at in np.unique(entries.option[alive]).tolist()}
        found.append(_of_step(entries, alive, options, behind if step else None))
        reached: dict[int, dict[tuple[str, int, Carry | None], None]] = {}
        for option, target in np.unique(np.stack([entries.option, entries.target])[:, alive], axis=1).T.tolist():
            stage = options[option].stage
            reached.setdefault(target, {})[stage.family, stage.out_dim, options[option].carry] = None
        behind = {target: list(each) for target, each in reached.items()}
    return found


def within(lattice: Lattice, macs: tuple[float, float]) -> list[Any]:
    """Return which entries of each step lie on a path whose multiply-adds are in a range."""
    low, high = macs
    least, most = (_through(lattice.entries, pick) for pick in (np.minimum, np.maximum))
    return [(a <= high) & (b >= low) & (a <= b) for a, b in zip(least, most, strict=True)]


def _through(steps: Sequence[Entries], pick: Any) -> list[Ints]:
    """Return the least or the most multiply-adds of a path through each entry; where there is none, what none has."""
    none = np.int64(1) << 60
    worst = none if pick is np.minimum else -none
    fore: list[Ints] = [np.zeros(1, dtype=np.int64)]
    for entries in steps:
        after = np.full(int(entries.target.max()) + 1, worst)
        pick.at(after, entries.target, fore[-1][entries.source] + entries.macs)
        fore.append(after)
    rest: Ints = np.zeros(1, dtype=np.int64)
    found: list[Ints] = []
    for entries, before in zip(reversed(steps), reversed(fore[:-1]), strict=True):
        known = np.full(max(len(rest), int(entries.target.max()) + 1), worst)
        known[: len(rest)] = rest
        behind = known[entries.target]
        found.insert(0, np.where(abs(behind) < none, before[entries.source] + entries.macs + behind, worst))
        rest = np.full(len(before), worst)
        pick.at(rest, entries.source, np.where(abs(behind) < none, entries.macs + behind, worst))
    return found


def _of_step(
    entries: Entries,
    alive: Any,
    options: Mapping[int, Option],
    behind: Mapping[int, Sequence[tuple[str, int, Carry | None]]] | None,
) -> list[Case]:
    """Return the distinct cases of a step; ``behind`` says what each state hands on, and is None at the first step."""
    most = np.zeros(int(entries.option.max()) + 1, dtype=np.int64)
    np.maximum.at(most, entries.option[alive], entries.depth[alive])
    found: dict[Case, None] = {}
    for option, source in np.unique(np.stack([entries.option, entries.source])[:, alive], axis=1).T.tolist():
        each, depth = options[option], int(most[option])
        if behind is None:
            stem: Any = each.end
            found[Case(each.stage, each.end, each.stage.family, stem.out_dim(each.stage), None, depth)] = None
            continue
        for before, in_dim, carry in behind[source]:
            found[Case(each.stage, each.end, before, in_dim, carry, depth)] = None
    return list(found)
