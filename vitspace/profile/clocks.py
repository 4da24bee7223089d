"""Times the parts of a network while the network runs."""

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import numpy as np
import torch
from torch import nn

from vitspace.image_sizes import ImageSize, sides
from vitspace.latency import pinned
from vitspace.network import Network, build
from vitspace.spec import Spec

_RUNS = 15
_WARM = 3


class Clock(Protocol):
    """Times a module over several runs of the network; a run may call it more than once."""

    runs: list[float]

    def start(self, *_: object) -> None:
        """Note that the module begins; a forward pre-hook."""

    def stop(self, *_: object) -> None:
        """Note that it ends; a forward hook."""

    def end_run(self) -> None:
        """Add up what it took in this run."""


def named_parts(network: Network) -> list[tuple[str, nn.Module]]:
    """Return the modules that are parts of the network, with the names of `Cost.breakdown`."""
    parts: list[tuple[str, nn.Module]] = [("stem", network.stem)]
    for i, stage in enumerate(network.stages, start=1):
        if stage.downsample is not None:
            parts.append((f"stage {i} downsample", stage.downsample))  # type: ignore[arg-type]
        parts += [(f"stage {i} block {j}", block) for j, block in enumerate(stage.blocks, start=1)]  # type: ignore[arg-type]
    return [*parts, ("head", network.head)]


def part_milliseconds(
    spec: Spec, img_size: ImageSize = 224, device: str = "cpu", batch: int = 1, dtype: str = "float32"
) -> dict[str, float]:
    """Return the median milliseconds of each part while the network runs, by name.

    On the CPU on one pinned thread; on a GPU between CUDA events.
    """
    network = build(spec, img_size=img_size).eval().to(device, getattr(torch, dtype))
    clocks: dict[str, Clock] = {}
    for name, module in named_parts(network):
        clocks[name] = EventClock() if device == "cuda" else WallClock()
        module.register_forward_pre_hook(clocks[name].start)
        module.register_forward_hook(clocks[name].stop)
    images = torch.zeros(batch, 3, *sides(img_size), device=device, dtype=getattr(torch, dtype))
    alone: AbstractContextManager = nullcontext() if device == "cuda" else pinned(1)
    with alone, torch.inference_mode():
        for _ in range(_RUNS):
            network(images)
            for clock in clocks.values():
                clock.end_run()
    return {name: float(np.median(clock.runs[_WARM:])) for name, clock in clocks.items()}


class WallClock:
    """Times a module on the CPU, which has run when it returns."""

    def __init__(self) -> None:
        self.runs: list[float] = []
        self._began = self._spent = 0.0

    def start(self, *_: object) -> None:
        """Note that the module begins."""
        self._began = time.perf_counter()

    def stop(self, *_: object) -> None:
        """Note that it ends."""
        self._spent += time.perf_counter() - self._began

    def end_run(self) -> None:
        """Add up what it took in this run."""
        self.runs.append(1e3 * self._spent)
        self._spent = 0.0


class EventClock:
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
