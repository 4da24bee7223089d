"""The figure of axes: the score at equal FLOPs against the values of each axis, one panel for each axis."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vitspace.analysis.effects import FEW, AxisEffects
from vitspace.analysis.importance import Importance
from vitspace.analysis.tables import most_important_first, readable_value
from vitspace.plots import style
from vitspace.words import plural

#: Largest number of panels; the table has all axes.
PANELS = 12
COLUMNS = 4
_LINE, _TOP, _BOTTOM = 2.15, 0.95, 0.85  # inches

CAPTION = (
    "Mean score beyond what a design's FLOPs explain, with 90 % bootstrap intervals. Orange: the value that the data "
    "prefer, told apart from all others; blue: not told apart from it; grey: behind it, of fewer than {few} designs "
    "(hollow), or of an axis that the proxy cannot see. Other axes vary freely."
)


def draw_axes(effects: Sequence[AxisEffects], importance: Mapping[str, Importance], title: str) -> Figure:
    """Draw the `PANELS` most important axes, the most important first."""
    shown = most_important_first(effects, importance)[:PANELS]
    columns = max(1, min(COLUMNS, len(shown)))
    lines = max(1, -(-len(shown) // columns))
    height = _LINE * lines + _TOP + _BOTTOM
    with style.styled():
        figure = style.new_figure()
        figure.set_size_inches(9.6, height)
        grid = figure.subplots(lines, columns, squeeze=False, sharey=True)
        for axes in grid.flat[len(shown) :]:
            axes.set_visible(False)
        for axes, axis in zip(grid.flat, shown, strict=False):
            _panel(axes, axis, importance.get(axis.axis))
        figure.subplots_adjust(0.1, (_BOTTOM + 0.1) / height, 0.985, 1 - _TOP / height, wspace=0.1, hspace=0.62)
        figure.text(style.MARGIN, 1 - 0.35 / height, title, fontsize=13, fontweight="bold")
        figure.supylabel("score at equal FLOPs", fontsize=11, x=0.012)
        caption = "\n".join(wrap(CAPTION.format(few=FEW), 132))
        figure.text(style.MARGIN, 0.55 / height, caption, va="top", linespacing=1.5, fontsize=8.5)
    return figure


def _panel(axes: Axes, axis: AxisEffects, importance: Importance | None) -> None:
    axes.axhline(0, **style.REFERENCE)
    for place, effect in enumerate(axis.effects):
        if not effect.designs:
            continue
        few = effect.designs < FEW
        colour = _colour(axis, effect.value) if not few else style.GREY
        axes.vlines(place, effect.low, effect.high, color=colour, linewidth=1.6, zorder=3)
        face = "white" if few else colour
        axes.plot([place], [effect.mean], "o", color=colour, markerfacecolor=face, markersize=6.5, zorder=4)
    names = [readable_value(effect.value) for effect in axis.effects]
    long = sum(len(name) for name in names) > 26
    axes.set_xticks(
        range(len(names)), names, fontsize=8.5, rotation=30 if long else 0, ha="right" if long else "center"
    )
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(visible=False, axis="x")
    axes.set_title(axis.axis, fontsize=10.5, fontweight="bold", loc="left", pad=16)
    axes.text(0, 1.04, _note(axis, importance), transform=axes.transAxes, **style.NOTE)


def _colour(axis: AxisEffects, value: object) -> str:
    if axis.seen is False:
        return style.GREY
    if value == axis.best:
        return style.ORANGE if axis.resolved else style.BLUE
    return style.BLUE if value in axis.rivals else style.GREY


def _note(axis: AxisEffects, importance: Importance | None) -> str:
    if axis.seen is False:
        return "the proxy cannot see it"
    if importance is None:
        return f"{plural(axis.designs, 'design')}"
    there = "" if importance.present == 1 else f", {100 * importance.present:.0f} % have it"
    return f"fANOVA {importance.fanova:.2f}{there}"
