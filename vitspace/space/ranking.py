"""Numbers the designs of a space within a range of FLOPs from 0, so that a number is a design.

Paths are cut in the middle. All first halves and all second halves are listed by their exact multiply-adds; behind a
first half, the second halves that keep the design in range lie next to each other, and a number says which it is. The
count is exact and a uniform number is a uniform design, however rare the designs of the range are.
"""

import math
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vitspace.errors import InputError
from vitspace.space.lattice import MOST_MACS, Entries, Ints, Lattice

#: Halves of designs that are listed.
MOST_HALVES = 60_000_000
#: Designs that are numbered; whatever is added up stays below 2^63.
MOST_DESIGNS = 4 * 10**18
#: States between the halves, so that a state and its multiply-adds are one number.
MOST_STATES = (1 << 63) // MOST_MACS


@dataclass(frozen=True)
class _Groups:
    """Entries of equal source, target and multiply-adds, as one: arrays [N]; ``first`` is the first entry."""

    source: Ints
    target: Ints
    macs: Ints
    first: Ints
    count: Ints


@dataclass(frozen=True)
class _Halves:
    """Two steps together: arrays [N].

    Attributes:
        middle: The state between the halves of a design.
        macs: Multiply-adds.
        first: Group of the first step.
        second: Group of the second step.
        count: How many pairs of entries it stands for.
    """

    middle: Ints
    macs: Ints
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    count: Ints


class Halves:
    """The halves of a lattice's paths; made once for all ranges.

    Raises:
        InputError: there are too many to be listed.
    """

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self.groups = [_grouped(entries) for entries in lattice.entries]
        self.first = self._joined(0, 1)
        unordered = self._joined(2, 3)
        order = np.lexsort((unordered.macs, unordered.middle))
        self.second = _Halves(*(getattr(unordered, f.name)[order] for f in fields(_Halves)))
        if self.second.count.sum(dtype=float) > MOST_DESIGNS or self.second.middle.max() >= MOST_STATES:
            raise _too_many(lattice.name, "")
        self.keys = self.second.middle * MOST_MACS + self.second.macs
        self.before = np.concatenate([[0], np.cumsum(self.second.count)])

    def _joined(self, one: int, other: int) -> _Halves:
        """Return the pairs of groups of two steps that follow each other."""
        before, behind = self.groups[one], self.groups[other]
        low = np.searchsorted(behind.source, before.target, "left")
        lengths = np.searchsorted(behind.source, before.target, "right") - low
        if lengths.sum() > MOST_HALVES:
            raise InputError(
                f"space {self.lattice.name} has more than {MOST_HALVES:,} settings of two stages, too many to be "
                "drawn from exactly: shorten the lists of axes, or fix some"
            )
        first = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        starts = np.repeat(low - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
        second = (starts + np.arange(len(first))).astype(np.int32)
        middle = behind.target[second] if other == 1 else before.source[first]
        return _Halves(
            middle, before.macs[first] + behind.macs[second], first, second, before.count[first] * behind.count[second]
        )


def _grouped(entries: Entries) -> _Groups:
    changes = np.ones(len(entries), dtype=bool)
    changes[1:] = (np.diff(entries.source) != 0) | (np.diff(entries.target) != 0) | (np.diff(entries.macs) != 0)
    first = np.flatnonzero(changes)
    count = np.diff(np.append(first, len(entries)))
    return _Groups(entries.source[first], entries.target[first], entries.macs[first], first, count)


def _too_many(name: str, cure: str) -> InputError:
    return InputError(
        f"at most {MOST_DESIGNS:.0e} designs can be numbered, but {name} has more: {cure}shorten the lists of axes, or "
        "fix some"
    )


class Ranking:
    """The designs whose multiply-adds lie in a range.

    Args:
        halves: Those of the space.
        low: Least multiply-adds.
        high: Most multiply-adds.

    Attributes:
        total: How many designs there are.
        ends: Least and most multiply-adds of one; None where there is none.
    """

    def __init__(self, halves: Halves, low: float, high: float) -> None:
        self.halves = halves
        least, most = math.ceil(min(low, MOST_MACS)), math.floor(min(high, MOST_MACS - 1))
        first = halves.first
        base = first.middle * MOST_MACS
        self.start = np.searchsorted(halves.keys, base + np.maximum(least - first.macs, 0), "left")
        stop = np.searchsorted(halves.keys, base + np.maximum(most - first.macs, -1), "right")
        self.behind = np.where(stop > self.start, halves.before[stop] - halves.before[self.start], 0)
        if float(first.count.astype(float) @ self.behind.astype(float)) > MOST_DESIGNS:  # integers might overflow
            raise _too_many(halves.lattice.name, "narrow the budget, ")
        self._upto = np.cumsum(first.count * self.behind)
        self.total = int(self._upto[-1]) if len(self._upto) else 0
        some = stop > self.start
        least_macs = first.macs[some] + halves.second.macs[self.start[some]]
        most_macs = first.macs[some] + halves.second.macs[stop[some] - 1]
        self.ends = (int(least_macs.min()), int(most_macs.max())) if self.total else None

    def paths(self, ranks: Ints) -> Ints:
        """Return the designs [N, 4] of ranks [N]: one entry of the lattice a step."""
        halves, groups = self.halves, self.halves.groups
        at = np.searchsorted(self._upto, ranks, "right")
        rest = ranks - np.where(at > 0, self._upto[at - 1], 0)
        of_first, of_second = np.divmod(rest, self.behind[at])
        place = halves.before[self.start[at]] + of_second
        found = np.searchsorted(halves.before, place, "right") - 1
        members = [
            (0, halves.first.first[at], 1, halves.first.second[at], of_first),
            (2, halves.second.first[found], 3, halves.second.second[found], place - halves.before[found]),
        ]
        columns = []
        for one, group_one, other, group_other, member in members:
            first, second = np.divmod(member, groups[other].count[group_other])
            columns += [groups[one].first[group_one] + first, groups[other].first[group_other] + second]
        return np.stack(columns, axis=1)


class Rankings:
    """The rankings of a space; the last is remembered, and so are the halves, made once for all.

    Args:
        lattice: Of the space.
    """

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self._last: tuple[tuple[float, float], Ranking] | None = None

    @cached_property
    def _halves(self) -> Halves:
        return Halves(self.lattice)

    def of(self, macs: tuple[float, float]) -> Ranking:
        """Return the designs whose multiply-adds lie in a range."""
        if self._last is None or self._last[0] != macs:
            self._last = None  # the memory of one is free before the next is made
            self._last = macs, Ranking(self._halves, *macs)
        return self._last[1]
