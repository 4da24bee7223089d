"""Work: what the operations of a network do on a CPU, by kind, added up part by part; features of latency.

Costs are counted on the graph as its paper writes it; time goes where the graph that really runs goes, folded matrices
and fused attention included. So each part is run once more, under torch's fake CPU tensors, which compute nothing, and
every operation is noted under its kind: how often, how many multiply-adds, how many elements read and written. Those of
one kind cost about the same a unit on one machine, which is what the predictor fits. Elements moved are told apart by
the size of what is moved, since a cache holds the small and not the large.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from vitspace.costs import cost
from vitspace.costs.remembering import Remembered
from vitspace.latency.recorder import Recorder
from vitspace.spec import Carry, HeadSpec, Spec, StageSpec, StemSpec

NUM_CLASSES = 1000
Shape = tuple[int, ...]
Floats = NDArray[np.float64]

_remembered = Remembered("work", "latency/recorder", "families", "layers")


def work(spec: Spec, img_size: int = 224) -> Floats:
    """Return what the operations of a network do for one image, as `WORK` names it, [kinds].

    Microseconds once its parts are known.

    Raises:
        InputError: the image is smaller than the network's stride.
    """
    counts = cost(spec, img_size).counts
    assert counts is not None
    stem, stages, _ = counts
    total = _stem_work(spec.stem, spec.in_dims[0], img_size)
    shape, carry_shape = stem.shape, None
    for stage, in_dim, carry, (_, count) in zip(spec.stages, spec.in_dims, spec.carries, stages, strict=False):
        total = total + _stage_work(stage, in_dim, carry, shape, carry_shape)
        shape, carry_shape = count.shape, count.carry_shape
    return total + _head_work(spec.head, spec.in_dims[-1], spec.carries[-1], shape, carry_shape)


@cache
def _stem_work(stem: StemSpec, out_dim: int, img_size: int) -> Floats:
    def count() -> dict[str, Any]:
        return {"work": _recorded(lambda: stem.build(out_dim, 3), (1, 3, img_size, img_size))}

    return np.array(_remembered(stem, [out_dim, img_size], count)["work"], float)


@cache
def _stage_work(stage: StageSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None) -> Floats:
    """Record a stage with few blocks; one between the first and the last is what more blocks add."""
    probe = 2 if stage.uniform else 3
    depths = (stage.depth,) if stage.depth <= probe else (probe - 1, probe)
    counted = [_probe_work(stage.changed(depth=d), in_dim, carry, shape, carry_shape) for d in depths]
    return counted[-1] + max(0, stage.depth - probe) * (counted[-1] - counted[0])


@cache
def _probe_work(stage: StageSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None) -> Floats:
    def count() -> dict[str, Any]:
        return {"work": _recorded(lambda: stage.build(in_dim, carry, [0.0] * stage.depth), shape, carry_shape)}

    return np.array(
        _remembered(stage, [in_dim, asdict(carry) if carry else None, shape, carry_shape], count)["work"], float
    )


@cache
def _head_work(head: HeadSpec, in_dim: int, carry: Carry | None, shape: Shape, carry_shape: Shape | None) -> Floats:
    def count() -> dict[str, Any]:
        return {"work": _recorded(lambda: head.build(in_dim, carry, NUM_CLASSES), shape, carry_shape)}

    context = [in_dim, asdict(carry) if carry else None, shape, carry_shape]
    return np.array(_remembered(head, context, count)["work"], float)


def _recorded(build: Callable[[], nn.Module], *shapes: Shape | None) -> list[int]:
    """Build a part and record a run on fake CPU tensors of the given shapes, its constants made by one before."""
    with FakeTensorMode(), torch.no_grad():
        module = build().eval()
        inputs = [None if shape is None else torch.empty(shape) for shape in shapes]
        module(*inputs)
        with Recorder(module) as recorder:
            module(*inputs)
    return recorder.work
