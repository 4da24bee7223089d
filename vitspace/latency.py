"""Latency: how long a network takes on this machine's CPU, by a fixed protocol.

One process, pinned to one core a thread; the network and a fixed reference network run in turn, so that whatever
slows the machine slows both; the median is reported with its 10th and 90th percentiles. Measurements are cached by
spec, host and settings.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
import timm
import torch
from torch import Tensor, nn

from vitspace.cache import cached
from vitspace.host import cores, fingerprint
from vitspace.network import build
from vitspace.spec import Spec

REFERENCE = "resnet18"


@dataclass(frozen=True)
class LatencySettings:
    """The protocol.

    Attributes:
        backend: eager is PyTorch as it is.
        threads: Threads, each on its own core.
        batch: Images at once.
        dtype: Of weights and images.
        img_size: Side of the image in pixels.
        runs: Timed runs.
        warmup: Runs before them.
    """

    backend: str = "eager"
    threads: int = 1
    batch: int = 1
    dtype: str = "float32"
    img_size: int = 224
    runs: int = 25
    warmup: int = 4


@dataclass(frozen=True)
class Latency:
    """Milliseconds a batch: median, 10th and 90th percentile, beside the reference network's median in the same run."""

    median_ms: float
    p10_ms: float
    p90_ms: float
    reference_ms: float
    runs: int
    threads: int
    batch: int
    host: str


def measure(spec: Spec, settings: LatencySettings = LatencySettings()) -> Latency:
    """Return a network's latency on this host, measured now or before."""
    key = {"spec": spec.id, "host": fingerprint(), "reference": REFERENCE, **asdict(settings)}
    return Latency(**cached("latency", key, lambda: asdict(_measure(spec, settings))))


def _measure(spec: Spec, settings: LatencySettings) -> Latency:
    network = build(spec, img_size=settings.img_size).eval()
    image = torch.zeros(settings.batch, 3, settings.img_size, settings.img_size)
    with pinned(settings.threads), torch.inference_mode():
        times, reference = _interleave(network, _reference_network(), image, settings)
    low, median, high = np.percentile(times, [10, 50, 90])
    return Latency(
        median_ms=float(median),
        p10_ms=float(low),
        p90_ms=float(high),
        reference_ms=float(np.median(reference)),
        runs=settings.runs,
        threads=settings.threads,
        batch=settings.batch,
        host=fingerprint()["host"],
    )


def _interleave(
    network: nn.Module, reference: nn.Module, image: Tensor, settings: LatencySettings
) -> tuple[list[float], list[float]]:
    times: list[float] = []
    reference_times: list[float] = []
    for _ in range(settings.warmup + settings.runs):
        reference_times.append(_milliseconds(reference, image))
        times.append(_milliseconds(network, image))
    return times[settings.warmup :], reference_times[settings.warmup :]


def _milliseconds(network: nn.Module, image: Tensor) -> float:
    start = time.perf_counter()
    network(image)
    return 1e3 * (time.perf_counter() - start)


@cache
def _reference_network() -> nn.Module:
    return timm.create_model(REFERENCE).eval()


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Run torch on ``threads`` threads, this one on a core of its own; as before afterwards."""
    before_threads, before_cores = torch.get_num_threads(), cores()
    torch.set_num_threads(threads)
    if threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {before_cores[-1]})
    try:
        yield
    finally:
        torch.set_num_threads(before_threads)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, before_cores)
