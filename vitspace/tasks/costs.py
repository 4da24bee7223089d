"""The cost of a network for a task, as the sum of its parts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import nn

from vitspace.costs import networks
from vitspace.costs.breakdown import Breakdown
from vitspace.costs.counter import Counter, PartCost, count_network, on_meta, parameter_cost
from vitspace.costs.handed import Shape
from vitspace.image_sizes import ImageSize
from vitspace.spec import NATIVE_SIZE, Spec
from vitspace.tasks.building import IMAGENET_CLASSES, usual
from vitspace.tasks.heads import CLASSIFICATION, load
from vitspace.tasks.pyramid import STRIDES, Backbone, build_pyramid, check_backbone

Parts = tuple[tuple[str, PartCost], ...]
#: What every head calls the module that is handed the backbone's maps.
NECK = "neck"
#: Channels of the maps that a head is counted behind before its levels are.
_DIM = 64


@dataclass(frozen=True)
class DenseCost(PartCost):
    """Cost of a network for a dense task; `breakdown` lists its parts.

    Detectors of two steps are counted with 1,000 proposals and 100 masks, as mmdetection's counter does.

    Attributes:
        backbone: The share of the stem and stages.
    """

    backbone: PartCost = field(default_factory=PartCost, repr=False)
    parts: Parts = field(default=(), repr=False, compare=False)

    @property
    def neck(self) -> PartCost:
        """The share of what makes a pyramid of the backbone's maps."""
        return dict(self.parts)[NECK]

    @property
    def head(self) -> PartCost:
        """The share of what follows the neck."""
        return self - self.backbone - self.neck

    def breakdown(self) -> Breakdown:
        """Return (name, cost) of the backbone's parts, and of the neck's and the head's."""
        return Breakdown(self.parts)

    def _repr_html_(self) -> str:
        """Return the parts as a table, for a notebook."""
        return Breakdown([*self.parts, ("all", self)])._repr_html_()


def cost(
    spec: Backbone,
    img_size: ImageSize | None = None,
    num_classes: int | None = None,
    task: str = CLASSIFICATION,
) -> networks.Cost | DenseCost:
    """Count a network for one image; takes microseconds in classification once its parts are known.

    Args:
        spec: The architecture; for dense tasks also timm's name of a network, ``resnet50``.
        img_size: A side or (height, width) in pixels; None is the task's own.
        num_classes: Classes; None is the task's own number.
        task: ``classification``, or a dense task: a file of `vitspace.tasks.heads`.

    Raises:
        InputError: there is no such task or backbone, the backbone has no four maps, or a number is too
            small.
    """
    if task == CLASSIFICATION:
        classes = IMAGENET_CLASSES if num_classes is None else num_classes
        return networks.cost(spec, NATIVE_SIZE if img_size is None else img_size, classes)  # type: ignore[arg-type]
    return dense_cost(task, spec, *usual(task, img_size, num_classes))


def dense_cost(task: str, backbone: Backbone, size: tuple[int, int], num_classes: int) -> DenseCost:
    """Count a network for a dense task for one image of a height and width, as `cost` does."""
    body, parts, maps = _count_pyramid(backbone, size)
    head, of_head = _count_head(task, maps, num_classes)
    total = body + head
    return DenseCost(
        total.params, total.macs, total.activations, total.attention_macs, total.makeup, body, parts + of_head
    )


def head_of(task: str, size: tuple[int, int], num_classes: int) -> PartCost:
    """Return what a head costs behind maps of `_DIM` channels, to which `level_of` adds what each map has beside."""
    return _numbers_of(_count_head(task, _plain_maps(size), num_classes)[0])


@cache
def level_of(task: str, size: tuple[int, int], num_classes: int, number: int, shape: Shape) -> PartCost:
    """Return what one map [1, C, H, W] adds to `head_of`; the head of any four maps is the sum.

    What a head does with one map does not depend on what the others are.

    Args:
        task: The dense task.
        size: Height and width of the image, pixels.
        num_classes: Classes.
        number: Which map, 0 of the finest.
        shape: Its shape.
    """
    plain = _plain_maps(size)
    maps = (*plain[:number], shape, *plain[number + 1 :])
    counted = (_count_head(task, each, num_classes)[0] for each in (maps, plain))
    given, without = (_numbers_of(each) for each in counted)
    return given - without


def _plain_maps(size: tuple[int, int]) -> tuple[Shape, ...]:
    return tuple((1, _DIM, *(-(-side // stride) for side in size)) for stride in STRIDES)


def _numbers_of(count: PartCost) -> PartCost:
    """Return a cost without what it is made of, which does not add up over maps."""
    return PartCost(count.params, count.macs, count.activations, count.attention_macs)


def _count_pyramid(spec: Backbone, size: tuple[int, int]) -> tuple[PartCost, Parts, tuple[Shape, ...]]:
    check_backbone(spec)
    if isinstance(spec, Spec):
        body = networks.count_body(spec, size)
        return body.total, tuple(body.parts), tuple(body.maps)
    total, maps = _count_timm(spec, size)
    return total, (("backbone", total),), maps


@cache
def _count_timm(name: str, size: tuple[int, int]) -> tuple[PartCost, tuple[Shape, ...]]:
    with on_meta():
        pyramid = build_pyramid(name, size)
    shapes: list[Shape] = []
    pyramid.register_forward_hook(lambda module, args, maps: shapes.extend(tuple(each.shape) for each in maps))
    return count_network(pyramid, 3, *size), tuple(shapes)


@cache
def _count_head(task: str, maps: tuple[Shape, ...], num_classes: int) -> tuple[PartCost, Parts]:
    """Count a task's head behind maps [1, C_i, H_i, W_i]."""
    with on_meta():
        head = load(task).Head([shape[1] for shape in maps], num_classes)
    named, counter = dict(called(head)), Counter()
    spent = counter.watch(list(named.values()))
    counter.run(head, *(torch.empty(shape, device="meta") for shape in maps), stride=STRIDES[0])
    return counter.counted + parameter_cost(head), tuple((name, spent[module]) for name, module in named.items())


def called(head: nn.Module) -> Iterator[tuple[str, Any]]:
    """Yield the modules that a head calls, those of a list one by one."""
    for name, module in head.named_children():
        if isinstance(module, nn.ModuleList):
            yield from ((f"{name} {number}", each) for number, each in enumerate(module, start=1))
        else:
            yield name, module
