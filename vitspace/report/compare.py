"""Compare: the fronts of several studies in one figure, and their hypervolumes under one reference point."""

from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vitspace.errors import InputError
from vitspace.files import write_atomic
from vitspace.pareto import normalised_hypervolume
from vitspace.report import style
from vitspace.report.formats import markdown
from vitspace.report.frame import make_room, mark_logarithmic, padded, save_figure, write_words
from vitspace.report.labels import Labels
from vitspace.report.names import trial_name
from vitspace.report.noise import noise_limit
from vitspace.report.scatter import Axis, best_steps, cost_label, place
from vitspace.report.words import machine_name, proxy_sentence, score_label
from vitspace.schematic import FAMILY_COLOURS
from vitspace.study.record import StudyRecord

_COLOURS = (*FAMILY_COLOURS.values(), style.INK)
_GAP = 0.3  # inches
#: What a proxy says of itself that does not change what its scores measure; of ``data``, the study's words say more.
_BESIDE = ("data", "device", "skipped_images", "compile", "channels_last")


@dataclass(frozen=True)
class Comparison:
    """Several studies beside each other.

    Attributes:
        records: The studies.
        ideal: The least -score, multiply-adds and milliseconds that any of them counts.
        reference_point: The largest.
    """

    records: list[StudyRecord]
    ideal: tuple[float, float, float]
    reference_point: tuple[float, float, float]

    @classmethod
    def of(cls, records: list[StudyRecord]) -> "Comparison":
        """Compare studies.

        Raises:
            InputError: their scores do not measure the same, or one has no completed trial.
        """
        if unlike := _unlike(records):
            said = ", ".join(f"{record.name}: {_recipe(record)[unlike]}" for record in records)
            raise InputError(f"studies are compared whose scores measure the same, but their {unlike} is {said}")
        points = {record.name: record.reference_point for record in records}
        if empty := [name for name, point in points.items() if point is None]:
            raise InputError(f"studies are compared that have completed trials, but got {', '.join(empty)}")
        worst = np.max([point for point in points.values() if point], axis=0)
        ideal = min(record.ideal for record in records)  # they differ in the score alone
        return cls(records, ideal, (float(worst[0]), float(worst[1]), float(worst[2])))

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
                    [trial.point for trial in record.completed], self.ideal, self.reference_point
                ),
                "seconds": record.seconds,
            }
            for record in self.records
        ]

    def table(self) -> pd.DataFrame:
        """The rows as a frame."""
        return pd.DataFrame(self.rows())

    def to_json(self, folder: Path) -> dict[str, Any]:
        """Return what `vitspace report A B --json` prints."""
        return {"studies": self.rows(), "reference_point": list(self.reference_point), "report": str(folder)}

    def text(self) -> str:
        """The comparison as Markdown: what the scores are, the figure, the table."""
        numbers = {"hypervolume": "{:.4f}", "common_hypervolume": "{:.4f}", "seconds": "{:.0f}"}
        shown = self.table().astype(object)
        for name, form in numbers.items():
            shown[name] = [form.format(value) for value in shown[name]]
        point = "score {:.3g}, {:.3g} multiply-adds, {:.3g} ms".format(
            -self.reference_point[0], *self.reference_point[1:]
        )
        names = " and ".join(record.name for record in self.records)
        return (
            f"**{names}: {len(self.records)} studies compared.**\n\n{proxy_sentence(self.records[0])}\n\n"
            f"![Fronts of the studies](fronts.png)\n\n{markdown(shown.astype(str))}\n"
            f"`common_hypervolume` holds all of them to one reference point: {point}. "
            f"{' '.join(self.noise_words())}{self._hosts()}\n"
        )

    def noise_words(self) -> list[str]:
        """How far apart two scores are that tell nothing, by the noisiest of the studies; empty where none knows."""
        limits = [limit for record in self.records if (limit := noise_limit(record)) is not None]
        return [f"Scores less than {max(limits):.3f} apart are within noise between seeds."] if limits else []

    def _hosts(self) -> str:
        """A warning where latencies are of several machines."""
        notes = dict.fromkeys(machine_name(record) for record in self.records)
        if len(notes) < 2:
            return ""
        return (
            f"\n\n**Latencies of different machines do not compare**: {'; '.join(note or 'unknown' for note in notes)}."
        )


def draw_comparison(comparison: Comparison) -> Figure:
    """Draw the best score that each cost buys, a line a study, its front's designs on it, anchors as stars."""
    axes_of: tuple[Axis, ...] = ("macs", "latency_ms")
    first = comparison.records[0]
    caption = [
        "Lines: the best score at a cost. Points: each study's front. Stars: published designs, run by each study.",
        *comparison.noise_words(),
    ]
    with style.styled():
        figure = style.new_figure()
        panels = [figure.add_axes(style.WIDE.panel(number, 2, _GAP)) for number in (0, 1)]
        for axes, axis in zip(panels, axes_of, strict=True):
            _lines(axes, comparison, axis)
            axes.set_xlabel(cost_label(first, axis))
        panels[1].sharey(panels[0])
        panels[1].tick_params(labelleft=False)
        panels[0].set_ylabel(score_label(first))
        make_room(figure, caption, style.WIDE)
        for axes, axis in zip(panels, axes_of, strict=True):
            _stars(axes, comparison, axis)
        write_words(figure, "Fronts of score and cost", caption, style.WIDE)
    return figure


def _lines(axes: Axes, comparison: Comparison, axis: Axis) -> None:
    every: list[float] = []
    volumes = [row["common_hypervolume"] for row in comparison.rows()]
    for record, volume, colour in zip(comparison.records, volumes, cycle(_COLOURS), strict=False):
        places = [place(trial, axis) for trial in record.completed]
        every += [x for x, _ in places]
        xs, ys = zip(*best_steps(places), strict=True)
        axes.plot(xs, ys, color=colour, linewidth=1.4, label=f"{record.name} (hypervolume {volume:.3f})")
        front = [place(trial, axis) for trial in record.front if not trial.anchor]
        look = style.TRIAL | {"color": colour, "alpha": 1.0}
        axes.scatter([x for x, _ in front], [y for _, y in front], **look)
    axes.set(xscale="log", xlim=padded(every))
    mark_logarithmic(axes.xaxis, min(every), max(every))


def _stars(axes: Axes, comparison: Comparison, axis: Axis) -> None:
    stars = {place(t, axis): trial_name(t) for record in comparison.records for t in record.anchors}
    labels, named = Labels(axes, list(stars)), set()
    for (x, y), name in stars.items():
        axes.scatter([x], [y], **style.ANCHOR | {"s": 130})
        if name not in named:
            labels.add(x, y, name, required=False, **style.ANCHOR_LABEL | {"fontsize": 8.5})
        named.add(name)


def write_comparison(comparison: Comparison, out: Path) -> Path:
    """Write report.md, fronts.png, fronts.pdf and studies.csv into a folder, and return it.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        save_figure(draw_comparison(comparison), out / "fronts")
        write_atomic(out / "studies.csv", comparison.table().to_csv(index=False))
        write_atomic(out / "report.md", comparison.text())
    except OSError as error:
        raise InputError(f"a report needs a folder that can be written, but got {str(out)!r}: {error}") from None
    return out


def _recipe(record: StudyRecord) -> dict[str, Any]:
    """Return what its scores measure, and on images of which size its costs count."""
    proxy = {key: value for key, value in record.resolved.get("proxy", {}).items() if key not in _BESIDE}
    resolution = record.resolved.get("space", {}).get("resolution")
    return {"proxy": record.config.proxy, **proxy, "data": record.config.data, "resolution": resolution}


def _unlike(records: list[StudyRecord]) -> str | None:
    """Return the first setting in which the recipes differ, of those that all of them state."""
    first, *others = [_recipe(record) for record in records]
    if all("name" in recipe for recipe in (first, *others)):  # which says more than the words it was asked for by
        del first["proxy"]
    shared = [key for key in first if all(key in other for other in others)]
    return next((key for key in shared if any(other[key] != first[key] for other in others)), None)
