"""Compare: the fronts of several studies in one figure, and their hypervolumes under one reference point."""

from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vitspace.errors import InputError
from vitspace.pareto import normalised_hypervolume
from vitspace.report import style
from vitspace.report.figures import save_figure
from vitspace.report.scatter import best_steps
from vitspace.study.record import StudyRecord

_COLOURS = (style.BLUE, style.ORANGE, "#009E73", "#CC79A7", "#56B4E9", "#E69F00", style.INK)


@dataclass(frozen=True)
class Comparison:
    """Several studies beside each other.

    Attributes:
        records: The studies.
        reference_point: The largest -score, multiply-adds and milliseconds that any of them counts.
    """

    records: list[StudyRecord]
    reference_point: tuple[float, float, float]

    @classmethod
    def of(cls, records: list[StudyRecord]) -> "Comparison":
        """Compare studies.

        Raises:
            InputError: their scores do not measure the same, or one has no completed trial.
        """
        asked = {record.name: (record.config.proxy, record.config.data) for record in records}
        if len(set(asked.values())) > 1:
            said = ", ".join(f"{name}: {proxy} on {data}" for name, (proxy, data) in asked.items())
            raise InputError(f"studies are compared whose scores have one proxy and one set of data, but got {said}")
        points = {record.name: record.reference_point for record in records}
        if empty := [name for name, point in points.items() if point is None]:
            raise InputError(f"studies are compared that have completed trials, but got {', '.join(empty)}")
        worst = np.max([point for point in points.values() if point], axis=0)
        return cls(records, (float(worst[0]), float(worst[1]), float(worst[2])))

    def rows(self) -> list[dict[str, Any]]:
        """One row a study: its own hypervolume, and that under the common reference point."""
        return [
            {
                "study": record.name,
                "engine": record.config.engine,
                "sampler": record.config.sampler,
                "trials": len(record.completed),
                "front": len(record.front),
                "hypervolume": record.hypervolume,
                "common_hypervolume": normalised_hypervolume(
                    [trial.point for trial in record.completed], (0.0, 0.0, 0.0), self.reference_point
                ),
                "seconds": record.seconds,
            }
            for record in self.records
        ]

    def table(self) -> pd.DataFrame:
        """The rows as a frame."""
        return pd.DataFrame(self.rows())


def draw_comparison(comparison: Comparison) -> Figure:
    """Draw the best score that each cost buys, a line a study, its front's designs on it."""
    with style.styled():
        figure = style.new_figure()
        axes = figure.add_axes(style.AXES)
        axes.set(xlabel="FLOPs (G multiply-adds)", ylabel="proxy score", xscale="log")
        for record, colour in zip(comparison.records, cycle(_COLOURS), strict=False):
            places = [(trial.point[1] / 1e9, -trial.point[0]) for trial in record.completed]
            xs, ys = zip(*best_steps(places), strict=True)
            axes.plot(xs, ys, color=colour, linewidth=1.4, label=record.name)
            axes.scatter(
                [trial.point[1] / 1e9 for trial in record.front],
                [-trial.point[0] for trial in record.front],
                **style.TRIAL | {"color": colour, "alpha": 1.0},
            )
        figure.text(style.MARGIN, 0.955, "Fronts of score and FLOPs", fontsize=13, fontweight="bold")
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, **style.LEGEND)
    return figure


def write_comparison(comparison: Comparison, out: Path) -> Path:
    """Write fronts.png, fronts.pdf and studies.csv into a folder, and return it.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        save_figure(draw_comparison(comparison), out / "fronts")
        comparison.table().to_csv(out / "studies.csv", index=False)
    except OSError as error:
        raise InputError(f"a comparison needs a folder that can be written, but got {str(out)!r}: {error}") from None
    return out
