"""Draws the hypervolume over evaluations and over seconds, against random draws."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vitspace.plots import style
from vitspace.plots.frame import make_room, write_words
from vitspace.report.history import BAND, Curve, History, Random, history
from vitspace.report.words import machine_note, score_word
from vitspace.study.record import StudyRecord
from vitspace.words import ordinal

_GAP = 0.35  # inches


def draw_history(record: StudyRecord, form: style.Format = style.WIDE) -> Figure:
    """Draw how a study's hypervolume grew."""
    found = history(record)
    panels: list[tuple[str, Curve, Random | None]] = [
        ("designs with a score", found.evaluations, found.random),
        ("seconds of evaluation", found.seconds, found.random_seconds),
    ]
    with style.styled():
        figure = style.new_figure(form)
        top = found.evaluations.volume[-1] or 1.0
        for number, (label, curve, random) in enumerate(panels):
            axes = figure.add_axes(form.panel(number, 2, _GAP))
            axes.set(xlabel=label, xlim=(0, max(1.0, 1.03 * curve.at[-1])), ylim=(0, 1.12 * top))
            axes.xaxis.set_major_locator(MaxNLocator(5 if form.columns > 1 else 3, steps=[1, 2, 5, 10]))
            _curves(axes, curve, random)
            if number:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel("hypervolume (share of the box)")
                axes.yaxis.set_label_coords(0.24 / form.width, 0.52, transform=figure.transFigure)
        lines = caption(record, found)
        make_room(figure, lines, form)
        write_words(figure, f"{record.name}: hypervolume of the front", lines, form)
    return figure


def caption(record: StudyRecord, found: History) -> list[str]:
    """The lines under the figure; what random is, above all."""
    lines = [f"Of {score_word(record)}, FLOPs and latency under the study's reference point; anchors come first."]
    if found.random:
        low, high = BAND
        lines.append(
            f"Random: the study's own {found.drawn} random draws in other orders, mean and "
            f"{ordinal(int(low))} to {ordinal(int(high))} "
            "percentile; what more of them would have found is not known."
        )
    return [*lines, note] if (note := machine_note(record)) else lines


def _curves(axes: Axes, curve: Curve, random: Random | None) -> None:
    if random is not None:
        axes.fill_between(random.at, random.low, random.high, step="post", **style.RANDOM_BAND)
        axes.step(random.at, random.mean, where="post", label="random draws in all orders", **style.RANDOM)
    axes.step(curve.at, curve.volume, where="post", label="this study", **style.STEPS | {"linewidth": 1.8})
