"""Cost: parameters, multiply-adds and activations, counted part by part.

Convention: 1 FLOP is 1 multiply-add of a convolution, a linear layer or an attention product; norms, activations,
softmax, pooling and sampling count nothing. Activations are the elements put out by the same operations for one image
(Radosavovic et al., "Designing Network Design Spaces", 2020).

A part is built and run once on the meta device at its shapes, under a counter of the operations that really run, and
remembered; a network is the sum of its parts. A stage is counted with one block where all its blocks cost the same,
otherwise with at most three: the blocks between the first and the last do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from vitspace.errors import InputError
from vitspace.spec import Carry, HeadSpec, Spec, StageSpec, StemSpec

CONVENTION = "1 FLOP = 1 multiply-add of convolutions, linear layers and attention products"
PROBE_DEPTH = 3

Shape = tuple[int, ...]


@dataclass(frozen=True)
class PartCost:
    """Cost of one part, or of several added up.

    Attributes:
        params: Parameters.
        macs: Multiply-adds for one image.
        activations: Elements put out for one image.
    """

    params: int = 0
    macs: int = 0
    activations: int = 0

    def __add__(self, other: "PartCost") -> "PartCost":
        return PartCost(self.params + other.params, self.macs + other.macs, self.activations + other.activations)

    def __sub__(self, other: "PartCost") -> "PartCost":
        return PartCost(self.params - other.params, self.macs - other.macs, self.activations - other.activations)


@dataclass(frozen=True)
class Cost(PartCost):
    """Cost of a network; `breakdown` says where it lies."""

    counts: "_Counts | None" = field(default=None, repr=False, compare=False)

    def breakdown(self) -> list[tuple[str, PartCost]]:
        """Return (name, cost) of the stem, of each stage's downsampling, tokens and blocks, and of the head."""
        if self.counts is None:
            return []
        stem, stages, head = self.counts
        parts = [("stem", stem)]
        for i, (depth, count) in enumerate(stages, start=1):
            parts += _stage_parts(f"stage {i}", depth, count)
        return [*parts, ("head", head)]


@dataclass(frozen=True)
class _StageCount:
    downsample: PartCost
    blocks: tuple[PartCost, ...]
    total: PartCost
    out_shape: Shape
    carry_shape: Shape | None


_Counts = tuple[PartCost, list[tuple[int, _StageCount]], PartCost]


def cost(spec: Spec, img_size: int = 224, num_classes: int = 1000) -> Cost:
    """Count a network for one square image; microseconds once its parts are known.

    Raises:
        InputError: the image is smaller than the network's stride.
    """
    if img_size < spec.stride:
        raise InputError(f"img_size is at least the network's stride {spec.stride}, but got {img_size}")
    stem, shape = _count_stem(spec.stem, spec.in_dims[0], img_size)
    params, macs, activations = stem.params, stem.macs, stem.activations
    carry_shape: Shape | None = None
    stages = []
    for stage, in_dim, carry in zip(spec.stages, spec.in_dims, spec.carries, strict=False):
        count = _probe(stage, in_dim, carry, shape, carry_shape)
        shape, carry_shape = count.out_shape, count.carry_shape
        stages.append((stage.depth, count))
        middle, more = count.blocks[len(count.blocks) // 2], stage.depth - len(count.blocks)
        params += count.total.params + more * middle.params
        macs += count.total.macs + more * middle.macs
        activations += count.total.activations + more * middle.activations
    head = _count_head(spec.head, spec.in_dims[-1], spec.carries[-1], shape, carry_shape, num_classes)
    totals = params + head.params, macs + head.macs, activations + head.activations
    return Cost(*totals, counts=(stem, stages, head))


def _stage_parts(name: str, depth: int, count: _StageCount) -> list[tuple[str, PartCost]]:
    first, middle, last = count.blocks[0], count.blocks[len(count.blocks) // 2], count.blocks[-1]
    own = count.total - sum(count.blocks, count.downsample)
    parts = [(f"{name} downsample", count.downsample), (f"{name} tokens", own)]
    parts = [(label, part) for label, part in parts if part != PartCost()]
    blocks = [first, *[middle] * (depth - 2), last][:depth]
    return parts + [(f"{name} block {j}", block) for j, block in enumerate(blocks, start=1)]


@cache
def _probe(stage: StageSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None) -> _StageCount:
    depth = 1 if stage.uniform else min(stage.depth, PROBE_DEPTH)
    return _count_stage(stage.cost_twin(carry).changed(depth=depth), in_dim, carry, shape, carry_shape)


@cache
def _count_stage(
    stage: StageSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None
) -> _StageCount:
    with torch.device("meta"):
        module: Any = stage.build(in_dim, carry, [0.0] * stage.depth)
    counter = _Counter()
    parts = [part for part in (module.downsample, *module.blocks) if part is not None]
    spent = counter.watch(parts)
    out, out_carry = counter.run(module, torch.empty(shape, device="meta"), _meta(carry_shape))
    costs = [PartCost(_params(part), *spent[part]) for part in parts]
    downsample = costs.pop(0) if module.downsample is not None else PartCost()
    total = PartCost(_params(module), counter.macs, counter.activations)
    shape_out = None if out_carry is None else tuple(out_carry.shape)
    return _StageCount(downsample, tuple(costs), total, tuple(out.shape), shape_out)


@cache
def _count_stem(stem: StemSpec, out_dim: int, img_size: int) -> tuple[PartCost, Shape]:
    with torch.device("meta"):
        module = stem.build(out_dim, 3)
    counter = _Counter()
    out = counter.run(module, torch.empty(1, 3, img_size, img_size, device="meta"))
    return PartCost(_params(module), counter.macs, counter.activations), tuple(out.shape)


@cache
def _count_head(
    head: HeadSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None, num_classes: int
) -> PartCost:
    with torch.device("meta"):
        module = head.build(in_dim, carry, num_classes)
    counter = _Counter()
    counter.run(module, torch.empty(shape, device="meta"), _meta(carry_shape))
    return PartCost(_params(module), counter.macs, counter.activations)


class _Counter(TorchDispatchMode):
    """Adds up the multiply-adds and output elements of the operations that run under it."""

    def __init__(self) -> None:
        super().__init__()
        self.macs = self.activations = 0

    def __torch_dispatch__(self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        formula = flop_registry.get(func._overloadpacket)  # type: ignore[attr-defined]
        if formula is not None:
            self.macs += formula(*args, **kwargs, out_val=out) // 2
            self.activations += out.numel()
        return out

    def run(self, module: nn.Module, *args: Tensor | None) -> Any:
        """Run a module in evaluation mode under the counter."""
        with torch.no_grad(), self:
            return module.eval()(*args)

    def watch(self, modules: list[nn.Module]) -> dict[nn.Module, list[int]]:
        """Return a table of [macs, activations] that fills as the modules run."""
        spent = {module: [0, 0] for module in modules}

        def add(sign: int) -> Callable:
            def hook(module: nn.Module, *_: object) -> None:
                spent[module][0] += sign * self.macs
                spent[module][1] += sign * self.activations

            return hook

        for module in modules:
            module.register_forward_pre_hook(add(-1))
            module.register_forward_hook(add(+1))
        return spent


def _params(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _meta(shape: Shape | None) -> Tensor | None:
    return None if shape is None else torch.empty(shape, device="meta")
