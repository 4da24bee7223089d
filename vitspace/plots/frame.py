"""Titles, notes and marks around the axes of every figure."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from vitspace.files import write_with
from vitspace.plots import style

_WIDE = 6.0  # ratio of costs from which ticks are 1, 2, 5, 10


#: Inches: what title, legend, axis label and caption take above and below the axes.
_TITLE, _ROW, _LABEL, _LINE = 0.4, 0.19, 0.58, 0.178


def make_room(figure: Figure, caption: Sequence[str], form: style.Format) -> None:
    """Set the axes between legend and caption, as high as these leave room."""
    rows = -(-len(_legend(figure)) // form.columns)
    bottom = (_LABEL + _LINE * len(_lines(caption, form))) / form.height
    top = 1 - (_TITLE + _ROW * rows) / form.height
    for axes in figure.axes:
        place = axes.get_position()
        axes.set_position((place.x0, bottom, place.width, top - bottom))


def say_empty(axes: Axes) -> None:
    """Write in a figure's axes that there is nothing to draw."""
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, "no completed trial", transform=axes.transAxes, ha="center", color=style.GREY)


def write_words(figure: Figure, title: str, caption: Sequence[str], form: style.Format) -> None:
    """Write title and legend above the axes and the caption below, where they cover nothing."""
    shown = title if len(title) <= form.title else f"{title[: form.title - 1]}…"
    figure.text(style.MARGIN, 1 - 0.12 / form.height, shown, va="top", fontsize=13, fontweight="bold")
    if entries := _legend(figure):
        place = (0.012, 1 - 0.3 / form.height)
        figure.legend(entries.values(), entries, bbox_to_anchor=place, ncols=form.columns, **style.LEGEND)
    lines = _lines(caption, form)
    top = (_LINE * len(lines) + 0.05) / form.height
    figure.text(style.MARGIN, top, "\n".join(lines), va="top", linespacing=1.5, fontsize=8.5)


def _legend(figure: Figure) -> dict[str, Any]:
    named = [pair for axes in figure.axes for pair in zip(*axes.get_legend_handles_labels(), strict=True)]
    return {label: handle for handle, label in named}


def _lines(caption: Sequence[str], form: style.Format) -> list[str]:
    return [part for line in caption for part in wrap(line, form.letters)]


def mark_logarithmic(axis: Axis, low: float, high: float) -> None:
    """Mark a logarithmic axis with plain numbers, close enough together where it is short."""
    wide = high / low > _WIDE
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if wide else MaxNLocator(6, steps=[1, 2, 5, 10]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def padded(values: Iterable[float]) -> tuple[float, float]:
    """The ends of a logarithmic axis that holds the values, with a margin."""
    found = list(values)
    low, high = min(found), max(found)
    margin = max((high / low) ** 0.06, 1.03)
    return low / margin, high * margin


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write ``stem.png`` and ``stem.pdf``; the same figure gives the same bytes."""
    paths = [stem.with_suffix(suffix) for suffix in style.METADATA]
    with style.styled():
        for path in paths:
            write_with(path, partial(figure.savefig, metadata=style.METADATA[path.suffix]))
    return paths
