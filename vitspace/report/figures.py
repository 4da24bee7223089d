"""Figures: those of a report, by file name."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from vitspace.plots import style
from vitspace.plots.frame import save_figure
from vitspace.report.history_figure import draw_history
from vitspace.report.plane_figure import draw_plane, plane
from vitspace.report.scatter import Axis, scatter
from vitspace.report.score_figure import draw
from vitspace.study.record import StudyRecord

__all__ = ["FIGURES", "ReportFigure", "save_figure", "score_against"]


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


FIGURES = {
    "score_flops": ReportFigure("Proxy score against FLOPs", lambda r, form: score_against(r, "macs", form)),
    "score_latency": ReportFigure(
        "Proxy score against CPU latency", lambda r, form: score_against(r, "latency_ms", form)
    ),
    "latency_flops": ReportFigure(
        "CPU latency against FLOPs, coloured by proxy score", lambda r, form: draw_plane(plane(r), form)
    ),
    "hypervolume": ReportFigure("Hypervolume over designs and over seconds, against random draws", draw_history),
}
