"""Names of trials as a reader knows them."""

from vitspace.image_sizes import format_image_size
from vitspace.plots.names import design_name, readable_name
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.tasks.words import task_at


def trial_name(trial: Trial) -> str:
    """A trial's anchor, or else its design's name, of several sizes of image with its size; ``trial 3`` without one."""
    if trial.anchor:
        return readable_name(trial.anchor)
    spec = trial.spec
    return design_name(spec.family, spec.id, trial.params) + at_size(trial) if spec else f"trial {trial.number}"


def at_size(trial: Trial) -> str:
    """``@192`` of a searched design in a study of several sizes of image, else nothing."""
    return f"@{format_image_size(trial.img_size)}" if trial.img_size and not trial.anchor else ""


def sizes_words(record: StudyRecord) -> str:
    """``192, 224 and 256 px``: the sizes of image of a study."""
    *most, last = map(format_image_size, record.sizes)
    return f"{', '.join(most)} and {last} px" if most else f"{last} px"


def costed_words(record: StudyRecord) -> str:
    """What FLOPs and latencies are for: ``at 192, 224 and 256 px``, ``of whole networks, semantic-fpn at 512 px``."""
    task = record.task
    return f"of whole networks, {task_at(task['name'], task['size'])}" if task else f"at {sizes_words(record)}"


def latency_name(record: StudyRecord) -> str:
    """``CPU latency``, of whole networks for a dense task, with a back end that is not PyTorch.

    Of a device it is ``latency predicted for pi5``.
    """
    if device := record.config.limits.device:
        return f"latency predicted for {device}"
    return f"CPU latency{' of the whole network' if record.task else ''}{backend_words(record)}"


def backend_words(record: StudyRecord) -> str:
    """What runs the networks, behind a latency: `` in onnxruntime-int8``; empty of PyTorch."""
    backend = record.config.latency_backend
    return "" if backend == "eager" else f" in {backend}"
