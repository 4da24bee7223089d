"""Style: colours, sizes and marks of every figure, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

SIZE = (8.0, 5.4)
DPI = 160
AXES = (0.115, 0.205, 0.865, 0.655)  # left, bottom, width, height, in shares of the figure
YLABEL = (0.03, 0.52)
MARGIN = 0.02
CAPTION_WIDTH = 118  # letters

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

BAND: dict[str, Any] = {"color": BLUE, "alpha": 0.1, "linewidth": 0, "zorder": 0.5}
NOTE: dict[str, Any] = {"fontsize": 8.5, "color": "#707070"}
ANCHOR_LABEL: dict[str, Any] = {"fontsize": 10.5, "fontweight": "bold", "color": ORANGE}
FRONT_LABEL: dict[str, Any] = {"fontsize": 8.5, "color": BLUE}
LEGEND: dict[str, Any] = {
    "loc": "upper left",
    "bbox_to_anchor": (0.012, 0.947),
    "ncols": 3,
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
    "pdf.fonttype": 42,
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


def new_figure() -> Figure:
    """Return an empty figure with its own canvas, outside pyplot."""
    figure = Figure(figsize=SIZE)
    FigureCanvasAgg(figure)
    return figure
