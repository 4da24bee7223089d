"""How a study times its designs."""

from vitspace.image_sizes import ImageSize
from vitspace.latency import LatencySettings
from vitspace.spec import NATIVE_SIZE
from vitspace.study.config import StudyConfig
from vitspace.tasks.dense import DenseTask


def timing_of(config: StudyConfig, img_size: ImageSize = NATIVE_SIZE) -> LatencySettings:
    """Return the settings of a study's timings, for images of a size; of a dense task, of whole networks at its size.

    Raises:
        InputError: the back end does not run networks of the task.
    """
    backend, threads, batch = config.latency_backend, config.latency_threads, config.latency_batch
    task = DenseTask.of(config.task, *config.sizes[:1])
    return LatencySettings(backend, threads=threads, batch=batch, img_size=img_size, task=task)
