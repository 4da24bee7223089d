"""Writes figure, tables and report of an analysis into a folder; each file completely or not at all."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from vitspace.analysis.axes_figure import draw_axes
from vitspace.analysis.comparison import SpaceSample, comparison_table, scores_table
from vitspace.analysis.comparison_figure import draw_comparison
from vitspace.analysis.effects import AxisEffects
from vitspace.analysis.importance import Importance
from vitspace.analysis.scoring import caution
from vitspace.analysis.tables import axes_table, shown_axes, shown_comparison, values_table
from vitspace.costs import CONVENTION
from vitspace.files import write_atomic
from vitspace.folders import note_replaced, writing
from vitspace.machine.host import machine
from vitspace.plots.formats import fenced, markdown
from vitspace.plots.frame import save_figure


def write_comparison(out: Path, samples: Sequence[SpaceSample], title: str, score: str, words: str) -> None:
    """Write comparison.csv and .md, scores.csv, the figure and report.md.

    Args:
        out: The folder.
        samples: The scored designs.
        title: Title of figure and report.
        score: Label of the score.
        words: The paragraph of the report on how it was made.

    Raises:
        InputError: the folder cannot be written.
    """
    table = comparison_table(samples)
    shown = markdown(shown_comparison(table))
    note_replaced(out / "report.md", f"# {title}")
    with writing(out):
        write_atomic(out / "comparison.csv", table.to_csv(index=False))
        write_atomic(out / "comparison.md", shown)
        write_atomic(out / "scores.csv", scores_table(samples).to_csv(index=False))
        save_figure(draw_comparison(samples, title, score), out / "distributions")
        picture = "![Distributions of the score](distributions.png)"
        write_atomic(out / "report.md", _page(title, words, picture, shown))


def write_axes(
    out: Path, effects: Sequence[AxisEffects], importance: Mapping[str, Importance], title: str, words: str
) -> None:
    """Write axes.csv and .md, values.csv, the figure and report.md; arguments as of `write_comparison`.

    Raises:
        InputError: the folder cannot be written.
    """
    table = axes_table(effects, importance)
    shown = markdown(shown_axes(table))
    note_replaced(out / "report.md", f"# {title}")
    with writing(out):
        write_atomic(out / "axes.csv", table.to_csv(index=False))
        write_atomic(out / "axes.md", shown)
        write_atomic(out / "values.csv", values_table(effects).to_csv(index=False))
        save_figure(draw_axes(effects, importance, title), out / "axes")
        picture = "![Score at equal FLOPs by axis](axes.png)"
        write_atomic(out / "report.md", _page(title, words, picture, shown))


def made_by(command: str, setting: str, proxy: str) -> str:
    """Return how a report was made, in words: command, setting, definition of FLOPs, caution on the proxy."""
    shown = f"{fenced(command)}\n\n" if command else ""
    return "\n\n".join(filter(None, [f"{shown}{setting} FLOPs: {CONVENTION}.", caution(proxy)]))


def _page(title: str, words: str, picture: str, table: str) -> str:
    rows = pd.DataFrame([(key, str(value)) for key, value in machine().items()], columns=["machine", ""])
    return f"# {title}\n\n{words}\n\n{picture}\n\n{table}\n{markdown(rows)}"
