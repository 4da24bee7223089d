"""The work of a network's operations on a CPU, by kind, added up part by part: the features of predicted latency.

FLOPs are counted on the graph of the paper, but time is spent by the graph that runs, with folded matrices and fused
attention. So each part is run once more under torch's fake CPU tensors, which compute nothing. Every operation is
counted under its kind: how often it runs, its multiply-adds, the elements that it reads and writes. A unit of one kind
takes about the same time everywhere on one machine; the predictor fits that time. Elements are counted by the size of
the tensor, since caches hold small tensors only.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from vitspace.costs import cost
from vitspace.costs.handed import Handed, Shape
from vitspace.costs.remembering import Remembered
from vitspace.image_sizes import ImageSize, plain_size, sides
from vitspace.latency.recorder import Recorder
from vitspace.spec import HeadSpec, Spec, StageSpec, StemSpec

NUM_CLASSES = 1000
Floats = NDArray[np.float64]

_remembered = Remembered("work", __name__)


def work(spec: Spec, img_size: ImageSize = 224) -> Floats:
    """Return the work of a network for one image, by the kinds of `WORK`, [kinds].

    Takes microseconds once the parts of the network are known.

    Raises:
        InputError: the image is smaller than the network's stride.
    """
    counts = cost(spec, img_size).counts
    assert counts is not None
    stem, stages, _ = counts
    total, handed = _stem_work(spec.stem, spec.in_dims[0], img_size), Handed(stem.shape, stride=spec.stem.stride)
    for stage, carry, (_, count) in zip(spec.stages, spec.carries[1:], stages, strict=True):
        total = total + _stage_work(stage, handed)
        handed = count.handed(carry)
    return total + _head_work(spec.head, handed)


@cache
def _stem_work(stem: StemSpec, out_dim: int, img_size: ImageSize) -> Floats:
    def count() -> dict[str, Any]:
        return {"work": _recorded(lambda: stem.build(out_dim, 3), (1, 3, *sides(img_size)))}

    return np.array(_remembered(stem, [out_dim, plain_size(img_size)], count)["work"], float)


@cache
def _stage_work(stage: StageSpec, handed: Handed) -> Floats:
    """Record a stage with few blocks; a block between the first and the last stands for all further ones."""
    probe = 2 if stage.uniform else 3
    depths = (stage.depth,) if stage.depth <= probe else (probe - 1, probe)
    counted = [_probe_work(stage.changed(depth=d), handed) for d in depths]
    return counted[-1] + max(0, stage.depth - probe) * (counted[-1] - counted[0])


@cache
def _probe_work(stage: StageSpec, handed: Handed) -> Floats:
    def build() -> nn.Module:
        return stage.build(handed.dim, handed.carry, [0.0] * stage.depth)

    def count() -> dict[str, Any]:
        return {"work": _recorded(build, handed.shape, handed.carry_shape)}

    return np.array(_remembered(stage, handed.key, count)["work"], float)


@cache
def _head_work(head: HeadSpec, handed: Handed) -> Floats:
    def build() -> nn.Module:
        return head.build(handed.dim, handed.carry, NUM_CLASSES)

    def count() -> dict[str, Any]:
        return {"work": _recorded(build, handed.shape, handed.carry_shape)}

    return np.array(_remembered(head, handed.key, count)["work"], float)


def _recorded(build: Callable[[], nn.Module], *shapes: Shape | None) -> list[int]:
    """Build a part and record a run on fake CPU tensors of the given shapes, its constants made by one before."""
    with FakeTensorMode(), torch.no_grad():
        module = build().eval()
        inputs = [None if shape is None else torch.empty(shape) for shape in shapes]
        module(*inputs)
        with Recorder(module) as recorder:
            module(*inputs)
    return recorder.work
