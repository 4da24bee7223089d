"""Costs of stems, stages and heads, each counted once on the meta device and kept in memory and on disk."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitspace.costs.counter import Counter, PartCost, on_meta, parameter_cost
from vitspace.costs.handed import Handed, Shape
from vitspace.costs.remembering import Remembered
from vitspace.image_sizes import plain_size
from vitspace.spec import Carry, HeadSpec, StageSpec, StemSpec

#: Blocks with which a stage is counted whose blocks do not all cost the same.
PROBE_DEPTH = 3
#: What was counted of our families' parts in our spaces, made by ``python -m vitspace.space.shipping``.
COUNTED = Path(__file__).parent / "counted"

remembered = Remembered("parts", __name__, COUNTED)


@dataclass(frozen=True)
class StageCount:
    """Cost of a stage of few blocks, and what it puts out.

    Attributes:
        downsample: Its downsampling.
        blocks: Each block that was counted.
        total: All of it.
        shape: Of the map put out, [1, C, H, W].
        carry_shape: Of the carry put out, or None.
        stride: Pixels of the image a side of a position of the map put out.
    """

    downsample: PartCost
    blocks: tuple[PartCost, ...]
    total: PartCost
    shape: Shape
    carry_shape: Shape | None
    stride: int

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """All that is counted, in a row."""
        return np.array([cost.numbers for cost in (self.downsample, self.total, *self.blocks)], dtype=np.int64)

    def with_numbers(self, numbers: NDArray[np.int64]) -> "StageCount":
        """Return the same with other counts."""
        downsample, total, *blocks = (PartCost.of_numbers(row) for row in numbers.tolist())
        return replace(self, downsample=downsample, total=total, blocks=tuple(blocks))

    def handed(self, carry: Carry | None) -> Handed:
        """Return what the next part is handed, given the carry that the stage hands on."""
        return Handed(self.shape, carry, self.carry_shape, self.stride)

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
def count_stage(stage: StageSpec, handed: Handed) -> StageCount:
    """Count a stage behind what it is handed, with few of its blocks.

    The stage with all independent groups of fields neutral is counted, and what each group adds to it.
    """
    depth = 1 if stage.uniform or stage.depth == 1 else PROBE_DEPTH
    twin = stage.cost_twin(handed.carry)
    given = _given(twin, depth, handed)
    plain = _neutral(given)
    numbers = plain.numbers
    for index, group in enumerate(stage.independent):
        values = tuple(handed.dim if name == "in_dim" else getattr(twin, name) for name in group)
        alone = twin.counted_as(group)
        numbers = numbers + _added(given if alone is twin else _given(alone, depth, handed), index, values)
    return plain.with_numbers(numbers)


class _Given(NamedTuple):
    """A stage but for its independent groups of fields, and what it is counted behind.

    Attributes:
        family: Its class.
        depth: Blocks that are counted.
        handed: What it is handed; the stage's own channels where ``in_dim`` is in a group.
        first: Whether it is a first one, without downsampling.
        common: The values of its fields that are in no group.
    """

    family: Any
    depth: int
    handed: Handed
    first: bool
    common: tuple[Any, ...]


def _given(stage: StageSpec, depth: int, handed: Handed) -> _Given:
    family: Any = type(stage)
    names, has_in_dim = _common_fields(family)
    common = tuple(getattr(stage, name) for name in names)
    return _Given(family, depth, handed.of_dim(stage.dim) if has_in_dim else handed, stage.downsample == "none", common)


@cache
def _common_fields(family: Any) -> tuple[tuple[str, ...], bool]:
    """Return the fields that are in no group, and whether ``in_dim`` is in one."""
    grouped = {name for group in family.independent for name in group} | {"depth"}
    return tuple(f.name for f in fields(family) if f.name not in grouped), "in_dim" in grouped


@cache
def _neutral(given: _Given) -> StageCount:
    """Count a stage with all independent groups neutral."""
    values = {name: value for group in given.family.independent for name, value in group.items()}
    return _count_values(given, values)


@cache
def _added(given: _Given, index: int, values: tuple[Any, ...]) -> NDArray[np.int64]:
    """Return what one group of fields adds to `_neutral`."""
    group = given.family.independent[index]
    neutral = {name: value for other in given.family.independent for name, value in other.items()}
    alone = neutral | dict(zip(group, values, strict=True))
    if alone.get("in_dim") == given.handed.dim:
        alone["in_dim"] = None
    if alone == neutral:
        return np.zeros((1, 1), dtype=np.int64)
    return _count_values(given, alone).numbers - _neutral(given).numbers


def _count_values(given: _Given, values: Mapping[str, Any]) -> StageCount:
    settings = dict(values)
    in_dim = settings.pop("in_dim", None)
    if given.first:
        settings["downsample"] = "none"
    handed = given.handed.of_dim(in_dim) if in_dim else given.handed
    named = dict(zip(_common_fields(given.family)[0], given.common, strict=True))
    return _count_probe(given.family(depth=given.depth, **(named | settings)), handed)


@cache
def _count_probe(stage: StageSpec, handed: Handed) -> StageCount:
    def count() -> dict[str, Any]:
        with on_meta():
            module: Any = stage.build(handed.dim, handed.carry, [0.0] * stage.depth)
        counter = Counter()
        spent = counter.watch([part for part in (module.downsample, *module.blocks) if part is not None])
        out, out_carry = counter.run(module, _meta(handed.shape), _meta(handed.carry_shape), stride=handed.stride)
        return {
            "downsample": spent.get(module.downsample, PartCost()).numbers,
            "blocks": [spent[block].numbers for block in module.blocks],
            "total": (counter.counted + parameter_cost(module)).numbers,
            "shape": tuple(out.shape),
            "carry_shape": None if out_carry is None else tuple(out_carry.shape),
        }

    found = remembered(stage, handed.key, count)
    return StageCount(
        PartCost.of_numbers(found["downsample"]),
        tuple(PartCost.of_numbers(block) for block in found["blocks"]),
        PartCost.of_numbers(found["total"]),
        tuple(found["shape"]),
        tuple(found["carry_shape"]) if found["carry_shape"] else None,
        handed.stride * stage.stride,
    )


@cache
def count_stem(stem: StemSpec, out_dim: int, img_size: tuple[int, int]) -> PartCount:
    """Count a stem for an image of (height, width)."""

    def count() -> dict[str, Any]:
        return _count_module(lambda: stem.build(out_dim, 3), 1, (1, 3, *img_size))

    return _part_count(remembered(stem, [out_dim, plain_size(img_size)], count))


@cache
def count_head(head: HeadSpec, handed: Handed, num_classes: int) -> PartCount:
    """Count a head behind what it is handed."""

    def count() -> dict[str, Any]:
        return _count_module(
            lambda: head.build(handed.dim, handed.carry, num_classes),
            handed.stride,
            handed.shape,
            handed.carry_shape,
        )

    return _part_count(remembered(head, [*handed.key, num_classes], count))


def _count_module(build: Callable[[], nn.Module], stride: int, *shapes: Shape | None) -> dict[str, Any]:
    with on_meta():
        module = build()
    counter = Counter()
    out = counter.run(module, *(_meta(shape) for shape in shapes), stride=stride)
    total = counter.counted + parameter_cost(module)
    return {"total": total.numbers, "shape": tuple(out.shape)}


def _part_count(found: dict[str, Any]) -> PartCount:
    return PartCount(PartCost.of_numbers(found["total"]), tuple(found["shape"]))


def _meta(shape: Shape | None) -> Tensor | None:
    return None if shape is None else torch.empty(shape, device="meta")
