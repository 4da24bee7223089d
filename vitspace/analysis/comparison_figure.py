"""The figure of a comparison: distribution functions of the scores of several spaces, with bootstrap bands."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from vitspace.analysis.comparison import SpaceSample, distribution
from vitspace.plots import style

_AXES = (0.1, 0.2, 0.62, 0.64)
_MARK: dict[str, Any] = {"markersize": 9.0, "markeredgecolor": "white", "markeredgewidth": 0.8}


def draw_comparison(samples: Sequence[SpaceSample], title: str, score: str) -> Figure:
    """Draw the distributions; the key lists the spaces by median, the highest first.

    Args:
        samples: The spaces' scored designs; spaces without any are named below the figure.
        title: Title of the figure.
        score: Label of the axis of scores.
    """
    shown = sorted((s for s in samples if len(s.scores)), key=lambda s: -float(np.median(s.scores)))
    with style.styled():
        figure = style.new_figure()
        axes = figure.add_axes(_AXES)
        axes.set(xlabel=f"{score} (higher is better)", ylabel="share of designs that score at most")
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.xaxis.set_major_locator(MaxNLocator(7))
        axes.set_ylim(0, 1.02)
        chosen = style.looks(sample.space for sample in samples)
        for sample in shown:
            _curve(axes, sample, *chosen[sample.space])
        figure.text(style.MARGIN, 0.93, title, fontsize=13, fontweight="bold")
        figure.text(style.MARGIN, 0.88, "Further right is better; marks are medians.", **style.NOTE)
        if shown:
            handles, labels = axes.get_legend_handles_labels()
            where: dict[str, Any] = {
                "loc": "upper left",
                "bbox_to_anchor": (1.01, 1.0),
                "labelspacing": 0.75,
                "borderaxespad": 0.0,
            }
            axes.legend(handles, labels, title="median, best of all", alignment="left", **where)
        figure.text(style.MARGIN, 0.075, _caption(samples), va="top", linespacing=1.5, fontsize=8.5)
    return figure


def _curve(axes: Axes, sample: SpaceSample, colour: str, mark: str) -> None:
    scores = sample.scores
    shares, low, high = distribution(scores)
    # The function is 0 below the smallest score.
    xs = np.append(scores[0], scores)
    axes.fill_between(
        xs, np.append(0, low), np.append(0, high), step="post", color=colour, alpha=0.13, linewidth=0, zorder=2
    )
    axes.step(xs, np.append(0, shares), where="post", color=colour, linewidth=1.9, zorder=3)
    median = float(np.median(scores))
    axes.plot([median], [0.5], mark, color=colour, zorder=5, **_MARK)
    label = f"{sample.space}: {median:.3g}, {scores[-1]:.3g}"
    axes.plot([], [], marker=mark, color=colour, linewidth=1.9, label=label, **_MARK)


def _caption(samples: Sequence[SpaceSample]) -> str:
    drawn = [s for s in samples if len(s.scores)]
    numbers = sorted({len(s.scores) for s in drawn})
    count = " to ".join(str(n) for n in dict.fromkeys([numbers[0], numbers[-1]])) if numbers else "no"
    lines = [
        f"{count} designs a space, drawn uniformly from all that fit. Bands hold 90 % of bootstrap samples, pointwise."
    ]
    if missing := [s.space for s in samples if not len(s.scores)]:
        lines.append(f"No design within the budget: {', '.join(missing)}.")
    return "\n".join(part for line in lines for part in wrap(line, style.WIDE.letters))
