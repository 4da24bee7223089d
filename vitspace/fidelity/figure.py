"""The figure of proxies: score against published accuracy, a panel for each proxy, coloured by family."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from vitspace.anchors.references import main_anchors, spec_of, timm_peers
from vitspace.fidelity.cards import Card
from vitspace.plots import style
from vitspace.plots.frame import save_figure
from vitspace.proxies.score_tables import ScoreRow
from vitspace.proxies.scored import all_families, scored
from vitspace.proxies.scores import TIMM
from vitspace.units import format_count

COLUMNS = 3
#: Ratios of scores from which an axis is logarithmic, and from which only powers of ten are ticks.
_WIDE, _VERY_WIDE = 6.0, 40.0
_LINE = 2.3  # inches a row of panels


@dataclass(frozen=True)
class Panel:
    """The panel of a proxy: its title, and by family the scores and top-1 of the designs."""

    title: str
    points: dict[str, list[tuple[float, float]]]


def panels(cards: Sequence[Card], rows: Sequence[ScoreRow]) -> list[Panel]:
    """Return the panels of the figure."""
    families, found = all_families(), []
    for card in cards:
        if card.mae is not None:  # of the predictor of top-1, which reports/accuracy draws
            continue
        values = scored(card.proxy, card.init, rows, families).values
        points: dict[str, list[tuple[float, float]]] = {family: [] for family in (*families.values(), "timm")}
        for anchor in main_anchors():
            if (name := spec_of(anchor).id) in values:
                points[anchor.family].append((values[name], anchor.published["top1"]))
        for name, peer in timm_peers().items():
            if TIMM + name in values:
                points["timm"].append((values[TIMM + name], peer.published["top1"]))
        tau = "-" if card.kendall_tau is None else f"{card.kendall_tau:.2f}"
        kind = f" ({card.init})" if card.init != "own" else ""
        found.append(Panel(f"{card.proxy}{kind}: tau {tau}, hard {card.hard_right:g}/{card.hard_pairs}", points))
    return found


def draw(shown: Sequence[Panel]) -> Figure:
    """Draw the panels in rows of three."""
    lines = -(-len(shown) // COLUMNS)
    with style.styled():
        figure = style.new_figure()
        figure.set_size_inches(9.6, _LINE * lines + 1.1)
        grid = figure.subplots(lines, COLUMNS, squeeze=False, sharey=True)
        for axes in grid.flat[len(shown) :]:
            axes.set_visible(False)
        for axes, panel in zip(grid.flat, shown, strict=False):
            _panel(axes, panel)
        for line in grid:
            line[0].set_ylabel("ImageNet top-1, %")
        height = _LINE * lines + 1.1
        figure.subplots_adjust(0.075, 0.42 / height, 0.985, 1 - 0.95 / height, wspace=0.08, hspace=0.42)
        handles, labels = grid.flat[0].get_legend_handles_labels()
        figure.text(
            style.MARGIN, 1 - 0.3 / height, "Proxies against published accuracy", fontsize=13, fontweight="bold"
        )
        figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.012, 1 - 0.36 / height), ncols=len(labels))
    return figure


def write_figures(folder: Path, cards: Sequence[Card], rows: Sequence[ScoreRow]) -> list[Path]:
    """Write ``fidelity.png`` and ``fidelity.pdf`` of the proxies that have enough anchors."""
    shown = [card for card in cards if card.kendall_tau is not None]
    return save_figure(draw(panels(shown, rows)), folder / "fidelity") if shown else []


def _panel(axes: Axes, panel: Panel) -> None:
    for family, (colour, marker) in style.looks(panel.points).items():
        x, y = zip(*panel.points[family], strict=True) if panel.points[family] else ((), ())
        label = "timm's networks" if family == "timm" else family
        axes.scatter(x, y, s=22, c=colour, marker=marker, label=label, linewidths=1.0, zorder=1 + (family != "timm"))
    _ticks(axes, [x for some in panel.points.values() for x, _ in some])
    axes.set_title(panel.title, fontsize=9.5, loc="left")
    axes.tick_params(labelsize=8.5)


def _ticks(axes: Axes, scores: list[float]) -> None:
    """Choose a logarithmic axis if scores span several decades, and a few round numbers as ticks."""
    ratio = max(scores) / min(scores) if scores and min(scores) > 0 else 1.0
    if ratio <= _WIDE:
        axes.xaxis.set_major_locator(MaxNLocator(4))
        return
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if ratio < _VERY_WIDE else (1,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_count(value)))
