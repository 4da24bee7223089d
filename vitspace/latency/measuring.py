"""Measures the latency of a spec on this host; results are cached by spec, host and settings."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import timm
import torch
from torch import Tensor

from vitspace import quiet
from vitspace.cache import load, store
from vitspace.errors import InputError
from vitspace.host import fingerprint
from vitspace.latency.backends import prepare
from vitspace.latency.protocol import DRIFT_LIMIT, Runner, interleave, median_interval, pinned
from vitspace.network import build
from vitspace.sources import sources_of
from vitspace.spec import Spec

_log = logging.getLogger(__name__)

REFERENCE = "resnet18"
DTYPES = ("float32", "bfloat16")
#: How much longer than usual the reference network may take, as a share.
BUSY_LIMIT = 0.10
#: Share of the core's time that a measurement must have had.
LEAST_SHARE = 0.95


@dataclass(frozen=True)
class LatencySettings:
    """Settings of a timing.

    Attributes:
        backend: eager (PyTorch), onnxruntime or openvino.
        threads: Number of threads; a single thread is pinned to a core.
        batch: Images at once.
        dtype: Type of weights and images: float32, or bfloat16 in eager mode.
        img_size: Side of the image in pixels.
        runs: Number of timed runs.

    Raises:
        InputError: a number is below 1, or the backend has no such dtype.
    """

    backend: str = "eager"
    threads: int = 1
    batch: int = 1
    dtype: str = "float32"
    img_size: int = 224
    runs: int = 25

    def __post_init__(self) -> None:
        check_settings(self, self.backend, DTYPES if self.backend == "eager" else DTYPES[:1])


def check_settings(settings: Any, backend: str, dtypes: Sequence[str]) -> None:
    """Raise InputError if a number is below 1, or the backend has no such dtype."""
    for name, value in vars(settings).items():
        if isinstance(value, int) and value < 1:
            raise InputError(f"{name} is at least 1, but got {value}")
    if settings.dtype not in dtypes:
        raise InputError(f"dtype of {backend} is one of {', '.join(dtypes)}, but got {settings.dtype!r}")


@dataclass(frozen=True)
class Latency:
    """Milliseconds of a batch.

    Attributes:
        median_ms: Median of the runs; p10_ms and p90_ms are percentiles, low_ms and high_ms its 95 % interval.
        reference_ms: Median of the reference network, which is timed in turn with the design.
        usual_ms: Smallest median of the reference network so far on this host.
        drift: Relative change of the reference network's time during the measurement.
        core_share: Share of the time in which this process had a core.
    """

    median_ms: float
    p10_ms: float
    p90_ms: float
    low_ms: float
    high_ms: float
    reference_ms: float
    usual_ms: float
    drift: float
    core_share: float
    backend: str
    runs: int
    threads: int
    batch: int
    dtype: str
    host: str

    @property
    def doubt(self) -> str:
        """Say why the measurement is doubtful, or return an empty string."""
        if abs(self.drift) > DRIFT_LIMIT:
            return f"the time of {REFERENCE} changed by {self.drift:+.1%} meanwhile"
        if self.core_share < LEAST_SHARE:
            return f"the machine was busy: other processes had {1 - self.core_share:.0%} of this one's core"
        if self.reference_ms > (1 + BUSY_LIMIT) * self.usual_ms:
            return f"the machine was busy: {REFERENCE} took {self.reference_ms:.1f} ms, usually {self.usual_ms:.1f} ms"
        return ""


def measure(spec: Spec, settings: LatencySettings = LatencySettings(), again: bool = True) -> Latency:
    """Return a network's latency on this host, from the cache or measured now.

    Args:
        spec: The design.
        settings: Settings of the timing.
        again: Whether doubtful measurements are logged, and cached ones are measured again.

    Raises:
        InputError: the backend is not installed.
    """
    sources = sources_of("vitspace.network", "vitspace.latency.protocol") + spec.sources
    key = json.dumps({"spec": spec.id, "sources": sources, **_circumstances(settings)}, sort_keys=True)
    found = load("latency", key)
    if found:
        before = Latency(**found[key])
        # The machine's usual speed may have been seen only later.
        latency = replace(before, usual_ms=_usual(settings, before.reference_ms))
        if not (latency.doubt and again):
            return latency
    latency = measure_anew(spec, settings)
    if latency.doubt and again:
        _log.warning("the latency of %s is unsure: %s", spec.id, latency.doubt)
    store("latency", {key: asdict(latency)})
    return latency


def _circumstances(settings: LatencySettings) -> dict[str, Any]:
    return {"host": fingerprint(), "reference": REFERENCE, **asdict(settings)}


def usual_ms(settings: LatencySettings) -> float | None:
    """Return the smallest median of the reference network on this host at such settings; None if it never ran."""
    key = _reference_key(settings)
    return load("reference", key).get(key, {"ms": None})["ms"]


def _usual(settings: LatencySettings, now_ms: float) -> float:
    """Return the smallest median of the reference network on this host, and keep it."""
    before = usual_ms(settings)
    if before is None or now_ms < before:
        store("reference", {_reference_key(settings): {"ms": now_ms}})
        return now_ms
    return before


def _reference_key(settings: LatencySettings) -> str:
    """Return the cache key of the reference network's time; the number of runs is not part of it."""
    return json.dumps(_circumstances(settings) | {"runs": None}, sort_keys=True)


def measure_anew(spec: Spec, settings: LatencySettings) -> Latency:
    """Measure without the cache; only the usual time of the reference network is kept.

    Processes of one host take turns, and those that train wait meanwhile: see `vitspace.quiet`.
    """
    image = _image(settings)
    network = build(spec, img_size=settings.img_size).to(image.dtype)
    with quiet.timing(), pinned(settings.threads):
        runner = prepare(settings.backend, network, image, settings.threads)
        timing = interleave([_reference(settings), runner], settings.runs)
    reference_ms = float(np.median(timing.times[0]))
    low, median, high = (float(value) for value in np.percentile(timing.times[1], [10, 50, 90]))
    interval = median_interval(timing.times[1])
    return Latency(
        median_ms=median,
        p10_ms=low,
        p90_ms=high,
        low_ms=interval[0],
        high_ms=interval[1],
        reference_ms=reference_ms,
        usual_ms=_usual(settings, reference_ms),
        drift=timing.drift,
        core_share=timing.core_share,
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
