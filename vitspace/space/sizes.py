"""A space at several sizes of image: one axis more, ``img_size``, before those of its file.

Params and rows have the values that the file says. At a size they become what `vitspace.space.resizing` makes of them,
and values that become equal are one.
"""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitspace.anchors import Anchor
from vitspace.budget import ANY, Budget
from vitspace.costs.stages import StageCosts
from vitspace.errors import InputError, shown
from vitspace.image_sizes import ImageSize, format_image_size, plain_size, ratio_of, scaled
from vitspace.sized import SizedSpec, plain, size_of
from vitspace.space.config import STAGES
from vitspace.space.drawing import Request
from vitspace.space.population import Ints, Population
from vitspace.space.resizing import resized
from vitspace.space.space import Space
from vitspace.space.variables import Params, Variable
from vitspace.spec import Spec, part_type

_log = logging.getLogger(__name__)

#: The axis of sizes.
IMG_SIZE = "img_size"
#: Designs from which numpy can draw without replacement.
_MOST_WITHOUT = 10**9


class SizedSpace(Space):
    """The designs of a space at several sizes of image, each a `SizedSpec`.

    Args:
        file: The space as its file is written.
        sizes: The sizes.

    Attributes:
        resolution: The size that the file is written for, one of them or not.

    Raises:
        InputError: a condition is on values that follow the image, or a window would be larger than any may be.
    """

    def __init__(self, file: Space, sizes: Sequence[ImageSize]) -> None:
        super().__init__(file.name, file.config, file.path)
        self.file = file
        self._sizes = {plain_size(size): _AtSize.of(file, plain_size(size)) for size in sizes}
        by_value = {size if isinstance(size, int) else format_image_size(size): size for size in self._sizes}
        self._by_value: dict[int | str, ImageSize] = by_value
        size_variable = Variable(IMG_SIZE, IMG_SIZE, IMG_SIZE, "image", None, tuple(by_value))
        self.variables = [size_variable, *file.variables]

    @property
    def at(self) -> Mapping[ImageSize, Space]:
        """By size of image, the space there."""
        return {size: each.space for size, each in self._sizes.items()}

    def choose(self, pick: Callable[[Variable], Any]) -> Params:
        """Return params, asking ``pick`` for the size and then for every variable that is active there."""
        chosen = {IMG_SIZE: pick(self.variables[0])}
        at, of_file = self._size_named(chosen[IMG_SIZE]), {v.name: v for v in self.file.variables}

        def asked(variable: Variable) -> Any:
            chosen[variable.name] = pick(of_file[variable.name])
            return at.value(variable.name, chosen[variable.name])

        at.space.choose(asked)
        return chosen

    def decode(self, params: Mapping[str, Any]) -> Spec:
        """Make the sized spec that params describe; see `Schema.decode`."""
        if IMG_SIZE not in params:
            raise InputError(f"params name every active axis, but {IMG_SIZE} is missing")
        at = self._size_named(params[IMG_SIZE])
        values = {name: at.value(name, value) for name, value in params.items() if name != IMG_SIZE}
        return SizedSpec.of(at.space.decode(values), at.space.resolution)

    def encode(self, spec: Spec) -> Params:
        """Return the params that `decode` turns into the sized spec.

        Raises:
            InputError: it has no size or one that is not the space's, or is not in the space at its size.
        """
        if not isinstance(spec, SizedSpec) or spec.img_size not in self._sizes:
            sizes, got = ", ".join(map(format_image_size, self._sizes)), spec.id
            raise InputError(f"a design of {self.name} is for images of {sizes} px, but got {got}")
        at = self._sizes[spec.img_size]
        value = next(value for value, size in self._by_value.items() if size == spec.img_size)
        found = at.space.encode(spec.plain)
        return {IMG_SIZE: value} | {name: at.written(name, now) for name, now in found.items()}

    def _size_named(self, value: Any) -> "_AtSize":
        if value not in self._by_value:
            raise InputError(f"{IMG_SIZE} is one of {list(self._by_value)}, but got {shown(value)}")
        return self._sizes[self._by_value[value]]

    def _drawn(self, request: Request, latency_backend: str, rng: np.random.Generator) -> list[Spec]:
        """Draw sized specs: a size by the number of its designs whose FLOPs fit, and then a design of that size."""
        limit, again = request.budget, request.replace
        if limit.device:
            raise InputError(
                f"latency on {limit.device} is predicted at one image size, that of its kit, but got "
                f"{', '.join(map(format_image_size, self.at))}"
            )
        self.check_budget(limit)
        wanted = max(request.n, 0)
        left = {size: space.size(Budget(limit.macs)) for size, space in self.at.items() if _has_any(space, limit)}
        found: list[Spec] = []
        while left and len(found) < wanted:
            counts = _shares(rng, list(left.values()), wanted - len(found), again)
            for size, count in zip(list(left), counts, strict=True):
                known = [*request.exclude, *([] if again else found)]
                taken = {each.plain for each in known if isinstance(each, SizedSpec) and each.img_size == size}
                of_size = replace(request, n=count, exclude=taken, fewer=True)
                own = np.random.default_rng(int(rng.integers(2**31)))
                drawn = self.at[size]._drawn(of_size, latency_backend, own)
                found += [SizedSpec.of(spec, size) for spec in drawn]
                if len(drawn) < count:
                    del left[size]
        if len(found) < wanted and not request.fewer:
            _log.warning("space %s has only %d such designs within %s", self.name, len(found), limit)
        return [found[i] for i in rng.permutation(len(found))]

    def size(self, budget: Budget | str | None = None) -> int:
        """Number of distinct designs of all sizes together; see `Space.size`."""
        return sum(space.size(budget) for space in self.at.values())

    @cached_property
    def population(self) -> Population:
        """What costs many designs of all sizes at once."""
        return SizedPopulation(self, list(self._sizes.values()))

    def check_budget(self, budget: Budget) -> None:
        """Raise InputError where a budget lies beside all designs of every size."""
        errors = []
        for size, space in self.at.items():
            try:
                space.check_budget(budget)
            except InputError as error:
                errors.append(f"at {format_image_size(size)} px: {error}")
        if len(errors) == len(self.at):
            raise InputError("; ".join(errors))

    @cached_property
    def smallest(self) -> Spec:
        """A sized spec of least FLOPs."""
        found = [SizedSpec.of(space.smallest, size) for size, space in self.at.items()]
        return min(found, key=lambda spec: self.cost(spec).macs)

    def anchors(self, ablations: bool = False) -> list[Anchor]:
        """Return the published rows that are points of the space as its file is written, whatever the sizes."""
        return self.file.anchors(ablations)

    def ends(self, budget: Budget | str | None = None) -> tuple[Spec, Spec]:
        """Return a sized spec of least and one of most FLOPs, of those whose FLOPs fit; see `Space.ends`."""
        limit = Budget.of(budget)
        self.check_budget(limit)
        fitting = [(size, space) for size, space in self.at.items() if _has_any(space, limit)]
        found = [SizedSpec.of(spec, size) for size, space in fitting for spec in space.ends(limit)]
        return min(found, key=lambda spec: self.cost(spec).macs), max(found, key=lambda spec: self.cost(spec).macs)

    def published(self, rows: Iterable[Anchor]) -> dict[str, Spec]:
        """Return published designs by id, each for images of the size that it is published for."""
        return {row.id: SizedSpec.of(row.spec, row.resolution) for row in rows if row.spec}

    def as_written(self, spec: Spec) -> Spec:
        """Return a sized spec as the file has it; see `Schema.as_written`."""
        size = size_of(spec, self.resolution)
        return self.at[size].as_written(plain(spec)) if size in self.at else plain(spec).written_at(size)


@dataclass(frozen=True)
class _AtSize:
    """A space at one size, and by variable of its file what the file's values are there."""

    space: Space
    values: Mapping[str, Mapping[Any, Any]]

    @classmethod
    def of(cls, file: Space, img_size: ImageSize) -> "_AtSize":
        """Return a space at a size of image; see `SizedSpace` for the errors."""
        least = {name: value for family in file.families for name, value in _follows(family).items()}
        following = {v.name for v in file.variables if v.part == "stage" and v.field in least}
        if on := sorted(following & {name for v in file.variables for name, _ in v.when}):
            raise InputError(
                f"with several sizes of image no axis has a condition on one that follows the image, but space "
                f"{file.name} has one on {on[0]}"
            )
        if img_size == file.resolution:
            return cls(file, {v.name: {value: value for value in v.values} for v in file.variables})
        config, written = resized(file.config, img_size)
        ratio = ratio_of(img_size, file.resolution)

        def at_size(variable: Variable, value: Any) -> Any:
            return scaled(value, least[variable.field], ratio, math.ceil) if variable.name in following else value

        values = {v.name: {value: at_size(v, value) for value in v.values} for v in file.variables}
        space = Space(file.name, config, file.path, written)
        assert {name: tuple(dict.fromkeys(known.values())) for name, known in values.items()} == {
            v.name: v.values for v in space.variables
        }
        return cls(space, values)

    def value(self, name: str, value: Any) -> Any:
        """Return what a value of the file is at the size.

        Raises:
            InputError: the file has no such variable or value.
        """
        if name not in self.values:
            raise InputError(f"params name active axes only, but got {name}")
        if value not in self.values[name]:
            raise InputError(f"{name} is one of {list(self.values[name])}, but got {shown(value)}")
        return self.values[name][value]

    def written(self, name: str, value: Any) -> Any:
        """Return the file's first value that is this one at the size."""
        return next(before for before, now in self.values[name].items() if now == value)

    @cached_property
    def down(self) -> list[NDArray[np.int16]]:
        """For each variable, the index at the size of every index of the file."""
        return [
            np.array([v.values.index(now) for now in self.values[v.name].values()], dtype=np.int16)
            for v in self.space.variables
        ]

    @cached_property
    def up(self) -> list[NDArray[np.int16]]:
        """For each variable, the file's first index of every index at the size."""
        return [np.unique(down, return_index=True)[1].astype(np.int16) for down in self.down]


class SizedPopulation(Population):
    """Costs arrays of designs of several sizes; the first index of a row is that of its size.

    Args:
        space: At all sizes.
        sizes: The space at each of them.
    """

    def __init__(self, space: SizedSpace, sizes: list[_AtSize]) -> None:
        self.space, self.variables, self.sizes = space, space.variables, sizes
        self._column = {variable.name: i for i, variable in enumerate(self.variables)}

    def families(self, rows: NDArray[np.int16]) -> NDArray[np.str_]:
        """Return each design's family, or ``hybrid``: [N]."""
        found = np.empty(len(rows), dtype=object)
        for each, at in self._parts(rows):
            found[at] = each.space.population.families(_down(each, rows[at]))
        return found.astype(str)

    def by_size(self, rows: NDArray[np.int16]) -> list[tuple[ImageSize, Ints]]:
        """Return the sizes of designs [N, variables], each with the numbers of its designs."""
        return [(each.space.resolution, at) for each, at in self._parts(rows)]

    def _parts(self, rows: NDArray[np.int16]) -> Iterator[tuple[_AtSize, Ints]]:
        for number, each in enumerate(self.sizes):
            if len(at := np.flatnonzero(rows[:, 0] == number)):
                yield each, at

    def _chunk(self, rows: NDArray[np.int16], width: int) -> tuple[NDArray[np.bool_], Ints]:
        valid, totals = np.zeros(len(rows), dtype=bool), np.zeros((len(rows), width), dtype=np.int64)
        for each, at in self._parts(rows):
            valid[at], totals[at] = each.space.population._counted(_down(each, rows[at]), width)
        return valid, totals

    def _stages(self, rows: NDArray[np.int16]) -> StageCosts:
        stages = StageCosts.zeros(tuple(self.space.families), (len(rows), STAGES))
        for each, at in self._parts(rows):
            stages[at] = each.space.population.stages(_down(each, rows[at]))
        return stages

    def _codes(self, rows: NDArray[np.int16]) -> NDArray[np.int16]:
        codes = np.zeros((len(self.variables), len(rows)), dtype=np.int16)
        codes[0] = rows[:, 0] + np.int16(1)
        for each, at in self._parts(rows):
            found = each.space.population.codes(_down(each, rows[at]))
            for i, up in enumerate(each.up):
                codes[i + 1, at] = np.where(found[:, i] > 0, up[found[:, i] - 1] + 1, 0)
        return codes


def _down(at: _AtSize, rows: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the rows at a size [N, variables] of rows of all sizes [N, 1 + variables]."""
    return np.stack([down[rows[:, i + 1]] for i, down in enumerate(at.down)], axis=1)


def _follows(family: str) -> Mapping[str, int]:
    stage: Any = part_type("stage", family)
    follows: Mapping[str, int] = stage.follows
    return follows


def _has_any(space: Space, limit: Budget) -> bool:
    """Whether a size has designs within limits on FLOPs and params."""
    try:
        space.check_budget(limit)
        return limit.params == ANY or bool(space.draw(1, limit.counted, fewer=True))
    except InputError:
        return False


def _shares(rng: np.random.Generator, designs: list[int], n: int, replace: bool) -> list[int]:
    """Return how many of n designs are of each size, drawn by the designs that each has."""
    total = sum(designs)
    if replace or total >= _MOST_WITHOUT:
        return rng.multinomial(n, np.array(designs, dtype=float) / total).tolist()
    return rng.multivariate_hypergeometric(designs, min(n, total), method="marginals").tolist()
