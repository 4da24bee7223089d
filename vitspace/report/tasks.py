"""What a report says of a study for a dense task: its task, and how top-1 carries over."""

from vitspace.about import about, all_about
from vitspace.image_sizes import format_image_size
from vitspace.statistics import finite
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.tasks.carrying import Line, lines
from vitspace.tasks.published import dense_rows
from vitspace.tasks.words import task_words
from vitspace.words import plural


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
    beyond = _beyond_words(record, line) if line and line.holds else ""
    return f"{said} Top-1 is of the backbones as networks of classification at {size} px. {carries}{beyond}"


def _beyond_words(record: StudyRecord, line: Line) -> str:
    """Count the designs of the front of which the line says nothing, since their top-1 is outside its rows'."""
    top1 = [trial.score for trial in record.front if trial.score is not None]
    parts = {
        "above": sum(each > line.top1.max() for each in top1),
        "below": sum(each < line.top1.min() for each in top1),
    }
    if not any(parts.values()):
        return ""
    counted = " and ".join(f"{count} {side}" for side, count in parts.items() if count)
    return f" Of the {plural(len(top1), 'design')} on the front {counted} that range: no {line.metric} is said of them."


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
    said = f"By the published rows of {line.task}: {line.metric} {value:.1f} \N{PLUS-MINUS SIGN} {sd:.1f}, no result"
    return f"{said}{_family_words(line, trial.spec.family if trial.spec else '')}."


def _family_words(line: Line, family: str) -> str:
    """How far a family's own rows lie from the line through those of other families; empty where it has none."""
    errors = line.errors_of(family)
    if not len(errors):
        return f"; no row is of {about(family).name}" if family in all_about() else ""
    mean = float(errors.mean())
    where = f"{abs(mean):.1f} points {'above' if mean > 0 else 'below'}"
    rows = "row lies" if len(errors) == 1 else f"{len(errors)} rows lie"
    return f"; {about(family).name}'s own {rows} {where} the line of the others"


def printed_results(record: StudyRecord, name: str) -> str | None:
    """What is printed of an anchor in the study's task: ``mIoU 40.0``, of networks as its paper trained them."""
    rows = [row for row in dense_rows() if row.task == record.task["name"] and row.network == name]
    return ", ".join(dict.fromkeys(row.printed for row in rows)) or None
