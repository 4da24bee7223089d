"""Draws score against a cost, from a `Scatter`."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory

from vitspace.plots import style
from vitspace.plots.frame import make_room, mark_logarithmic, padded, say_empty, write_words
from vitspace.plots.labels import Labels, along
from vitspace.report.scatter import Mark, Scatter

_NEAR = 1.5  # a budget at most so many times the dearest trial is in view


def draw(data: Scatter, form: style.Format = style.WIDE) -> Figure:
    """Draw a figure from what it shows; a narrow one leaves out what stands far beyond the trials."""
    if form is style.NARROW:
        dearest = max((mark.x for mark in data.marks), default=0.0)
        data = replace(data, references=[], beyond=[], untried=[m for m in data.untried if m.x <= dearest])
    with style.styled():
        figure = style.new_figure(form)
        axes = figure.add_axes(form.panel())
        axes.set(xlabel=data.xlabel, ylabel=data.ylabel)
        place = blended_transform_factory(figure.transFigure, axes.transAxes)
        axes.yaxis.set_label_coords(0.24 / form.width, 0.5, transform=place)
        axes.yaxis.label.set_fontsize(form.axis)
        if data.marks:
            _marks(axes, data)
            _limits(axes, data)
            lines = _lines(axes, data)
            make_room(figure, data.caption, form)
            _labels(axes, data, lines, form)
        else:
            make_room(figure, data.caption, form)
            say_empty(axes)
        write_words(figure, data.title, data.caption, form)
    return figure


def _marks(axes: Axes, data: Scatter) -> None:
    groups = [
        (data.trials, style.TRIAL, "trial"),
        (data.front, style.FRONT, "on the front, with its number"),
        (data.anchors, style.ANCHOR, data.anchor_words),
    ]
    for marks, look, label in groups:
        if marks:
            axes.scatter([m.x for m in marks], [m.y for m in marks], label=label, **look)
        _bars(axes, marks, look["color"])
    _behind(axes, data)
    corners = np.array(data.steps).reshape(-1, 2)
    if len(corners) and corners[0, 0] < corners[-1, 0]:
        xs, best = corners.T
        axes.plot(xs, best, label="best at this cost", **style.STEPS)
        if data.noise:
            axes.fill_between(
                xs, best - data.noise, best + data.noise, label="noise: overlapping bands tie", **style.BAND
            )


def _bars(axes: Axes, marks: list[Mark], colour: str) -> None:
    if bars := [m for m in marks if m.below or m.above]:
        errors = [[m.below for m in bars], [m.above for m in bars]]
        axes.errorbar([m.x for m in bars], [m.y for m in bars], errors, color=colour, **style.ERROR)


def _behind(axes: Axes, data: Scatter) -> None:
    """Draw what is known beside the trials: predictions of the anchors, peers, public networks, screened designs."""
    if data.predicted:
        for (x, low), (_, high) in data.misses:
            axes.plot([x, x], [low, high], **style.MISS)
        places = [m.x for m in data.predicted], [m.y for m in data.predicted]
        axes.scatter(*places, label="predicted without its result", **style.PREDICTED)
        _bars(axes, data.predicted, style.ORANGE)
    groups = [
        (data.peers, "public network, usual recipe", style.PEER),
        (data.peers_apart, "public network, other recipe", style.PEER_APART),
    ]
    for marks, label, look in groups:
        if marks:
            axes.scatter([m.x for m in marks], [m.y for m in marks], label=label, **look)
    if data.public:
        places = [m.x for m in data.public], [m.y for m in data.public]
        axes.scatter(*places, label="public network near their front", **style.PUBLIC)
    if data.untried:
        places = [m.x for m in data.untried], [m.y for m in data.untried]
        axes.scatter(*places, label="published design, not run here", **style.UNTRIED)
    if data.cloud:
        axes.scatter(*np.array(data.cloud).T, label="screened, estimate", **style.CLOUD)


def _limits(axes: Axes, data: Scatter) -> None:
    """Fit the axes to the trials and what stands beside them; costs on a logarithmic scale."""
    xs = [m.x for m in (*data.marks, *data.untried, *data.peers, *data.peers_apart)] + [x for x, _ in data.references]
    if data.budget and max(xs) < data.budget < _NEAR * max(xs):
        xs.append(data.budget)
    axes.set_xscale("log")
    low, high = padded(xs)
    if max(xs) in (m.x for m in (*data.peers, *data.peers_apart)):
        high *= (high / low) ** 0.08  # room for its name
    axes.set_xlim(low, high)
    mark_logarithmic(axes.xaxis, min(xs), max(xs))
    shown = [*data.marks, *data.predicted, *data.untried, *data.public, *data.peers, *data.peers_apart]
    bottom = min(m.y - max(m.below, data.noise) for m in shown)
    top = max(m.y + max(m.above, data.noise) for m in shown)
    room = max(0.1 * (top - bottom), 0.005)
    if data.chance is not None and bottom - 3 * room < data.chance < bottom:
        bottom = data.chance
    axes.set_ylim(bottom - room, top + 1.3 * room)
    axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))


def _lines(axes: Axes, data: Scatter) -> list[tuple[float, str]]:
    """Draw what has no score: rejected designs, the budget, published designs that were not run.

    Returns:
        The vertical lines' places and labels.
    """
    left, right = axes.get_xlim()
    if inside := [x for x in data.rejected if left < x < right]:
        look = style.REJECTED | {"transform": axes.get_xaxis_transform()}
        axes.scatter(inside, [0.02] * len(inside), label="rejected or undecided, at its cost", **look)
    lines = list(data.references)
    for i, (x, _) in enumerate(data.references):
        axes.axvline(x, label="" if i else "published, over budget", **style.REFERENCE)
    if data.budget and left < data.budget < right:
        axes.axvline(data.budget, **style.BUDGET)
        lines.append((data.budget, f"budget: {data.budget:g} {data.unit}"))
    return lines


def _labels(axes: Axes, data: Scatter, lines: list[tuple[float, str]], form: style.Format) -> None:
    left, (bottom, top) = axes.get_xlim()[0], axes.get_ylim()
    segments = [*pairwise(data.steps), *(((x, bottom), (x, top)) for x, _ in lines)]
    segments += data.misses
    segments += [((m.x, m.y - m.below), (m.x, m.y + m.above)) for m in (*data.front, *data.predicted) if m.below]
    beside = [(m.x, m.y) for m in (*data.predicted, *data.untried, *data.public)]
    peers = [*data.peers, *data.peers_apart]
    labels = Labels(axes, [(m.x, m.y) for m in (*data.marks, *peers)], [*along(segments), *beside])
    if data.beyond:
        labels.corner(f"published, over budget: {', '.join(data.beyond)} →", **style.NOTE)
    if data.chance is not None and bottom < data.chance < top:
        axes.axhline(data.chance, **style.CHANCE)
        labels.add(left, data.chance, "chance", **style.NOTE)
    for mark in data.anchors:
        labels.add(mark.x, mark.y, mark.label, fontsize=form.label_of(len(data.anchors)), **style.ANCHOR_LABEL)
    for x, text in [line for line in lines if line[1]]:
        labels.add_along(x, text, **style.NOTE)
    for mark in peers:
        labels.add(mark.x, mark.y, mark.label, **style.PEER_LABEL)
    for mark in data.front:
        labels.add(mark.x, mark.y, mark.label, required=False, **style.FRONT_LABEL)
    for mark in [*data.trials, *data.untried, *data.public]:
        if mark.label:
            labels.add(mark.x, mark.y, mark.label, required=False, far=False, **style.FAINT_LABEL)
