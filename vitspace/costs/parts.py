"""Parts: each counted once on the meta device, remembered in memory and on disk."""

import atexit
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from vitspace.cache import load, store
from vitspace.costs.counter import Counter, PartCost, count_params
from vitspace.host import sources_digest
from vitspace.spec import Carry, HeadSpec, PartSpec, StageSpec, StemSpec

#: Blocks with which a stage is counted whose blocks do not all cost the same.
PROBE_DEPTH = 3
_FLUSH_AT = 200

Shape = tuple[int, ...]


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
    stage: StageSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None
) -> StageCount:
    """Count a stage behind a map and carry of the given shapes, with few of its blocks."""
    depth = 1 if stage.uniform else min(stage.depth, PROBE_DEPTH)
    probe = stage.cost_twin(carry).changed(depth=depth)
    return _count_probe(probe, in_dim, carry, shape, carry_shape)


@cache
def _count_probe(
    stage: StageSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None
) -> StageCount:
    def count() -> dict[str, Any]:
        with torch.device("meta"):
            module: Any = stage.build(in_dim, carry, [0.0] * stage.depth)
        counter = Counter()
        spent = counter.watch([part for part in (module.downsample, *module.blocks) if part is not None])
        out, out_carry = counter.run(module, _meta(shape), _meta(carry_shape))
        return {
            "downsample": asdict(spent.get(module.downsample, PartCost())),
            "blocks": [asdict(spent[block]) for block in module.blocks],
            "total": asdict(counter.counted + PartCost(count_params(module))),
            "shape": tuple(out.shape),
            "carry_shape": None if out_carry is None else tuple(out_carry.shape),
        }

    found = _remembered(stage, [in_dim, asdict(carry) if carry else None, shape, carry_shape], count)
    return StageCount(
        PartCost(**found["downsample"]),
        tuple(PartCost(**block) for block in found["blocks"]),
        PartCost(**found["total"]),
        tuple(found["shape"]),
        tuple(found["carry_shape"]) if found["carry_shape"] else None,
    )


@cache
def count_stem(stem: StemSpec, out_dim: int, img_size: int) -> PartCount:
    """Count a stem for a square image."""

    def count() -> dict[str, Any]:
        return _count_module(lambda: stem.build(out_dim, 3), (1, 3, img_size, img_size))

    return _part_count(_remembered(stem, [out_dim, img_size], count))


@cache
def count_head(
    head: HeadSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None, num_classes: int
) -> PartCount:
    """Count a head behind a map and carry of the given shapes."""

    def count() -> dict[str, Any]:
        return _count_module(lambda: head.build(in_dim, carry, num_classes), shape, carry_shape)

    context = [in_dim, asdict(carry) if carry else None, shape, carry_shape, num_classes]
    return _part_count(_remembered(head, context, count))


def _count_module(build: Callable[[], nn.Module], *shapes: Shape | None) -> dict[str, Any]:
    with torch.device("meta"):
        module = build()
    counter = Counter()
    out = counter.run(module, *(_meta(shape) for shape in shapes))
    total = counter.counted + PartCost(count_params(module))
    return {"total": asdict(total), "shape": tuple(out.shape)}


def _part_count(found: dict[str, Any]) -> PartCount:
    return PartCount(PartCost(**found["total"]), tuple(found["shape"]))


def _meta(shape: Shape | None) -> Tensor | None:
    return None if shape is None else torch.empty(shape, device="meta")


def _remembered(part: PartSpec, context: list[Any], count: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a count from the disk, or make it, to be written with the next lot."""
    key = json.dumps([part.kind, part.identity(), context], sort_keys=True)
    stored = _stored()
    if key not in stored:
        stored[key] = _unwritten[key] = count()
        if len(_unwritten) >= _FLUSH_AT:
            _flush()
    return stored[key]


_unwritten: dict[str, dict[str, Any]] = {}


@cache
def _stored() -> dict[str, dict[str, Any]]:
    atexit.register(_flush)
    return load(_kind())


def _flush() -> None:
    if _unwritten:
        store(_kind(), _unwritten)
        _unwritten.clear()


@cache
def _kind() -> str:
    """Name the cache's entries after everything that decides a count: our sources and torch's version."""
    return f"parts-{sources_digest('costs', 'families', 'layers')}-{torch.__version__}"
