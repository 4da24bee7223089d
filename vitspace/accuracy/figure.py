"""Figures of the predictor: predicted against published top-1, and how often its intervals hold.

python -m vitspace.accuracy.figure [--out reports/accuracy]

Every network is predicted without its family. Beside the figures ``held.csv`` has the numbers.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vitspace.accuracy.judging import Held, anchors_held, public_held
from vitspace.accuracy.predictor import NORMAL_90
from vitspace.plots import style
from vitspace.plots.frame import save_figure, write_words

#: Half of the 90 % interval at each level, if misses are as a normal distribution's.
_WIDTHS = {0.5: 0.6745, 0.6: 0.8416, 0.7: 1.0364, 0.8: 1.2816, 0.9: NORMAL_90, 0.95: 1.96}


def reliability(held: Held) -> dict[float, float]:
    """Return by level which share of networks lies in the interval of that level."""
    misses = np.abs(held.misses) * NORMAL_90
    return {level: float((misses <= width).mean()) for level, width in _WIDTHS.items()}


def draw_predicted(public: Held, anchors: Held) -> Figure:
    """Draw predicted against published top-1."""
    with style.styled():
        figure = style.new_figure()
        axes = figure.add_axes((0.1, 0.2, 0.86, 0.64))
        ends = (min(public.published.min(), anchors.published.min()) - 1, 87)
        axes.plot(ends, ends, **style.REFERENCE)
        axes.scatter(public.published, public.predicted, label=f"{len(public.names)} public networks", **style.TRIAL)
        axes.scatter(anchors.published, anchors.predicted, label=f"{len(anchors.names)} anchors", **style.ANCHOR)
        axes.set(
            xlabel="published ImageNet-1k top-1, %", ylabel="predicted without the family, %", xlim=ends, ylim=ends
        )
        caption = [
            f"Mean error: public {public.mae:.2f} points, anchors {anchors.mae:.2f}. The line is where both agree."
        ]
        write_words(figure, "Top-1 of networks whose family the predictor has not seen", caption, style.WIDE)
    return figure


def draw_reliability(public: Held, anchors: Held) -> Figure:
    """Draw how often intervals hold, by their level."""
    with style.styled():
        figure = style.new_figure()
        axes = figure.add_axes((0.1, 0.2, 0.86, 0.64))
        axes.plot((0.45, 1), (0.45, 1), **style.REFERENCE)
        _line(axes, reliability(public), style.BLUE, "public networks")
        _line(axes, reliability(anchors), style.ORANGE, "anchors")
        axes.set(xlabel="level of the interval", ylabel="share of networks inside", xlim=(0.45, 1), ylim=(0.45, 1.02))
        caption = [
            "Above the line intervals are wider than they need be, below it too narrow. Fitted at 0.9 on the public."
        ]
        write_words(figure, "How often intervals hold, each network without its family", caption, style.WIDE)
    return figure


def _line(axes: Axes, shares: dict[float, float], color: str, label: str) -> None:
    axes.plot(list(shares), list(shares.values()), marker="o", color=color, label=label)


def write(out: Path) -> None:
    """Write both figures and the numbers."""
    out.mkdir(parents=True, exist_ok=True)
    public, anchors = public_held(), anchors_held()
    save_figure(draw_predicted(public, anchors), out / "predicted")
    save_figure(draw_reliability(public, anchors), out / "reliability")
    with (out / "held.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["kind", "name", "family", "macs", "published", "predicted", "miss_of_90"])
        for kind, held in (("public", public), ("anchor", anchors)):
            for i, name in enumerate(held.names):
                numbers = (held.macs[i], held.published[i], round(held.predicted[i], 3), round(held.misses[i], 3))
                writer.writerow([kind, name, held.families[i], *numbers])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("reports/accuracy"))
    write(parser.parse_args(arguments).out)


if __name__ == "__main__":
    main()
