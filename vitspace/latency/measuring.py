"""Measure: the latency of a spec on this host, cached by spec, host and settings."""

import logging
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
import timm
import torch
from torch import Tensor

from vitspace.cache import cached
from vitspace.host import fingerprint
from vitspace.latency.backends import prepare
from vitspace.latency.protocol import DRIFT_LIMIT, Runner, interleave, median_interval, pinned
from vitspace.network import build
from vitspace.spec import Spec

_log = logging.getLogger(__name__)

REFERENCE = "resnet18"


@dataclass(frozen=True)
class LatencySettings:
    """What is timed.

    Attributes:
        backend: eager (PyTorch as it is), onnxruntime or openvino.
        threads: Threads; a single one has a core of its own.
        batch: Images at once.
        dtype: Of weights and images: float32, or bfloat16 in eager mode.
        img_size: Side of the image in pixels.
        runs: Timed runs.
    """

    backend: str = "eager"
    threads: int = 1
    batch: int = 1
    dtype: str = "float32"
    img_size: int = 224
    runs: int = 25


@dataclass(frozen=True)
class Latency:
    """Milliseconds a batch.

    Attributes:
        median_ms: Median of the runs; p10_ms and p90_ms are percentiles, low_ms and high_ms its 95 % interval.
        reference_ms: Median of the reference network, run in turn.
        drift: Relative change of the reference within the measurement; beyond 5 % the machine did not hold still.
    """

    median_ms: float
    p10_ms: float
    p90_ms: float
    low_ms: float
    high_ms: float
    reference_ms: float
    drift: float
    backend: str
    runs: int
    threads: int
    batch: int
    dtype: str
    host: str


def measure(spec: Spec, settings: LatencySettings = LatencySettings()) -> Latency:
    """Return a network's latency on this host, measured now or before.

    Raises:
        InputError: the back end is not installed.
    """
    key = {"spec": spec.id, "host": fingerprint(), "reference": REFERENCE, **asdict(settings)}
    return Latency(**cached("latency", key, lambda: asdict(_measure(spec, settings))))


def _measure(spec: Spec, settings: LatencySettings) -> Latency:
    image = _image(settings)
    network = build(spec, img_size=settings.img_size).to(image.dtype)
    with pinned(settings.threads):
        runner = prepare(settings.backend, network, image, settings.threads)
        timing = interleave([_reference(settings), runner], settings.runs)
    if abs(timing.drift) > DRIFT_LIMIT:
        _log.warning("latency of %s is unsure: %s moved by %+.1f%% meanwhile", spec.id, REFERENCE, 100 * timing.drift)
    low, median, high = (float(value) for value in np.percentile(timing.times[1], [10, 50, 90]))
    interval = median_interval(timing.times[1])
    return Latency(
        median_ms=median,
        p10_ms=low,
        p90_ms=high,
        low_ms=interval[0],
        high_ms=interval[1],
        reference_ms=float(np.median(timing.times[0])),
        drift=timing.drift,
        host=fingerprint()["host"],
        **{name: getattr(settings, name) for name in ("backend", "runs", "threads", "batch", "dtype")},
    )


@cache
def _reference(settings: LatencySettings) -> Runner:
    image = _image(settings)
    network = timm.create_model(REFERENCE).to(image.dtype)
    return prepare(settings.backend, network, image, settings.threads)


def _image(settings: LatencySettings) -> Tensor:
    dtype = getattr(torch, settings.dtype)
    return torch.zeros(settings.batch, 3, settings.img_size, settings.img_size, dtype=dtype)
