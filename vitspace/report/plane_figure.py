"""Draws CPU latency against FLOPs, coloured by score."""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from vitspace.plots import style
from vitspace.plots.frame import make_room, mark_logarithmic, padded, say_empty, write_words
from vitspace.plots.labels import Labels
from vitspace.plots.names import public_name
from vitspace.report.names import latency_name, trial_name
from vitspace.report.peers import peers_in_view
from vitspace.report.scatter import budget_of, caption_of, cost_label, number_label
from vitspace.report.words import score_label
from vitspace.statistics import finite
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial

_BAR = 0.62  # inches from the axes to the colour bar's far side
_NEAR = 1.5
#: Rejected designs of up to so many times the dearest trial's cost are in view.
_BEYOND = 2.0


@dataclass(frozen=True)
class Spot:
    """One trial or public network: GFLOPs, milliseconds, score, and its label."""

    x: float
    y: float
    score: float
    label: str


@dataclass(frozen=True)
class Plane:
    """The plane of the two costs.

    Attributes:
        trials: Completed trials that are neither on the front nor anchors.
        front: The front, anchors left out.
        anchors: Published designs.
        peers: Public networks; those whose score is not known, or does not compare, have none.
        rejected: (GFLOPs, ms) of designs without a score, where both are known.
        budgets: The largest GFLOPs and ms allowed, or None.
        labels: Of the two axes.
        shade: What the colours are.
        title: Of the figure.
        caption: Lines under it.
    """

    trials: list[Spot]
    front: list[Spot]
    anchors: list[Spot]
    peers: list[Spot]
    rejected: list[tuple[float, float]]
    budgets: tuple[float | None, float | None]
    labels: tuple[str, str]
    shade: str
    title: str
    caption: list[str]

    @property
    def spots(self) -> list[Spot]:
        """All that has both costs, peers last."""
        return [*self.trials, *self.front, *self.anchors, *self.peers]


def plane(record: StudyRecord) -> Plane:
    """Collect what `draw_plane` needs."""
    chosen = {trial.number for trial in record.front}
    lost = [t for t in record.trials if not t.complete and t.macs and finite(t.latency_ms)]
    return Plane(
        trials=[_spot(t) for t in record.completed if t.number not in chosen and not t.anchor],
        front=[_spot(t) for t in record.front if not t.anchor],
        anchors=[_spot(t) for t in record.anchors],
        peers=_peers(record),
        rejected=[(t.macs / 1e9, t.latency_ms) for t in lost if t.macs and t.latency_ms],
        budgets=(budget_of(record, "macs"), budget_of(record, "latency_ms")),
        labels=(cost_label(record, "macs"), cost_label(record, "latency_ms")),
        shade="top-1, %" if record.in_points else "score",
        title=f"{record.name}: {latency_name(record)} against FLOPs",
        caption=[f"Brighter is better: {score_label(record)}.", *caption_of(record)],
    )


def draw_plane(data: Plane, form: style.Format = style.WIDE) -> Figure:
    """Draw the plane; brighter is better."""
    with style.styled():
        figure = style.new_figure(form)
        left, bottom, width, height = form.panel()
        axes = figure.add_axes((left, bottom, width - _BAR / form.width, height))
        axes.set(xlabel=data.labels[0], ylabel=data.labels[1])
        axes.yaxis.set_label_coords(0.24 / form.width, 0.52, transform=figure.transFigure)
        scores = [spot.score for spot in data.spots]
        if scores:
            known = [score for score in scores if not math.isnan(score)]
            colours = ScalarMappable(Normalize(min(known), max(known)), style.SCORES)
            bar = figure.add_axes((left + width - 0.42 / form.width, bottom, 0.1 / form.width, height))
            figure.colorbar(colours, cax=bar).outline.set_visible(False)
            bar.set_title(data.shade, fontsize=8.5, pad=4)
            bar.tick_params(labelsize=8, length=2)
            _marks(axes, data, colours)
            _limits(axes, data)
            _rejected(axes, data)
            make_room(figure, data.caption, form)
            _labels(axes, data, form)
        else:
            make_room(figure, data.caption, form)
            say_empty(axes)
        write_words(figure, data.title, data.caption, form)
    return figure


def _spot(trial: Trial) -> Spot:
    loss, macs, ms = trial.point
    return Spot(macs / 1e9, ms, -loss, trial_name(trial) if trial.anchor else number_label(trial))


def _peers(record: StudyRecord) -> list[Spot]:
    return [
        Spot(
            peer.macs / 1e9,
            peer.latency["median_ms"],
            peer.top1 if record.in_points and peer.top1 is not None else math.nan,
            public_name(peer.name),
        )
        for peer in peers_in_view(record, "macs", "latency_ms")
    ]


def _marks(axes: Axes, data: Plane, colours: ScalarMappable) -> None:
    """Draw each group in its own mark, so that no colour alone tells them apart."""
    groups = [
        (data.trials, style.TRIAL | {"s": 24, "alpha": 0.8}, "trial"),
        (data.front, style.FRONT | {"s": 74, "edgecolors": style.BLUE, "linewidths": 1.6}, "on the front"),
        (data.anchors, style.ANCHOR | {"edgecolors": style.ORANGE, "linewidths": 1.3}, "published design"),
        (data.peers, style.PEER | {"edgecolors": style.GREEN, "linewidths": 1.3}, "public network"),
    ]
    for spots, look, label in groups:
        if spots:
            xs, ys, shades = ([getattr(spot, name) for spot in spots] for name in ("x", "y", "score"))
            colour = {"c": colours.to_rgba(np.array(shades))}
            axes.scatter(xs, ys, label=label, **{name: look[name] for name in look if name != "color"} | colour)


def _rejected(axes: Axes, data: Plane) -> None:
    """Mark the rejected designs that are in view."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    if inside := [(x, y) for x, y in data.rejected if left < x < right and bottom < y < top]:
        axes.scatter(*np.array(inside).T, label="rejected or undecided", **style.REJECTED | {"marker": "x", "s": 22})


def _in_reach(data: Plane) -> list[tuple[float, float]]:
    """Return the rejected designs that the axes reach to: of costs that are not far from those of the trials."""
    most = [max(getattr(spot, name) for spot in data.spots) * _BEYOND for name in ("x", "y")]
    least = [min(getattr(spot, name) for spot in data.spots) / _BEYOND for name in ("x", "y")]
    return [(x, y) for x, y in data.rejected if least[0] <= x <= most[0] and least[1] <= y <= most[1]]


def _limits(axes: Axes, data: Plane) -> None:
    """Fit the axes to the trials and to the rejected designs near them, so that these are seen beyond the budget."""
    near = _in_reach(data)
    costs = (
        ("x", [*(spot.x for spot in data.spots), *(x for x, _ in near)]),
        ("y", [*(spot.y for spot in data.spots), *(y for _, y in near)]),
    )
    for (name, values), budget in zip(costs, data.budgets, strict=True):
        shown = [*values, budget] if budget and max(values) < budget < _NEAR * max(values) else values
        low, high = padded(shown)
        high *= (high / low) ** 0.05 if name == "y" else 1.0  # room for a label above
        axes.set(**{f"{name}scale": "log", f"{name}lim": (low, high)})
        mark_logarithmic(getattr(axes, f"{name}axis"), low, high)
        if budget and low < budget < high:
            line = axes.axvline if name == "x" else axes.axhline
            line(budget, label="budget", **style.BUDGET)


def _labels(axes: Axes, data: Plane, form: style.Format) -> None:
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    macs, ms = data.budgets
    lines = [(macs, y) for y in np.geomspace(bottom, top, 80)] if macs else []
    lines += [(x, ms) for x in np.geomspace(left, right, 80)] if ms else []
    labels = Labels(axes, [(spot.x, spot.y) for spot in data.spots], lines)
    for spot in data.anchors:
        labels.add(spot.x, spot.y, spot.label, fontsize=form.label_of(len(data.anchors)), **style.ANCHOR_LABEL)
    for spot in data.peers:
        labels.add(spot.x, spot.y, spot.label, **style.PEER_LABEL)
    for spot in data.front:
        labels.add(spot.x, spot.y, spot.label, required=False, **style.FRONT_LABEL)
