"""Figure and table of how top-1 carries over to dense tasks, a panel and a row a metric.

python -m vitspace.tasks.carrying_figure [--out reports/dense]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vitspace.about import about
from vitspace.files import write_csv
from vitspace.plots import style
from vitspace.plots.frame import save_figure
from vitspace.tasks.carrying import Line, all_lines

_COLUMNS = 4


def draw(lines: Sequence[Line]) -> Figure:
    """Draw the rows of each line, and the line where it holds."""
    with style.styled():
        rows = -(-len(lines) // _COLUMNS)
        figure = Figure(figsize=(3.4 * _COLUMNS, 3.0 * rows + 0.7), layout="constrained")
        panels = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for panel, line in zip(panels, lines, strict=False):
            _draw(panel, line)
        for panel in panels[len(lines) :]:
            panel.set_axis_off()
        pairs = [pair for panel in panels for pair in zip(*panel.get_legend_handles_labels(), strict=True)]
        named = {label: handle for handle, label in pairs}
        figure.legend(named.values(), named, loc="outside lower center", ncols=len(named), frameon=False)
        figure.suptitle("Published mIoU and AP of dense tasks against the backbone's top-1", fontsize=12)
    return figure


def _draw(panel: Axes, line: Line) -> None:
    families = dict.fromkeys(point.row.family for point in line.points)
    for family in families:
        points = [point for point in line.points if point.row.family == family]
        told = about(family)
        label, colour, mark = ("peers", "#777777", "x") if family == "peer" else (told.name, told.colour, told.mark)
        x, y = [point.top1 for point in points], [point.row.value for point in points]
        panel.scatter(x, y, color=colour, marker=mark, label=label, s=26)
    ends = (float(line.top1.min()), float(line.top1.max()))
    if line.holds:
        panel.plot(ends, [line.at(end) for end in ends], color="#333333", linewidth=1)
    said = f"{line.slope:.2f} a point" if line.holds else "no line"
    panel.set_title(f"{line.task}\n{said}; held out {line.error:.2f}, mean {line.error_of_mean:.2f}", fontsize=9)
    panel.set_xlabel("backbone's top-1, %")
    panel.set_ylabel(f"{line.metric}, %")


def table(lines: Sequence[Line]) -> list[dict[str, object]]:
    """Return a row a line: range, slope, and held-out errors beside those of the mean."""
    return [
        {
            "task": line.task,
            "metric": line.metric,
            "data": line.data,
            "rows": len(line.points),
            "least_top1": float(line.top1.min()),
            "most_top1": float(line.top1.max()),
            **{name: round(getattr(line, name), 3) for name in ("slope", "error", "sd", "error_of_mean")},
            "holds": line.holds,
        }
        for line in lines
    ]


def write(out: Path) -> None:
    """Write ``carrying.png`` and ``.pdf``, and ``carrying.csv``."""
    out.mkdir(parents=True, exist_ok=True)
    lines = all_lines()
    save_figure(draw(lines), out / "carrying")
    rows = table(lines)
    write_csv(out / "carrying.csv", list(rows[0]), rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, and write figure and table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("reports/dense"))
    write(parser.parse_args(arguments).out)


if __name__ == "__main__":
    main()
