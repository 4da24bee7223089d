"""Parts: each counted once on the meta device, remembered in memory and on disk."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitspace.costs.counter import Counter, PartCost, Skeleton, parameter_cost
from vitspace.costs.remembering import Remembered
from vitspace.spec import Carry, HeadSpec, StageSpec, StemSpec

#: Blocks with which a stage is counted whose blocks do not all cost the same.
PROBE_DEPTH = 3

Shape = tuple[int, ...]

_remembered = Remembered("parts", __name__)


@dataclass(frozen=True)
class StageCount:
    """Cost of a stage of few blocks, and what it puts out.

    Attributes:
        downsample: Its downsampling.
        blocks: Each block that was counted.
        total: All of it.
        shape: Of the map put out, [1, C, H, W].
        carry_shape: Of the carry put out, or None.
    """

    downsample: PartCost
    blocks: tuple[PartCost, ...]
    total: PartCost
    shape: Shape
    carry_shape: Shape | None

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """All that is counted, in a row."""
        return np.array([cost.numbers for cost in (self.downsample, self.total, *self.blocks)], dtype=np.int64)

    def with_numbers(self, numbers: NDArray[np.int64]) -> "StageCount":
        """Return the same with other counts."""
        downsample, total, *blocks = (PartCost.of_numbers(row) for row in numbers.tolist())
        return replace(self, downsample=downsample, total=total, blocks=tuple(blocks))

    @property
    def middle(self) -> PartCost:
        """A block that is neither the first nor the last, where they differ."""
        return self.blocks[len(self.blocks) // 2]

    def deep(self, depth: int) -> PartCost:
        """Cost of the stage with ``depth`` blocks."""
        return self.total.plus(self.middle, depth - len(self.blocks))


@dataclass(frozen=True)
class PartCount:
    """Cost of a stem or a head, and the shape of a stem's map."""

    total: PartCost
    shape: Shape


@cache
def count_stage(
    stage: StageSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None, stride: int
) -> StageCount:
    """Count a stage behind a map and carry of the given shapes, the map at a stride, with few of its blocks.

    The stage with all independent groups of fields neutral is counted, and what each group adds to it.
    """
    depth = 1 if stage.uniform or stage.depth == 1 else PROBE_DEPTH
    twin = stage.cost_twin(carry)
    given = _Given(type(stage), depth, in_dim, carry, shape, carry_shape, stride, twin.downsample == "none")
    given = given.without_in_dim(twin.dim)
    common = tuple(getattr(twin, name) for name in _common_fields(given.family))
    plain = _neutral(given, common)
    numbers = plain.numbers
    for index, group in enumerate(stage.independent):
        values = tuple(in_dim if name == "in_dim" else getattr(twin, name) for name in group)
        numbers = numbers + _added(given, common, index, values)
    return plain.with_numbers(numbers)


@dataclass(frozen=True)
class _Given:
    """What a stage is counted behind, and whether it is a first one, without downsampling."""

    family: Any
    depth: int
    in_dim: int
    carry: Carry | None
    shape: Shape
    carry_shape: Shape | None
    stride: int
    first: bool

    def without_in_dim(self, dim: int) -> "_Given":
        """Return the same, handed the stage's own channels where ``in_dim`` is in a group."""
        return self.handed(dim) if any("in_dim" in group for group in self.family.independent) else self

    def handed(self, in_dim: int) -> "_Given":
        """Return the same behind a map of other channels."""
        return replace(self, in_dim=in_dim, shape=(self.shape[0], in_dim, *self.shape[2:]))


@cache
def _common_fields(family: Any) -> tuple[str, ...]:
    grouped = {name for group in family.independent for name in group} | {"depth"}
    return tuple(f.name for f in fields(family) if f.name not in grouped)


@cache
def _neutral(given: _Given, common: tuple[Any, ...]) -> StageCount:
    """Count a stage with all independent groups neutral."""
    values = {name: value for group in given.family.independent for name, value in group.items()}
    return _count_values(given, common, values)


@cache
def _added(given: _Given, common: tuple[Any, ...], index: int, values: tuple[Any, ...]) -> NDArray[np.int64]:
    """Return what one group of fields adds to `_neutral`."""
    group = given.family.independent[index]
    neutral = {name: value for other in given.family.independent for name, value in other.items()}
    alone = neutral | dict(zip(group, values, strict=True))
    if alone.get("in_dim") == given.in_dim:
        alone["in_dim"] = None
    if alone == neutral:
        return np.zeros((1, 1), dtype=np.int64)
    return _count_values(given, common, alone).numbers - _neutral(given, common).numbers


def _count_values(given: _Given, common: tuple[Any, ...], values: Mapping[str, Any]) -> StageCount:
    settings = dict(values)
    in_dim = settings.pop("in_dim", None)
    if given.first:
        settings["downsample"] = "none"
    given = given.handed(in_dim) if in_dim else given
    named = dict(zip(_common_fields(given.family), common, strict=True))
    stage = given.family(depth=given.depth, **(named | settings))
    return _count_probe(stage, given.in_dim, given.carry, given.shape, given.carry_shape, given.stride)


@cache
def _count_probe(
    stage: StageSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None, stride: int
) -> StageCount:
    def count() -> dict[str, Any]:
        with torch.device("meta"), Skeleton():
            module: Any = stage.build(in_dim, carry, [0.0] * stage.depth)
        counter = Counter()
        spent = counter.watch([part for part in (module.downsample, *module.blocks) if part is not None])
        out, out_carry = counter.run(module, _meta(shape), _meta(carry_shape), stride=stride)
        return {
            "downsample": spent.get(module.downsample, PartCost()).numbers,
            "blocks": [spent[block].numbers for block in module.blocks],
            "total": (counter.counted + parameter_cost(module)).numbers,
            "shape": tuple(out.shape),
            "carry_shape": None if out_carry is None else tuple(out_carry.shape),
        }

    found = _remembered(stage, [in_dim, asdict(carry) if carry else None, shape, carry_shape, stride], count)
    return StageCount(
        PartCost.of_numbers(found["downsample"]),
        tuple(PartCost.of_numbers(block) for block in found["blocks"]),
        PartCost.of_numbers(found["total"]),
        tuple(found["shape"]),
        tuple(found["carry_shape"]) if found["carry_shape"] else None,
    )


@cache
def count_stem(stem: StemSpec, out_dim: int, img_size: int) -> PartCount:
    """Count a stem for a square image."""

    def count() -> dict[str, Any]:
        return _count_module(lambda: stem.build(out_dim, 3), 1, (1, 3, img_size, img_size))

    return _part_count(_remembered(stem, [out_dim, img_size], count))


@cache
def count_head(
    head: HeadSpec,
    in_dim: int,
    carry: Carry | None,
    shape: Shape,
    carry_shape: Shape | None,
    stride: int,
    num_classes: int,
) -> PartCount:
    """Count a head behind a map and carry of the given shapes, the map at a stride."""

    def count() -> dict[str, Any]:
        return _count_module(lambda: head.build(in_dim, carry, num_classes), stride, shape, carry_shape)

    context = [in_dim, asdict(carry) if carry else None, shape, carry_shape, stride, num_classes]
    return _part_count(_remembered(head, context, count))


def _count_module(build: Callable[[], nn.Module], stride: int, *shapes: Shape | None) -> dict[str, Any]:
    with torch.device("meta"), Skeleton():
        module = build()
    counter = Counter()
    out = counter.run(module, *(_meta(shape) for shape in shapes), stride=stride)
    total = counter.counted + parameter_cost(module)
    return {"total": total.numbers, "shape": tuple(out.shape)}


def _part_count(found: dict[str, Any]) -> PartCount:
    return PartCount(PartCost.of_numbers(found["total"]), tuple(found["shape"]))


def _meta(shape: Shape | None) -> Tensor | None:
    return None if shape is None else torch.empty(shape, device="meta")
