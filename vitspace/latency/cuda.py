"""Time and memory of batches on an NVIDIA GPU.

A GPU runs asynchronously, so CUDA events mark the begin and end of a batch. After a warm-up, batches are timed one by
one; throughput is measured on batches queued one after the other, as a server runs them; peak memory is the most that
torch's allocator held in a forward, weights and images included.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize, plain_size, sides
from vitspace.latency.measuring import check_settings
from vitspace.latency.protocol import Runner, warm_up
from vitspace.network import build
from vitspace.spec import Spec

DTYPES = ("float32", "float16", "bfloat16")
#: How much a network's own time may move within a measurement.
DRIFT_LIMIT = 0.05
_RESAMPLES = 400


@dataclass(frozen=True)
class CudaSettings:
    """Settings of a timing on the GPU.

    Attributes:
        batch: Images at once.
        dtype: Type of weights and images: float32, float16 or bfloat16.
        img_size: Side of the image, or (height, width), pixels.
        runs: Timed batches.

    Raises:
        InputError: a number is below 1, or there is no such dtype.
    """

    batch: int = 64
    dtype: str = "float32"
    img_size: ImageSize = 224
    runs: int = 30

    def __post_init__(self) -> None:
        object.__setattr__(self, "img_size", plain_size(self.img_size))
        check_settings(self, "cuda", DTYPES)


@dataclass(frozen=True)
class CudaLatency:
    """Milliseconds of a batch on a GPU.

    Attributes:
        median_ms: Median of the batches; p10_ms and p90_ms are percentiles, low_ms and high_ms its 95 % interval.
        images_per_second: Throughput of batches queued one after the other.
        peak_mb: The most that torch's allocator held in a forward, in MB (10^6 bytes).
        drift: Relative change of the batch's median from the first to the last third.
        device: The GPU's name.
        tf32: Whether float32 convolutions and products may run in TF32, by torch's own settings.
    """

    median_ms: float
    p10_ms: float
    p90_ms: float
    low_ms: float
    high_ms: float
    images_per_second: float
    peak_mb: float
    drift: float
    device: str
    tf32: bool
    batch: int
    dtype: str
    runs: int
    backend: str = "eager"

    @property
    def doubt(self) -> str:
        """Say what changed during the measurement, or return an empty string."""
        if abs(self.drift) > DRIFT_LIMIT:
            return f"its time changed by {self.drift:+.1%} meanwhile"
        return ""


class Gpu:
    """The GPU that torch uses; tests have others."""

    def milliseconds(self, run: Runner) -> float:
        """Run once and return the milliseconds between two events around it."""
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        return start.elapsed_time(end)

    def finish(self) -> None:
        """Wait for all that is queued."""
        torch.cuda.synchronize()

    def peak_mb(self, run: Runner) -> float:
        """Run once and return the most memory held meanwhile, in MB."""
        self.finish()
        torch.cuda.reset_peak_memory_stats()
        run()
        self.finish()
        return torch.cuda.max_memory_allocated() / 1e6


@dataclass(frozen=True)
class Batches:
    """Timed batches: milliseconds of each [runs], milliseconds of all in one queue, and the peak memory in MB."""

    times: NDArray[np.float64]
    queued_ms: float
    peak_mb: float


def check_cuda() -> None:
    """Raise InputError if torch sees no GPU."""
    if not torch.cuda.is_available():
        raise InputError(f"device 'cuda' needs an NVIDIA GPU, but torch {torch.__version__} sees none; take 'cpu'")


def measure_cuda(spec: Spec, settings: CudaSettings = CudaSettings()) -> CudaLatency:
    """Return a network's time, throughput and memory on the GPU, measured now.

    Raises:
        InputError: there is no GPU.
    """
    check_cuda()
    dtype = getattr(torch, settings.dtype)
    shape = settings.batch, 3, *sides(settings.img_size)
    network = build(spec, img_size=settings.img_size).eval().to("cuda", dtype)
    images = torch.zeros(shape, device="cuda", dtype=dtype)

    def run() -> None:
        with torch.inference_mode():
            network(images)

    batches = time_batches(run, Gpu(), settings.runs)
    return summarise(batches, settings, torch.cuda.get_device_name(), _tf32())


def time_batches(run: Runner, device: Gpu, runs: int) -> Batches:
    """Warm up until times are steady; time batches one by one and all in one queue; measure the memory of one."""
    warm_up(_finished(run, device))
    times = np.array([device.milliseconds(run) for _ in range(runs)])
    queued_ms = device.milliseconds(lambda: [run() for _ in range(runs)])
    return Batches(times, queued_ms, device.peak_mb(run))


def summarise(batches: Batches, settings: CudaSettings, device: str, tf32: bool) -> CudaLatency:
    """Return timed batches as a record."""
    p10, median, p90 = (float(value) for value in np.percentile(batches.times, [10, 50, 90]))
    low, high = median_interval(batches.times)
    images = settings.batch * len(batches.times)
    return CudaLatency(
        median_ms=median,
        p10_ms=p10,
        p90_ms=p90,
        low_ms=low,
        high_ms=high,
        images_per_second=1e3 * images / batches.queued_ms,
        peak_mb=batches.peak_mb,
        drift=drift(batches.times),
        device=device,
        tf32=tf32,
        batch=settings.batch,
        dtype=settings.dtype,
        runs=settings.runs,
    )


def _finished(run: Runner, device: Gpu) -> Callable[[], None]:
    def wait() -> None:
        run()
        device.finish()

    return wait


def _tf32() -> bool:
    return torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32


def median_interval(times: NDArray[np.float64]) -> tuple[float, float]:
    """Bootstrap 95 % interval of the median of times [N], the same for the same times."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(times, (_RESAMPLES, len(times))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(low), float(high)


def drift(times: NDArray[np.float64]) -> float:
    """Relative change of the median from the first to the last third of times [N]."""
    third = max(1, len(times) // 3)
    return float(np.median(times[-third:]) / np.median(times[:third]) - 1)
