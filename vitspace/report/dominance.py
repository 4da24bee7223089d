"""Which designs of the front are better than a design on every count, as far as their milliseconds are told apart."""

from vitspace.report.gaps import gap
from vitspace.report.names import trial_name
from vitspace.statistics import finite
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.words import some

#: Designs that are named; more are counted.
_NAMED = 4


def told_faster(one: Trial, other: Trial) -> bool | None:
    """Whether all of one trial's interval of milliseconds is below another's; None of sure ones without intervals."""
    high, low = finite(one.latency.get("high_ms")), finite(other.latency.get("low_ms"))
    if high is None or low is None:
        return False if one.latency_doubt or other.latency_doubt else None
    return high < low


def dominating(record: StudyRecord, own: Trial) -> list[Trial]:
    """Trials of the front that are better than one off it, and whose milliseconds are told to be fewer."""
    return [trial for trial in _ahead(record, own) if told_faster(trial, own) is not False]


def dominated_by(record: StudyRecord, number: int) -> str:
    """Say whether a completed trial is on the front, or which of the front are better, and whether that is sure."""
    if any(trial.number == number for trial in record.front):
        return "on the front"
    own = next(trial for trial in record.completed if trial.number == number)
    if sure := dominating(record, own):
        return f"dominated by {_named(record, sure, own)}"
    return f"off the front by milliseconds that are not told apart, behind {_named(record, _ahead(record, own), own)}"


def _ahead(record: StudyRecord, own: Trial) -> list[Trial]:
    """Trials of the front that are at least as good on every axis."""
    return [t for t in record.front if all(a <= b for a, b in zip(t.point, own.point, strict=True))]


def _named(record: StudyRecord, better: list[Trial], own: Trial) -> str:
    return some([f"{trial_name(t)} (trial {t.number}{_caveat(record, t, own)})" for t in better], _NAMED)


def _caveat(record: StudyRecord, better: Trial, own: Trial) -> str:
    if not gap(record, better, own).tie:
        return ""
    return ", a tie in accuracy" if record.in_points else ", the score within noise"
