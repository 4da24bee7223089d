"""Parts: each counted once on the meta device, remembered in memory and on disk."""

import atexit
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitspace.cache import load, store
from vitspace.costs.counter import Counter, PartCost, Skeleton, count_params
from vitspace.host import sources_digest
from vitspace.spec import Carry, HeadSpec, PartSpec, StageSpec, StemSpec

#: Blocks with which a stage is counted whose blocks do not all cost the same.
PROBE_DEPTH = 3
_FLUSH_AT = 200

Shape = tuple[int, ...]
Work = tuple[int, ...]


@dataclass(frozen=True)
class StageCount:
    """Cost of a stage of few blocks, and what it puts out.

    Attributes:
        downsample: Its downsampling.
        blocks: Each block that was counted.
        total: All of it.
        work: What the operations of the whole stage do; see `vitspace.costs.counter.WORK`.
        block_work: The same of the middle block.
        shape: Of the map put out, [1, C, H, W].
        carry_shape: Of the carry put out, or None.
    """

    downsample: PartCost
    blocks: tuple[PartCost, ...]
    total: PartCost
    work: Work
    block_work: Work
    shape: Shape
    carry_shape: Shape | None

    def plus(self, other: "StageCount", times: int) -> "StageCount":
        """Add the cost of a stage of as many blocks so many times."""
        return replace(
            self,
            downsample=self.downsample.plus(other.downsample, times),
            blocks=tuple(mine.plus(its, times) for mine, its in zip(self.blocks, other.blocks, strict=True)),
            total=self.total.plus(other.total, times),
            work=_plus(self.work, other.work, times),
            block_work=_plus(self.block_work, other.block_work, times),
        )

    @property
    def middle(self) -> PartCost:
        """A block that is neither the first nor the last, where they differ."""
        return self.blocks[len(self.blocks) // 2]

    def deep(self, depth: int) -> PartCost:
        """Cost of the stage with ``depth`` blocks."""
        return self.total.plus(self.middle, depth - len(self.blocks))

    def deep_work(self, depth: int) -> NDArray[np.float64]:
        """Work of the stage with ``depth`` blocks."""
        return np.array(self.work) + (depth - len(self.blocks)) * np.array(self.block_work)


def _plus(mine: Work, its: Work, times: int) -> Work:
    return tuple(a + times * b for a, b in zip(mine, its, strict=True))


@dataclass(frozen=True)
class PartCount:
    """Cost and work of a stem or a head, and the shape of a stem's map."""

    total: PartCost
    work: Work
    shape: Shape


@cache
def count_stage(
    stage: StageSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None
) -> StageCount:
    """Count a stage behind a map and carry of the given shapes, with few of its blocks.

    The stage with all independent groups of fields neutral is counted, and what each group adds to it.
    """
    depth = 1 if stage.uniform or stage.depth == 1 else PROBE_DEPTH
    probe = _Probe(stage.cost_twin(carry).changed(depth=depth), in_dim, shape)
    base = probe.with_values([(name, value) for group in stage.independent for name, value in group.items()])
    total = plain = base.count(carry, carry_shape)
    for group in stage.independent:
        alone = base.with_values([(name, probe.value(name)) for name in group])
        if alone != base:
            total = total.plus(alone.count(carry, carry_shape), 1).plus(plain, -1)
    return total


@dataclass(frozen=True)
class _Probe:
    """A stage to be counted, the channels it is handed, and the shape of its map."""

    stage: StageSpec
    in_dim: int
    shape: Shape

    def value(self, name: str) -> Any:
        """Return the value of a field, or of ``in_dim``."""
        return self.in_dim if name == "in_dim" else getattr(self.stage, name)

    def with_values(self, values: Sequence[tuple[str, Any]]) -> "_Probe":
        """Return this with some values changed; a first stage stays without downsampling."""
        changed = dict(values)
        in_dim = changed.pop("in_dim", self.in_dim)
        if self.stage.downsample == "none":
            changed.pop("downsample", None)
        stage = self.stage.changed(**changed) if changed else self.stage
        return _Probe(stage, in_dim or stage.dim, (self.shape[0], in_dim or stage.dim, *self.shape[2:]))

    def count(self, carry: Carry | None, carry_shape: Shape | None) -> StageCount:
        """Count it."""
        return _count_probe(self.stage, self.in_dim, carry, self.shape, carry_shape)


@cache
def _count_probe(
    stage: StageSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None
) -> StageCount:
    def count() -> dict[str, Any]:
        with torch.device("meta"), Skeleton():
            module: Any = stage.build(in_dim, carry, [0.0] * stage.depth)
        counter = Counter()
        spent = counter.watch([part for part in (module.downsample, *module.blocks) if part is not None])
        watched = counter.watch_work(list(module.blocks))
        out, out_carry = counter.run(module, _meta(shape), _meta(carry_shape))
        return {
            "downsample": asdict(spent.get(module.downsample, PartCost())),
            "blocks": [asdict(spent[block]) for block in module.blocks],
            "total": asdict(counter.counted + PartCost(count_params(module))),
            "work": list(counter.work.values()),
            "block_work": watched[len(watched) // 2],
            "shape": tuple(out.shape),
            "carry_shape": None if out_carry is None else tuple(out_carry.shape),
        }

    found = _remembered(stage, [in_dim, asdict(carry) if carry else None, shape, carry_shape], count)
    return StageCount(
        PartCost(**found["downsample"]),
        tuple(PartCost(**block) for block in found["blocks"]),
        PartCost(**found["total"]),
        tuple(found["work"]),
        tuple(found["block_work"]),
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
    with torch.device("meta"), Skeleton():
        module = build()
    counter = Counter()
    out = counter.run(module, *(_meta(shape) for shape in shapes))
    total = counter.counted + PartCost(count_params(module))
    return {"total": asdict(total), "work": list(counter.work.values()), "shape": tuple(out.shape)}


def _part_count(found: dict[str, Any]) -> PartCount:
    return PartCount(PartCost(**found["total"]), tuple(found["work"]), tuple(found["shape"]))


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
