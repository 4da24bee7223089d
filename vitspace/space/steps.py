"""What is known of a part of a space's designs, by the state that it is handed and its settings."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitspace.costs import PartCost
from vitspace.errors import InputError
from vitspace.space.variables import Variable

#: A table of all pairs of state and settings is kept while it has at most so many entries; beyond, a sorted list.
DENSE_LIMIT = 1 << 25
#: Pairs of state and settings that can be numbered.
MOST_PAIRS = 1 << 62
#: The state behind an invalid design.
INVALID = -1

Ints = NDArray[np.int64]


class Row(NamedTuple):
    """What is known of a part's settings behind a state.

    Attributes:
        following: The state behind it.
        base: Its cost, without the blocks that follow depth.
        block: Cost of one of these.
        stage: Of a stage its map's channels and stride, and its own params and multiply-adds without these blocks.
    """

    following: int
    base: PartCost = PartCost()
    block: PartCost = PartCost()
    stage: tuple[int, int, int, int] = (0, 0, 0, 0)


class Step:
    """What is known of one part: for a state and a key of settings, the row of its cost and of the state after it."""

    def __init__(self, variables: list[Variable], family: str = "", depth: Variable | None = None) -> None:
        self.variables, self.family, self.depth = variables, family, depth
        self.radices = [len(v.values) + 1 for v in variables]
        self.size = int(np.prod(self.radices, dtype=np.float64)) if variables else 1
        # Row 0 stands for an invalid design.
        self.following, self.base, self.block, self.stage = _arrays([Row(INVALID)])
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

    def find(self, states: Ints, keys: Ints, work_out: Callable[[int, int], Row]) -> Ints:
        """Return the row of every design, working out the pairs not met before."""
        if int(states.max(initial=0) + 1) * self.size > MOST_PAIRS:
            raise InputError(
                f"a stage has at most {MOST_PAIRS:.0e} pairs of settings and inputs, but got {self.size:.0e} settings: "
                "shorten the lists of axes, or fix some"
            )
        pairs = np.where(states == INVALID, INVALID, states * self.size + keys)
        found = self._look_up(pairs)
        if (found < 0).any():
            unknown = np.unique(pairs[found < 0])
            self._add(unknown, [work_out(*divmod(int(pair), self.size)) for pair in unknown])
            found = self._look_up(pairs)
        return found

    def _add(self, pairs: Ints, rows: list[Row]) -> None:
        self._rows = np.append(self._rows, len(self.following) + np.arange(len(rows)))
        self._known = np.append(self._known, pairs)
        known = (self.following, self.base, self.block, self.stage)
        self.following, self.base, self.block, self.stage = map(np.concatenate, zip(known, _arrays(rows), strict=True))
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
            return np.where(pairs == INVALID, 0, -1)
        at = np.minimum(np.searchsorted(self._known, pairs), len(self._known) - 1)
        return np.where(pairs == INVALID, 0, np.where(self._known[at] == pairs, self._rows[at], -1))


def _arrays(rows: list[Row]) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the columns of rows: [N], [N, counted], [N, counted], [N, 4]."""
    following, base, block, stage = zip(*rows, strict=True)
    numbers = [np.array([part.numbers for part in parts], dtype=np.int64) for parts in (base, block)]
    return np.array(following), numbers[0], numbers[1], np.array(stage)
