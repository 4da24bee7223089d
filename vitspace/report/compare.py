"""Several studies beside each other, and their hypervolumes under one reference point."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vitspace.errors import InputError
from vitspace.pareto import normalised_hypervolume
from vitspace.plots.formats import escaped, markdown
from vitspace.report.noise import noise_limit
from vitspace.report.tables import front_table
from vitspace.report.words import machine_name, proxy_sentence, score_word
from vitspace.study.record import StudyRecord
from vitspace.tasks.heads import CLASSIFICATION
from vitspace.tasks.words import task_words
from vitspace.words import plural

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
            InputError: there is only one, their scores do not measure the same, or one has no completed trial.
        """
        if len(records) < 2:
            raise InputError(f"at least 2 studies are compared, but got {', '.join(record.name for record in records)}")
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

    def fronts(self) -> pd.DataFrame:
        """The fronts of all of them by FLOPs, each design with its study."""
        frames = [front_table(record).assign(study=record.name) for record in self.records]
        return pd.DataFrame([row for frame in frames for row in frame.to_dict("records")]).sort_values("gflops")

    def to_json(self, folder: Path) -> dict[str, Any]:
        """Return what `vitspace report A B --json` prints."""
        return {
            "studies": self.rows(),
            "reference_point": list(self.reference_point),
            "warnings": [f"{name}: {said}" for name, said in self.latency_words()],
            "report": str(folder),
        }

    def text(self) -> str:
        """The comparison as Markdown: what the scores are, the figure, the table."""
        numbers = {"hypervolume": "{:.4f}", "common_hypervolume": "{:.4f}", "seconds": "{:.0f}"}
        shown = self.table().astype(object)
        for name, form in numbers.items():
            shown[name] = [form.format(value) for value in shown[name]]
        warning = "".join(f"\n\n**{name}**: {escaped(machines)}." for name, machines in self.latency_words())
        return (
            f"**{escaped(self.headline())}**\n\n{escaped(proxy_sentence(self.records[0]))}\n\n"
            f"![Fronts of the studies](fronts.png)\n\n{markdown(shown.astype(str))}\n"
            f"{' '.join([self.point_words(), *self.noise_words()])}{warning}\n"
        )

    def headline(self) -> str:
        """Which studies these are."""
        return f"{' and '.join(record.name for record in self.records)}: {plural(len(self.records), 'study')} compared."

    def point_words(self, name: str = "`common_hypervolume`") -> str:
        """What the common hypervolume is."""
        loss, macs, ms = self.reference_point
        point = f"{score_word(self.records[0])} {-loss:.3g}, {macs:.3g} multiply-adds, {ms:.3g} ms"
        return f"{name} holds all of them to one reference point: {point}."

    def noise_words(self) -> list[str]:
        """How far apart two scores are that tell nothing, by the noisiest of the studies; empty where none is.

        In points each two designs have a distance of their own, which `proxy_sentence` says.
        """
        limits = [limit for record in self.records if (limit := noise_limit(record)) is not None]
        return [f"Scores less than {max(limits):.3f} apart are within noise between seeds."] if any(limits) else []

    def latency_words(self) -> list[tuple[str, str]]:
        """A warning and the values of each setting of the timing, as far as known, that studies do not share."""
        found = []
        for what, of in _TIMED.items():
            values = {record.name: value for record in self.records if (value := of(record))}
            if len(set(values.values())) > 1:
                said = "; ".join(f"{value} ({name})" for name, value in values.items())
                found.append((f"Latencies of different {what} do not compare", said))
        return found


def _known(record: StudyRecord, fact: str) -> str:
    """Return the values of a fact of latencies, as text."""
    known = {trial.latency[fact] for trial in record.completed if trial.latency.get(fact)}
    return ", ".join(map(str, sorted(known)))


_TIMED: dict[str, Callable[[StudyRecord], str]] = {
    "machines": lambda record: record.config.limits.device or machine_name(record) or "unknown",
    "back ends": lambda record: _known(record, "backend") or record.config.latency_backend,
    "numbers of threads": lambda record: _known(record, "threads"),
    "batches": lambda record: _known(record, "batch"),
}


def _recipe(record: StudyRecord) -> dict[str, Any]:
    """Return what its scores measure, and on images of which size its costs count."""
    shared = {
        "accuracy": record.config.accuracy,
        "task": task_words(**record.task) if record.task else CLASSIFICATION,
        "resolution": record.sizes if len(record.sizes) > 1 else record.told("space").get("resolution"),
    }
    if record.in_points:  # of whatever proxy
        return shared
    proxy = {key: value for key, value in record.told("proxy").items() if key not in _BESIDE}
    given = {"data": record.config.data} if record.config.data else {}
    return {"proxy": record.config.proxy, **proxy, **given} | shared


def _unlike(records: list[StudyRecord]) -> str | None:
    """Return the first setting in which the recipes differ, of those that all of them state."""
    first, *others = [_recipe(record) for record in records]
    if any(other["accuracy"] != first["accuracy"] for other in others):  # which is said before all else
        return "accuracy"
    if all("name" in recipe for recipe in (first, *others)):  # which says more than the words it was asked for by
        first.pop("proxy", None)
    shared = [key for key in first if all(key in other for other in others)]
    return next((key for key in shared if any(other[key] != first[key] for other in others)), None)
