"""Figures: score against a cost, drawn from a `Scatter`."""

from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from pathlib import Path
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from vitspace.files import write_with
from vitspace.report import style
from vitspace.report.labels import Labels
from vitspace.report.scatter import Axis, Scatter, scatter
from vitspace.study.record import StudyRecord

_WIDE = 6.0  # ratio of costs from which ticks are 1, 2, 5, 10
_NEAR = 1.5  # a budget at most so many times the dearest trial is in view


def score_against(record: StudyRecord, axis: Axis) -> Figure:
    """Draw every completed trial's score against ``macs`` or ``latency_ms``."""
    return draw(scatter(record, axis))


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write ``stem.png`` and ``stem.pdf``; the same figure gives the same bytes."""
    paths = [stem.with_suffix(suffix) for suffix in style.METADATA]
    with style.styled():
        for path in paths:
            write_with(path, partial(figure.savefig, metadata=style.METADATA[path.suffix]))
    return paths


def draw(data: Scatter) -> Figure:
    """Draw a figure from what it shows."""
    with style.styled():
        figure = style.new_figure()
        axes = figure.add_axes(style.AXES)
        axes.set(xlabel=data.xlabel, ylabel=data.ylabel)
        axes.yaxis.set_label_coords(*style.YLABEL, transform=figure.transFigure)
        if data.marks:
            _marks(axes, data)
            _limits(axes, data)
            _labels(axes, data, _lines(axes, data))
        else:
            axes.set(xticks=[], yticks=[])
            axes.text(0.5, 0.5, "no completed trial", transform=axes.transAxes, ha="center", color=style.GREY)
        _words(figure, axes, data)
    return figure


def _marks(axes: Axes, data: Scatter) -> None:
    groups = [
        (data.trials, style.TRIAL, "trial"),
        (data.front, style.FRONT, "on the front, with its number"),
        (data.anchors, style.ANCHOR, "published design, run here"),
    ]
    for marks, look, label in groups:
        if marks:
            axes.scatter([m.x for m in marks], [m.y for m in marks], label=label, **look)
        if bars := [m for m in marks if m.error]:
            xs, ys, errors = ([getattr(m, name) for m in bars] for name in ("x", "y", "error"))
            axes.errorbar(xs, ys, errors, color=look["color"], **style.ERROR)
    corners = np.array(data.steps)  # [N, 2]
    if corners[0, 0] < corners[-1, 0]:
        xs, best = corners.T
        axes.plot(xs, best, label="best score at this cost", **style.STEPS)
        if data.noise:
            axes.fill_between(
                xs, best - data.noise, best + data.noise, label="noise: overlapping bands tie", **style.BAND
            )


def _limits(axes: Axes, data: Scatter) -> None:
    """Fit the axes to the trials and what stands beside them; costs on a logarithmic scale."""
    xs = [m.x for m in data.marks] + [x for x, _ in data.references]
    low, high = min(xs), max(xs)
    if data.budget and high < data.budget < _NEAR * high:
        high = data.budget
    margin = max((high / low) ** 0.06, 1.03)
    axes.set_xscale("log")
    axes.set_xlim(low / margin, high * margin)
    wide = high / low > _WIDE
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if wide else MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    errors = [max(m.error, data.noise) for m in data.marks]
    bottom = min(m.y - error for m, error in zip(data.marks, errors, strict=True))
    top = max(m.y + error for m, error in zip(data.marks, errors, strict=True))
    room = max(0.1 * (top - bottom), 0.005)
    if data.chance is not None and bottom - 3 * room < data.chance < bottom:
        bottom = data.chance
    axes.set_ylim(bottom - room, top + 1.3 * room)
    axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))


def _lines(axes: Axes, data: Scatter) -> list[tuple[float, str]]:
    """Draw the budget and published designs that were not run; return the vertical lines' places and labels."""
    lines = list(data.references)
    for i, (x, _) in enumerate(data.references):
        axes.axvline(x, label="" if i else "published, over budget (ImageNet top-1)", **style.REFERENCE)
    left, right = axes.get_xlim()
    if data.budget and left < data.budget < right:
        axes.axvline(data.budget, **style.BUDGET)
        lines.append((data.budget, f"budget: {data.budget:g} {data.unit}"))
    return lines


def _labels(axes: Axes, data: Scatter, lines: list[tuple[float, str]]) -> None:
    left, (bottom, top) = axes.get_xlim()[0], axes.get_ylim()
    segments = [*pairwise(data.steps), *(((x, bottom), (x, top)) for x, _ in lines)]
    labels = Labels(axes, [(m.x, m.y) for m in data.marks], _along(segments))
    if data.beyond:
        labels.corner(f"published, over budget: {', '.join(data.beyond)} →", **style.NOTE)
    if data.chance is not None and bottom < data.chance < top:
        axes.axhline(data.chance, **style.CHANCE)
        labels.add(left, data.chance, "chance", **style.NOTE)
    for x, text in [line for line in lines if line[1]]:
        labels.add_along(x, text, **style.NOTE)
    for mark in data.anchors:
        labels.add(mark.x, mark.y, mark.label, **style.ANCHOR_LABEL)
    for mark in data.front:
        labels.add(mark.x, mark.y, mark.label, required=False, **style.FRONT_LABEL)


def _along(segments: Iterable[tuple[tuple[float, float], tuple[float, float]]]) -> list[tuple[float, float]]:
    """Points along lines, close enough together that no label lies on a line unseen."""
    pieces = [np.linspace(a, b, 40) for a, b in segments]
    return [(float(x), float(y)) for piece in pieces for x, y in piece]


def _words(figure: Figure, axes: Axes, data: Scatter) -> None:
    """Write title and legend above the axes and the caption below, where they cover nothing."""
    figure.text(style.MARGIN, 0.955, data.title, fontsize=13, fontweight="bold")
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, **style.LEGEND)
    lines = [part for line in data.caption for part in wrap(line, style.CAPTION_WIDTH)]
    figure.text(style.MARGIN, 0.108, "\n".join(lines), va="top", linespacing=1.5, fontsize=8.5)
