"""Figures of a report, by file name."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from vitspace.plots import style
from vitspace.report.check import check_name, proxy_value
from vitspace.report.history_figure import draw_history
from vitspace.report.names import latency_name
from vitspace.report.plane_figure import draw_plane, plane
from vitspace.report.scatter import Axis, scatter, training_check
from vitspace.report.score_figure import draw
from vitspace.report.words import score_word
from vitspace.study.record import StudyRecord


@dataclass(frozen=True)
class ReportFigure:
    """A figure of every report.

    Attributes:
        alt: What it shows, for a reader who does not see it.
        draw: Draws it in a format.
    """

    alt: str
    draw: Callable[[StudyRecord, style.Format], Figure]


def score_against(record: StudyRecord, axis: Axis, form: style.Format = style.WIDE) -> Figure:
    """Draw every completed trial's score against ``macs`` or ``latency_ms``."""
    return draw(scatter(record, axis), form)


def figures(record: StudyRecord) -> dict[str, ReportFigure]:
    """The figures of a study's report, by file name; one of a study in points has its proxy's scores in one more."""
    score = "Estimated top-1" if record.in_points else "Proxy score"
    latency = latency_name(record)
    against = "" if record.screening else ", against random draws"
    found = {
        "score_flops": ReportFigure(f"{score} against FLOPs", lambda r, form: score_against(r, "macs", form)),
        "score_latency": ReportFigure(
            f"{score} against {latency}", lambda r, form: score_against(r, "latency_ms", form)
        ),
        "latency_flops": ReportFigure(
            f"{latency[0].upper()}{latency[1:]} against FLOPs, coloured by {score_word(record)}",
            lambda r, form: draw_plane(plane(r), form),
        ),
        "hypervolume": ReportFigure(f"Hypervolume over designs and over seconds{against}", draw_history),
    }
    if record.in_points and any(proxy_value(record, trial) is not None for trial in record.completed):
        name = f"{check_name(record).capitalize()}, against FLOPs"
        found["check"] = ReportFigure(name, lambda r, form: draw(training_check(r), form))
    return found
