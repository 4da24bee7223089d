"""Times the parts of a network while the network runs."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitspace.image_sizes import ImageSize, sides
from vitspace.latency import pinned
from vitspace.network import build
from vitspace.spec import Spec
from vitspace.tasks.costs import NECK, called
from vitspace.tasks.dense import DenseTask
from vitspace.tasks.pyramid import Pyramid

#: Runs, and how many of them at the start do not count; of dense tasks, whose networks take seconds, fewer.
_RUNS, _WARM = 15, 3
_DENSE_RUNS, _DENSE_WARM = 4, 1
#: What a dense task's network is timed as: its backbone, its neck (`NECK`), and what they leave of the whole.
BACKBONE, HEAD, _WHOLE = "backbone", "head", "network"


def _named_parts(network: Any) -> list[tuple[str, nn.Module]]:
    """Return the modules that are parts of a network of classification, with the names of `Cost.breakdown`."""
    return [*_body_parts(network), ("head", network.head)]


def _named_dense_parts(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the modules that are parts of a dense task's network, with the names of `DenseCost.breakdown`.

    Of detectors, whose heads are called by torchvision's code, those are the backbone's parts and the neck. The whole
    backbone and the whole network are named, too.
    """
    pyramid = next(module for module in network.modules() if isinstance(module, Pyramid))
    parts = [(_WHOLE, network), (BACKBONE, pyramid), *_body_parts(pyramid)]
    head = getattr(network, "head", None)
    if isinstance(head, nn.Module) and hasattr(head, NECK):
        return [*parts, *called(head)]
    neck = next(module for name, module in network.named_modules() if name.rpartition(".")[2] == NECK)
    return [*parts, (NECK, neck)]


def _body_parts(body: Any) -> list[tuple[str, nn.Module]]:
    parts: list[tuple[str, nn.Module]] = [("stem", body.stem)]
    for i, stage in enumerate(body.stages, start=1):
        if stage.downsample is not None:
            parts.append((f"stage {i} downsample", stage.downsample))
        parts += [(f"stage {i} block {j}", block) for j, block in enumerate(stage.blocks, start=1)]
    return parts


def part_milliseconds(
    spec: Spec, img_size: ImageSize = 224, device: str = "cpu", batch: int = 1, dtype: str = "float32"
) -> dict[str, float]:
    """Return the median milliseconds of each part while the network runs, by name.

    On the CPU on one pinned thread; on a GPU between CUDA events.
    """
    network = build(spec, img_size=img_size).eval().to(device, getattr(torch, dtype))
    images = torch.zeros(batch, 3, *sides(img_size), device=device, dtype=getattr(torch, dtype))
    return _medians(_times(network, _named_parts(network), images, _RUNS, _WARM))


def dense_part_milliseconds(spec: Spec, task: DenseTask, dtype: str = "float32") -> dict[str, float]:
    """Return the median milliseconds of each part of a dense task's network while it runs, by name, as above.

    It runs one image on the CPU. ``backbone`` is the whole of it, ``head`` what backbone and neck leave of each run.
    """
    network = task.build(spec).eval().to(getattr(torch, dtype))
    image = torch.zeros(1, 3, *task.size, dtype=getattr(torch, dtype))
    times = _times(network, _named_dense_parts(network), image, _DENSE_RUNS, _DENSE_WARM)
    times[HEAD] = times.pop(_WHOLE) - times[BACKBONE] - times[NECK]
    return _medians(times)


def _medians(times: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    return {name: float(np.median(each)) for name, each in times.items()}


def _times(
    network: nn.Module, parts: Sequence[tuple[str, nn.Module]], images: Tensor, runs: int, warm: int
) -> dict[str, NDArray[np.float64]]:
    """Return the milliseconds of each part in each run that counts."""
    on_gpu = images.device.type == "cuda"
    clocks: dict[str, _WallClock | _EventClock] = {}
    for name, module in parts:
        clocks[name] = _EventClock() if on_gpu else _WallClock()
        module.register_forward_pre_hook(clocks[name].start)
        module.register_forward_hook(clocks[name].stop)
    alone: AbstractContextManager = nullcontext() if on_gpu else pinned(1)
    with alone, torch.inference_mode():
        for _ in range(runs):
            network(images)
            for clock in clocks.values():
                clock.end_run()
    return {name: np.array(clock.runs[warm:]) for name, clock in clocks.items()}


class _WallClock:
    """Times a module on the CPU, which has run when it returns, in runs that may call it more than once."""

    def __init__(self) -> None:
        self.runs: list[float] = []
        self._began = self._spent = 0.0

    def start(self, *_: object) -> None:
        """Note that the module begins; a forward pre-hook."""
        self._began = time.perf_counter()

    def stop(self, *_: object) -> None:
        """Note that it ends; a forward hook."""
        self._spent += time.perf_counter() - self._began

    def end_run(self) -> None:
        """Add up what it took in this run."""
        self.runs.append(1e3 * self._spent)
        self._spent = 0.0


class _EventClock:
    """Times a module on a GPU, which runs after it has returned, by CUDA events."""

    def __init__(self) -> None:
        self.runs: list[float] = []
        self._pairs: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []

    def start(self, *_: object) -> None:
        """Note that the module begins."""
        pair = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        pair[0].record()
        self._pairs.append(pair)

    def stop(self, *_: object) -> None:
        """Note that it ends."""
        self._pairs[-1][1].record()

    def end_run(self) -> None:
        """Wait for the GPU, and add up what the module took in this run."""
        torch.cuda.synchronize()
        self.runs.append(sum(begin.elapsed_time(end) for begin, end in self._pairs))
        self._pairs.clear()
