"""The fronts of several studies in one figure."""

from collections.abc import Sequence
from itertools import cycle, pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vitspace.about import all_about
from vitspace.plots import style
from vitspace.plots.frame import make_room, mark_logarithmic, padded, write_words
from vitspace.plots.labels import Labels, along
from vitspace.report.compare import Comparison
from vitspace.report.names import trial_name
from vitspace.report.scatter import Axis, best_steps, cost_label, cost_name, place
from vitspace.report.words import score_label, score_word

_COLOURS = (*(told.colour for told in all_about().values() if told.colour), style.INK)
_GAP = 0.3  # inches


def draw_comparison(
    comparison: Comparison, costs: Sequence[Axis] = ("macs", "latency_ms"), form: style.Format = style.WIDE
) -> Figure:
    """Draw the best score that each cost buys, a line a study, its front's designs on it, anchors as stars."""
    first = comparison.records[0]
    stars = "at their published top-1" if first.in_points else "run by each study"
    title = f"Fronts of {score_word(first)} and {cost_name(first, costs[0]) if len(costs) == 1 else 'cost'}"
    caption = [
        f"Lines: the best {score_word(first)} at a cost. Points: each study's front. "
        f"Stars: published designs, {stars}.",
        *comparison.noise_words(),
    ]
    with style.styled():
        figure = style.new_figure(form)
        panels = [figure.add_axes(form.panel(number, len(costs), _GAP)) for number in range(len(costs))]
        for axes, axis in zip(panels, costs, strict=True):
            _lines(axes, comparison, axis)
            axes.set_xlabel(cost_label(first, axis))
        for axes in panels[1:]:
            axes.sharey(panels[0])
            axes.tick_params(labelleft=False)
        panels[0].set_ylabel(score_label(first))
        make_room(figure, caption, form)
        for axes, axis in zip(panels, costs, strict=True):
            _stars(axes, comparison, axis)
        write_words(figure, title, caption, form)
    return figure


def _lines(axes: Axes, comparison: Comparison, axis: Axis) -> None:
    every: list[float] = []
    volumes = [row["common_hypervolume"] for row in comparison.rows()]
    for record, volume, colour in zip(comparison.records, volumes, cycle(_COLOURS), strict=False):
        places = [place(trial, axis) for trial in record.completed]
        every += [x for x, _ in places]
        xs, ys = zip(*best_steps(places), strict=True)
        axes.plot(xs, ys, color=colour, linewidth=1.4, label=f"{record.name} (hypervolume {volume:.3f})")
        front = [place(trial, axis) for trial in record.front if not trial.anchor]
        look = style.TRIAL | {"color": colour, "alpha": 1.0}
        axes.scatter([x for x, _ in front], [y for _, y in front], **look)
    axes.set(xscale="log", xlim=padded(every))
    mark_logarithmic(axes.xaxis, min(every), max(every))


def _stars(axes: Axes, comparison: Comparison, axis: Axis) -> None:
    """Draw the anchors of all studies, and name each of them once: its stars may stand close together."""
    stars = {place(t, axis): trial_name(t) for record in comparison.records for t in record.anchors}
    lines = [best_steps([place(t, axis) for t in record.completed]) for record in comparison.records]
    named = {name: spot for spot, name in stars.items()}
    labels = Labels(axes, list(named.values()), [*stars, *along(pair for line in lines for pair in pairwise(line))])
    if stars:
        axes.scatter([x for x, _ in stars], [y for _, y in stars], **style.ANCHOR | {"s": 130})
    for name, (x, y) in named.items():
        labels.add(x, y, name, fontsize=8.5, **style.ANCHOR_LABEL)
