"""What a report says of a study for a dense task: its task, and how top-1 carries over."""

from vitspace.image_sizes import format_image_size
from vitspace.report.noise import finite
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.tasks.carrying import Line, lines
from vitspace.tasks.published import dense_rows
from vitspace.tasks.words import task_words


def task_line(record: StudyRecord) -> Line | None:
    """The line of the task's main metric over top-1; None where no task or too few published rows tell one."""
    known = lines(record.task["name"]) if record.task else ()
    return known[0] if known else None


def task_sentence(record: StudyRecord) -> str:
    """What the costs of a study for a dense task are, and what its estimates are of."""
    task = record.task
    said = f"FLOPs, params and latency are those of whole networks for {task_words(**task)}."
    if not record.in_points:
        return said
    size = format_image_size(record.img_size)
    line = task_line(record)
    carries = line.words if line else f"Too few published backbones of {task['name']} tell how that carries over."
    return f"{said} Top-1 is of the backbones as networks of classification at {size} px. {carries}"


def carried_value(record: StudyRecord, trial: Trial) -> tuple[float, float] | None:
    """What a design's top-1 carries over to by the line of published rows, and its standard deviation.

    None outside the range of the rows' top-1, and where there is no line.
    """
    line = task_line(record) if record.in_points else None
    if line is None or trial.score is None or (value := line.value(trial.score)) is None:
        return None
    own = 0.0 if trial.published_top1 is not None else finite(trial.score_std) or 0.0
    return value, (line.sd**2 + (line.slope * own) ** 2) ** 0.5


def carried_words(record: StudyRecord, trial: Trial) -> str:
    """A sentence on `carried_value`; empty where nothing is known of how top-1 carries over."""
    line = task_line(record)
    if not record.in_points or line is None or not line.holds:
        return ""
    found = carried_value(record, trial)
    if found is None:
        low, high = line.top1.min(), line.top1.max()
        return f"Top-1 is outside of the published rows of {line.task}, {low:.1f} to {high:.1f} %: no {line.metric}."
    value, sd = found
    return f"By the published rows of {line.task}: {line.metric} {value:.1f} \N{PLUS-MINUS SIGN} {sd:.1f}, no result."


def printed_results(record: StudyRecord, name: str) -> str | None:
    """What is printed of an anchor in the study's task: ``mIoU 40.0``, of networks as its paper trained them."""
    rows = [row for row in dense_rows() if row.task == record.task["name"] and row.network == name]
    return ", ".join(dict.fromkeys(f"{row.metric} {row.value:g}" for row in rows)) or None
