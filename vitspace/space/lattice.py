"""All distinct designs of a space, as paths from stage to stage.

What a stage may be, what it costs and what it hands on depends on what is handed to it: its *state*. An *option* is one
canonical stage behind a state (with the stem before the first and the head behind the last), so that a design is one
path of four options, whatever settings lead to it. `vitspace.space.exploring` finds them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitspace.space.config import STAGES
from vitspace.spec import Carry, HeadSpec, PartSpec, Spec, StageSpec, StemSpec, parse_part

#: No network has more multiply-adds.
MOST_MACS = 1 << 42

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Option:
    """A canonical stage behind a state, its stem or head where it has one, and the carry that it hands on."""

    stage: StageSpec
    end: PartSpec | None
    carry: Carry | None

    def to_list(self) -> list[Any]:
        """Return plain data that `of_list` reads back."""
        carry = [self.carry.kind, self.carry.dim, self.carry.size] if self.carry else None
        return [self.stage.to_dict(), [self.end.kind, self.end.to_dict()] if self.end else None, carry]

    @classmethod
    def of_list(cls, data: Sequence[Any]) -> "Option":
        """Read what `to_list` wrote."""
        stage: Any = parse_part("stage", data[0], "stage")
        end = parse_part(data[1][0], data[1][1], data[1][0]) if data[1] else None
        return cls(stage, end, Carry(*data[2]) if data[2] else None)


@dataclass(frozen=True)
class Entries:
    """Options of one step, each at each of its depths: arrays [N], sorted by source, target and macs.

    Attributes:
        source: State before.
        target: State behind.
        macs: Multiply-adds.
        params: Parameters.
        option: Number of the option.
        depth: Blocks.
    """

    source: Ints
    target: Ints
    macs: Ints
    params: Ints
    option: Ints
    depth: Ints

    def __len__(self) -> int:
        return len(self.source)


class Lattice:
    """The paths of a space.

    Args:
        name: The space's name.
        entries: Of each step.
        options: Of each step, as `Option.to_list` writes them.
    """

    def __init__(self, name: str, entries: Sequence[Entries], options: Sequence[Sequence[Any]]) -> None:
        self.name, self.entries, self.options = name, list(entries), list(options)
        self._stages: list[dict[int, tuple[Option, StageSpec]]] = [{} for _ in range(STAGES)]

    @cached_property
    def size(self) -> int:
        """Number of distinct designs."""
        counts = [1]
        for entries in reversed(self.entries):
            behind = [0] * (int(entries.source.max(initial=-1)) + 1)
            for source, target in zip(entries.source.tolist(), entries.target.tolist(), strict=True):
                behind[source] += counts[target] if target < len(counts) else 0
            counts = behind
        return sum(counts)

    def extreme(self, measure: str, largest: bool = False) -> int:
        """Return the least or the most ``macs`` or ``params`` of a design."""
        pick, worst = (np.maximum, -1) if largest else (np.minimum, MOST_MACS)
        best = np.zeros(1, dtype=np.int64)
        for entries in reversed(self.entries):
            behind = np.full(int(entries.source.max(initial=-1)) + 1, worst)
            known = np.append(best, np.full(max(0, int(entries.target.max(initial=-1)) + 1 - len(best)), worst))
            total = np.where(known[entries.target] == worst, worst, getattr(entries, measure) + known[entries.target])
            pick.at(behind, entries.source, total)
            best = behind
        return int(best[0])

    def spec(self, path: Sequence[int]) -> Spec:
        """Make the spec of a path: one entry a step."""
        picked = [self._picked(step, entry) for step, entry in enumerate(path)]
        options = [option for option, _ in picked]
        stages = tuple(stage for _, stage in picked)
        carries = (None, *(option.carry for option in options))
        stem, head = options[0].end, options[-1].end
        assert isinstance(stem, StemSpec) and isinstance(head, HeadSpec)
        return Spec.of_placed(stem, stages, head, carries)

    def _picked(self, step: int, entry: int) -> tuple[Option, StageSpec]:
        known = self._stages[step]
        if entry not in known:
            entries = self.entries[step]
            option, depth = Option.of_list(self.options[step][int(entries.option[entry])]), int(entries.depth[entry])
            known[entry] = option, option.stage if option.stage.depth == depth else option.stage.changed(depth=depth)
        return known[entry]
