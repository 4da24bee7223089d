"""Colours, sizes and marks of every figure."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, ScalarFormatter

from vitspace.about import all_about

DPI = 160
#: Largest marks of an axis that are written without exponents.
_PLAIN = (1e-3, 1e5)


@dataclass(frozen=True)
class Format:
    """The size of a figure and where its parts stand, in inches.

    Attributes:
        width: Of the figure.
        height: Of the figure.
        left: Where the axes begin.
        right: Room beside them.
        columns: Of the legend.
        letters: Of a caption's line.
        title: Letters of a title at most.
        label: Size of an anchor's name, in points.
        axis: Size of what an axis is called, in points.
    """

    width: float
    height: float
    left: float
    right: float
    columns: int
    letters: int
    title: int
    label: float
    axis: float

    def label_of(self, names: int) -> float:
        """Size of an anchor's name where there are so many, in points."""
        return max(7.0, self.label - 0.25 * max(0, names - 6))

    def panel(self, number: int = 0, columns: int = 1, gap: float = 0.0) -> tuple[float, float, float, float]:
        """Left, bottom, width and height, in shares of the figure, of one of several axes ``gap`` inches apart."""
        room = (self.width - self.left - self.right - gap * (columns - 1)) / columns
        return (self.left + number * (room + gap)) / self.width, 0.2, room / self.width, 0.6


#: For a page and a README, and for a phone.
WIDE = Format(8.0, 5.4, left=0.92, right=0.16, columns=3, letters=118, title=72, label=10.5, axis=11)
NARROW = Format(4.2, 5.6, left=0.74, right=0.24, columns=1, letters=60, title=38, label=8.5, axis=9.5)

MARGIN = 0.02

#: Okabe and Ito's colours, told apart by readers with any colour vision.
BLUE, ORANGE, GREY, INK, FAINT = "#0072B2", "#D55E00", "#8C8C8C", "#222222", "#B8B8B8"

TRIAL: dict[str, Any] = {"marker": "o", "s": 26, "color": GREY, "alpha": 0.65, "linewidths": 0, "zorder": 2}
FRONT: dict[str, Any] = {"marker": "o", "s": 46, "color": BLUE, "edgecolors": "white", "linewidths": 0.8, "zorder": 4}
ANCHOR: dict[str, Any] = {
    "marker": "*",
    "s": 230,
    "color": ORANGE,
    "edgecolors": "white",
    "linewidths": 0.9,
    "zorder": 5,
}
STEPS: dict[str, Any] = {"color": BLUE, "linewidth": 1.4, "alpha": 0.8, "zorder": 3}
ERROR: dict[str, Any] = {"fmt": "none", "elinewidth": 1.0, "capsize": 2.5, "alpha": 0.55, "zorder": 3}
REFERENCE: dict[str, Any] = {"color": FAINT, "linewidth": 1.0, "linestyle": (0, (4, 3)), "zorder": 1}
BUDGET: dict[str, Any] = {"color": INK, "linewidth": 1.0, "linestyle": ":", "zorder": 1}
CHANCE: dict[str, Any] = {"color": GREY, "linewidth": 1.0, "linestyle": "-.", "zorder": 1}
REJECTED: dict[str, Any] = {"marker": "|", "s": 60, "color": FAINT, "linewidths": 1.0, "zorder": 2}
RANDOM: dict[str, Any] = {"color": ORANGE, "linewidth": 1.4, "linestyle": (0, (4, 2)), "zorder": 2}
RANDOM_BAND: dict[str, Any] = {"color": ORANGE, "alpha": 0.13, "linewidth": 0, "zorder": 0.5}
#: Scores, dark to light; its order survives grey print and any colour vision.
SCORES = "cividis"

#: Beside an anchor what is predicted of it, joined to it by its miss; published designs that were not run; public
#: networks; public networks that were timed, by the usual recipe or another; designs that were screened.
PREDICTED: dict[str, Any] = {
    "marker": "o",
    "s": 34,
    "facecolors": "white",
    "edgecolors": ORANGE,
    "linewidths": 1.2,
    "zorder": 3.5,
}
MISS: dict[str, Any] = {"color": ORANGE, "linewidth": 0.9, "zorder": 2.8}
UNTRIED: dict[str, Any] = {
    "marker": "*",
    "s": 80,
    "facecolors": "white",
    "edgecolors": GREY,
    "linewidths": 0.8,
    "zorder": 1.9,
}
PUBLIC: dict[str, Any] = {"marker": "D", "s": 18, "color": FAINT, "linewidths": 0, "zorder": 1.8}
GREEN = "#006D50"
PEER: dict[str, Any] = {"marker": "D", "s": 40, "color": GREEN, "edgecolors": "white", "linewidths": 0.8, "zorder": 3.6}
PEER_APART: dict[str, Any] = {
    "marker": "D",
    "s": 34,
    "facecolors": "white",
    "edgecolors": GREEN,
    "linewidths": 1.2,
    "zorder": 3.6,
}
CLOUD: dict[str, Any] = {"marker": "o", "s": 7, "color": FAINT, "alpha": 0.35, "linewidths": 0, "zorder": 1.2}

BAND: dict[str, Any] = {"color": BLUE, "alpha": 0.1, "linewidth": 0, "zorder": 0.5}
NOTE: dict[str, Any] = {"fontsize": 8.5, "color": "#707070"}
ANCHOR_LABEL: dict[str, Any] = {"fontweight": "bold", "color": ORANGE}
PEER_LABEL: dict[str, Any] = {"fontsize": 8, "color": GREEN}
FRONT_LABEL: dict[str, Any] = {"fontsize": 8.5, "color": BLUE}
FAINT_LABEL: dict[str, Any] = {"fontsize": 7.5, "color": "#8A8A8A"}
LEGEND: dict[str, Any] = {
    "loc": "upper left",
    "columnspacing": 1.6,
    "handlelength": 1.8,
    "labelspacing": 0.35,
}

_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#ECECEC",
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.2,
    "pdf.fonttype": 42,  # publishers refuse type 3, which would save 0.4 s a figure
    "savefig.dpi": DPI,
    "figure.dpi": DPI,
}

#: Nothing in a file says when or by which version it was drawn, so that drawing again gives the same bytes.
METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in this style whatever the user's matplotlibrc says."""
    with matplotlib.style.context(["default", _RC]):
        yield


class Ticks(Formatter):
    """Writes every mark of a linear axis in full, ``2.5e-4``; matplotlib writes a common factor over the axes."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Write one mark."""
        return self.format_ticks([x])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Write marks, with as many digits as all of them need."""
        marks = np.array(values, dtype=float)
        largest = np.abs(marks).max(initial=0.0)
        marks[np.abs(marks) < 1e-9 * largest] = 0.0
        near = 0.01 * min(np.diff(np.unique(marks)), default=largest)
        write = _fixed if largest == 0 or _PLAIN[0] <= largest < _PLAIN[1] else _exponential
        for digits in range(16):
            texts = [write(mark, digits) for mark in marks]
            if np.all(np.abs(np.array(texts, dtype=float) - marks) <= near):
                break
        return [text.replace("-", "\N{MINUS SIGN}", 1) if text.startswith("-") else text for text in texts]


def _fixed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}"


def _exponential(value: float, digits: int) -> str:
    mantissa, power = f"{value:.{digits}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{int(power)}" if value else "0"


class _Figure(Figure):
    """A figure without common factors over its axes."""

    def draw(self, renderer: Any) -> None:
        """Draw it."""
        for axes in self.axes:
            for axis in (axes.xaxis, axes.yaxis):
                if type(axis.get_major_formatter()) is ScalarFormatter:
                    axis.set_major_formatter(Ticks())
        super().draw(renderer)


def new_figure(form: Format = WIDE) -> Figure:
    """Return an empty figure with its own canvas, outside pyplot."""
    figure = _Figure(figsize=(form.width, form.height))
    FigureCanvasAgg(figure)
    return figure


#: For what has no look of its own: hybrid and unified first.
OTHERS = (("#222222", "*"), ("#8C8C8C", "X"), ("#7A5195", "h"), ("#A6761D", "<"))
_NAMED = {"timm": ("#B8B8B8", "x"), "hybrid": OTHERS[0], "unified": OTHERS[1]}


def looks(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return (colour, mark) by family or space; those without a look take what is left, then begin again."""
    chosen = list(names)
    families = {key: (told.colour, told.mark) for key, told in all_about().items() if told.colour and told.mark}
    known = families | _NAMED
    taken = {known[name] for name in chosen if name in known}
    free = [look for look in (*OTHERS, *families.values()) if look not in taken] or list(OTHERS)
    others = [name for name in chosen if name not in known]
    return {name: known.get(name) or free[others.index(name) % len(free)] for name in chosen}
