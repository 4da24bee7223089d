"""Timing: how a study times its designs."""

from vitspace.image_sizes import ImageSize
from vitspace.latency import LatencySettings
from vitspace.spec import NATIVE_SIZE
from vitspace.study.config import StudyConfig


def timing_of(config: StudyConfig, img_size: ImageSize = NATIVE_SIZE) -> LatencySettings:
    """Return the settings of a study's timings."""
    backend, threads, batch = config.latency_backend, config.latency_threads, config.latency_batch
    return LatencySettings(backend, threads=threads, batch=batch, img_size=img_size)
