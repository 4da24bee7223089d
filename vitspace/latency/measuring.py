"""Measures the latency of a spec on this host; results are cached by spec, host and settings."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import timm
import torch
from torch import Tensor, nn

from vitspace.cache import load, store
from vitspace.errors import InputError, shown
from vitspace.image_sizes import ImageSize, plain_size, sides
from vitspace.latency.backends import prepare, runtime_versions
from vitspace.latency.protocol import Clock, Runner, TimedRounds, interleave, pinned
from vitspace.latency.timed import remember
from vitspace.machine import quiet
from vitspace.machine.host import fingerprint
from vitspace.measured import NORMAL_95, REFERENCE, USUAL_SD, Latency, runtime_of
from vitspace.network import build
from vitspace.precision import USUAL_PRECISION, check_precision
from vitspace.sized import plain
from vitspace.sources import sources_of
from vitspace.spec import Spec
from vitspace.tasks.dense import DenseTask

DTYPES = ("float32", "bfloat16")
#: How quiet a machine is that does nothing else, as `vitspace.latency.protocol.TimedRounds.quiet` has it, and one of
#: which nothing is known: as beside one other program for each core.
QUIET_SHARE, UNKNOWN_SHARE = 0.95, 0.5
#: How many times of the reference are kept, of a quiet machine or shorter, and which quantile of them is the usual one.
#: Others slow a thread that has its core, too, by caches and memory that they share: most of a busy hour's times are
#: long.
KEPT, USUAL = 200, 0.1


@dataclass(frozen=True)
class LatencySettings:
    """Settings of a timing.

    Attributes:
        backend: One of `vitspace.latency.backends.BACKENDS`.
        threads: Number of threads; a single thread is pinned to a core.
        batch: Images at once.
        dtype: Type of weights and images: float32, or bfloat16 in eager mode.
        img_size: Side of the image, or (height, width), pixels.
        runs: Timed runs, at least.
        precision: Half the width, relative, of the 95 % interval of the ratio to the reference; runs are added until
            it is reached, or `vitspace.latency.protocol.most_rounds` were made.
        task: The dense task whose whole network is timed, at that task's size of images; None is classification.

    Raises:
        InputError: a number is below 1, the precision is none that can be asked, or the back end has no such dtype, or
            does not run networks of the task.
    """

    backend: str = "eager"
    threads: int = 1
    batch: int = 1
    dtype: str = "float32"
    img_size: ImageSize = 224
    runs: int = 9
    precision: float = USUAL_PRECISION
    task: DenseTask | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "img_size", plain_size(self.task.size if self.task else self.img_size))
        check_settings(self, self.backend, DTYPES if self.backend == "eager" else DTYPES[:1])
        if self.task:
            self.task.check_runs(self.backend, self.dtype)
        check_precision(self.precision)


def check_settings(settings: Any, backend: str, dtypes: Sequence[str]) -> None:
    """Raise InputError if a number is below 1, or the backend has no such dtype."""
    for name, value in vars(settings).items():
        if isinstance(value, int) and value < 1:
            raise InputError(f"{name} is at least 1, but got {value}")
    if settings.dtype not in dtypes:
        raise InputError(f"dtype of {backend} is one of {', '.join(dtypes)}, but got {shown(settings.dtype)}")


def measure(spec: Spec, settings: LatencySettings = LatencySettings(), again: bool = True) -> Latency:
    """Return a network's latency on this host, from the cache or measured now.

    Args:
        spec: The design.
        settings: What is timed.
        again: Whether what is unsure is measured again.

    Raises:
        InputError: the backend is not installed.
    """
    key = _key(spec, settings)
    before = recall(key, settings)
    if before and not (before.unsure and again):
        return before
    return _kept(measure_anew(spec, settings), spec, settings)


def measure_again(spec: Spec, settings: LatencySettings) -> Latency:
    """Measure a network now, and return the mean with what was measured of it on this host before.

    Raises:
        InputError: the backend is not installed.
    """
    latency, before = measure_anew(spec, settings), recall(_key(spec, settings), settings)
    return _kept(latency.joined(before) if before else latency, spec, settings)


def recall(key: str, settings: LatencySettings) -> Latency | None:
    """Return what was measured on this host before under a key, at the usual speed as it is known now."""
    found = load("latency", key)
    if not found:
        return None
    before = replace(Latency(**found[key]), prepare_seconds=0.0)  # nothing is prepared now
    return before.at_usual(*(usual_speed(settings) or (before.usual_ms, before.usual_sd)))


def _kept(latency: Latency, spec: Spec, settings: LatencySettings) -> Latency:
    """Keep a latency for the next time, and return it."""
    retain(_key(spec, settings), latency)
    if settings.task is None:
        remember(place_of(settings), spec, latency, settings.img_size)
    return latency


def retain(key: str, latency: Latency) -> None:
    """Keep a latency under a key for the next time."""
    store("latency", {key: asdict(latency)})


def key_of(settings: LatencySettings, sources: str = "", **network: str) -> str:
    """Name a timing on this host: what is timed, by which code, host and settings.

    Args:
        settings: Of the timing.
        sources: Digest of the code that makes the network.
        network: What is timed.
    """
    return json.dumps(
        {**network, "sources": sources_of(__name__) + sources, **_circumstances(settings)}, sort_keys=True
    )


def _key(spec: Spec, settings: LatencySettings) -> str:
    task = {"task": str(settings.task)} if settings.task else {}
    return key_of(settings, spec.sources, spec=plain(spec).id, **task)


def _circumstances(settings: LatencySettings) -> dict[str, Any]:
    """Return what a timing is made by; what is timed, a task's network or another, is not of it."""
    runtime, facts = runtime_versions(settings.backend), asdict(settings)
    del facts["task"]
    facts = {"host": fingerprint(), "reference": REFERENCE, **facts}
    return facts | {"runtime": runtime} if runtime else facts


class UsualSpeed(NamedTuple):
    """The reference's milliseconds when nothing else runs, and by how much their logarithm may be too high."""

    ms: float
    sd: float

    @property
    def factor(self) -> float:
        """How many times too long the milliseconds may be, in 95 % of such cases."""
        return math.exp(NORMAL_95 * self.sd)


def usual_ms(settings: LatencySettings) -> float | None:
    """Return the reference's median on this host when nothing else runs; None where it never ran."""
    usual = usual_speed(settings)
    return usual.ms if usual else None


def usual_speed(settings: LatencySettings) -> UsualSpeed | None:
    """Return the reference's median on this host when nothing else runs, as far as is known; None where it never ran.

    That is a low quantile of its last measurements that were quiet, or faster than quiet ones. Where none was quiet, it
    is the least of all, and the less sure the busier the quietest was.
    """
    seen = _seen(settings)
    return _speed(seen) if seen else None


def _seen(settings: LatencySettings) -> list[tuple[float, float]]:
    """Return the reference's milliseconds, and how quiet the machine was, the last that are kept."""
    key = place_of(settings)
    return [(ms, share) for ms, share in load("usual", key).get(key, {"seen": []})["seen"]]


def _see(settings: LatencySettings, ms: float, share: float | None) -> UsualSpeed:
    """Remember a measurement of the reference on a machine so quiet, and return the usual speed."""
    new = ms, UNKNOWN_SHARE if share is None else share
    store("usual", {place_of(settings): {"seen": _telling([*_seen(settings), new])[-KEPT:]}})
    return usual_speed(settings) or _speed([new])  # the cache may be unusable


def _speed(seen: list[tuple[float, float]]) -> UsualSpeed:
    times, quiet = zip(*_telling(seen), strict=True)
    quietest = max(quiet)
    return UsualSpeed(float(np.quantile(times, USUAL)), 0.0 if quietest >= QUIET_SHARE else USUAL_SD * (1 - quietest))


def _telling(seen: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return what tells of the usual time, of milliseconds and how quiet the machine was."""
    quiet = [ms for ms, share in seen if share >= QUIET_SHARE]
    if not quiet:
        return [(min(ms for ms, _ in seen), max(share for _, share in seen))]
    return [(ms, share) for ms, share in seen if share >= QUIET_SHARE or ms < np.quantile(quiet, USUAL)]


def place_of(settings: LatencySettings) -> str:
    """Name the host, versions and settings of a timing, however often it ran."""
    return json.dumps(_circumstances(settings) | {"runs": None, "precision": None}, sort_keys=True)


def measure_anew(spec: Spec, settings: LatencySettings) -> Latency:
    """Measure now, whatever was measured before, and keep nothing but the reference's time."""
    network = settings.task.build(spec) if settings.task else build(spec, img_size=settings.img_size)
    return time_network(network, settings)


def time_network(network: nn.Module, settings: LatencySettings) -> Latency:
    """Time a network of images [B, 3, H, W] now.

    Processes of one host take turns, and those that train wait meanwhile: see `vitspace.machine.quiet`.
    """
    runners, seconds = prepare_network(network, settings)
    return replace(time_runners(runners, settings), prepare_seconds=seconds)


def prepare_network(network: nn.Module, settings: LatencySettings) -> tuple[list[Runner], float]:
    """Return what runs the reference and a network of images [B, 3, H, W], and the seconds that the second took."""
    image, reference, began = _image(settings), _reference(settings), time.perf_counter()
    runners = [reference, prepare(settings.backend, network.to(image.dtype), image, settings.threads)]
    return runners, time.perf_counter() - began


def time_runners(runners: Sequence[Runner], settings: LatencySettings) -> Latency:
    """Time a network now from what runs the reference and it, in turn."""
    with quiet.timing(), pinned(settings.threads):
        return summarise(interleave(runners, settings.runs, settings.precision, _clock(settings)), settings)


def summarise(timing: TimedRounds, settings: LatencySettings) -> Latency:
    """Return the latency that runs of the reference and a network, in turn, amount to."""
    reference_ms = float(np.median(timing.times[0]))
    usual = _see(settings, reference_ms, timing.quiet)
    ratio, spread = timing.ratio()
    p10, p90 = np.percentile(timing.times[1], [10, 90]) / reference_ms
    found = Latency(
        median_ms=ratio * usual.ms,
        p10_ms=float(p10 * usual.ms),
        p90_ms=float(p90 * usual.ms),
        low_ms=ratio * usual.ms,
        high_ms=ratio * usual.ms,
        measured_ms=float(np.median(timing.wall[1])),
        reference_ms=reference_ms,
        usual_ms=usual.ms,
        core_share=timing.core_share,
        spread=spread,
        host=fingerprint()["host"],
        runs=timing.times.shape[1],
        **{name: getattr(settings, name) for name in ("backend", "threads", "batch", "dtype", "precision")},
    )
    return found.at_usual(*usual)


def _clock(settings: LatencySettings) -> Clock:
    """Return the clock of work: of this thread, of this process where the back end works on a thread of its own."""
    if settings.threads > 1:
        return time.perf_counter
    return time.process_time if runtime_of(settings.backend) == "openvino" else time.thread_time


@cache
def _reference(settings: LatencySettings) -> Runner:
    image = _image(settings)
    network = timm.create_model(REFERENCE).to(image.dtype)
    return prepare(settings.backend, network, image, settings.threads)


def _image(settings: LatencySettings) -> Tensor:
    dtype = getattr(torch, settings.dtype)
    return torch.zeros(settings.batch, 3, *sides(settings.img_size), dtype=dtype)
