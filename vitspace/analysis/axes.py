"""Findings on the axes of a space: their effect on the score at equal FLOPs, their importance, the preferred values."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from vitspace.analysis.effects import AxisEffects, all_effects
from vitspace.analysis.folder import made_by, write_axes
from vitspace.analysis.importance import Importance, importances
from vitspace.analysis.observations import Observations, of_scored, of_study
from vitspace.analysis.scoring import Scoring
from vitspace.analysis.sight import UNSEEN, Spread, changes, published_scores, spread_of
from vitspace.analysis.tables import axes_table, records, values_table
from vitspace.budget import Budget
from vitspace.folders import check_folder, owning
from vitspace.proxies import trains
from vitspace.proxies.selective import check_knows
from vitspace.space import load_sizes, load_space
from vitspace.study.storage import DEFAULT_STORAGE
from vitspace.study.store import StudyStore
from vitspace.tracking import Track, untracked
from vitspace.words import plural

#: The caution for designs of a study, which are not drawn uniformly.
BIASED = "Trials were proposed by a search, which looks more closely where scores are high: effects are biased so."

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AxisFindings:
    """Effects and importance of a space's axes.

    Attributes:
        source: The space or study.
        proxy: The proxy of the scores.
        observations: The designs and their scores.
        effects: By axis, the score of each value at equal FLOPs.
        importance: By axis, its share of the score's variance.
        spread: The spread of the proxy's scores, and with it which effects matter.
        drawn: A sentence on how the designs were drawn.
    """

    source: str
    proxy: str
    observations: Observations
    effects: Sequence[AxisEffects]
    importance: Mapping[str, Importance]
    spread: Spread
    drawn: str

    @classmethod
    def of(
        cls,
        source: str,
        proxy: str,
        observations: Observations,
        drawn: str,
        spread: Spread | None = None,
        changes: Mapping[str, float] | None = None,
    ) -> "AxisFindings":
        """Compute effects and importance from scored designs.

        Args:
            source: The space or study.
            proxy: The proxy of the scores.
            observations: The designs and their scores.
            drawn: A sentence on how the designs were drawn.
            spread: Of the proxy's scores; None is that of the designs.
            changes: By axis, how much a score changes where it alone changes; see `vitspace.analysis.sight.changes`.
        """
        spread, changes = spread or Spread.of(observations), changes or {}
        effects = [
            replace(each, change=changes.get(each.axis), seen=spread.is_seen(changes.get(each.axis)))
            for each in all_effects(observations, spread.matters)
        ]
        important = importances(observations, spread.sees)
        return cls(source, proxy, observations, effects, important, spread, drawn)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row an axis, the most important first; see `vitspace.analysis.tables.axes_table`."""
        return axes_table(self.effects, self.importance)

    @property
    def unseen(self) -> list[str]:
        """The axes that the proxy cannot see."""
        return [axis.axis for axis in self.effects if axis.seen is False]

    @property
    def note(self) -> str:
        """The number of designs, how they were drawn, which effects matter, and what the proxy cannot see."""
        seen = self.observations
        told = f"{plural(len(seen.scores), 'design')}, {seen.left_out} left out (failed, or outside the space)."
        blind = f" {self.proxy} cannot see {', '.join(self.unseen)}: {UNSEEN}." if self.unseen else ""
        return f"{told} {self.drawn} {self.spread}.{blind}"

    def write(self, folder: Path, command: str) -> None:
        """Write figure and tables into a folder."""
        title = f"{self.proxy} score by the axes of {self.source}"
        write_axes(folder, self.effects, self.importance, title, made_by(command, self.note, self.proxy))

    def to_json(self) -> dict[str, Any]:
        """Return what ``vitspace space axes --json`` prints, without source and folder."""
        found = {"space": self.observations.space, "proxy": self.proxy, "designs": len(self.observations.scores)}
        found |= {"spread": self.spread.value, "matters": self.spread.matters, "unseen": self.unseen}
        return found | {"axes": records(self.table), "values": records(values_table(self.effects))}


def space_axes(
    space: str,
    budget: str | None = None,
    n: int = 200,
    scoring: Scoring | None = None,
    out: Path | None = None,
    command: str = "",
    track: Track = untracked,
) -> AxisFindings:
    """Draw designs uniformly from a space, score them by a proxy, and compute the effect of each axis on the score.

    Args:
        space: A space's name, or a path to its YAML.
        budget: FLOPs (multiply-adds): ``4G``, ``3.5G..4G``; None is any.
        n: Number of designs that are drawn.
        scoring: Proxy, data, seed and device; None is the score ``rank`` at seed 0.
        out: Folder of figure and tables; None writes none.
        command: The command line, for the report.
        track: Shows how many designs are scored.

    Raises:
        InputError: there is no such space, proxy or data, the space holds too few designs within the budget, or the
            folder cannot be written.
    """
    scoring, limits = scoring or Scoring(), Budget.parse(budget)
    folder = check_folder(out) if out else None
    with owning(folder):
        scorer, loaded = scoring.scorer(), load_space(space)
        check_knows(scorer.proxy, loaded, limits.macs)
        _log.info("drawing from %s", loaded.name)
        designs = [(loaded, spec) for spec in loaded.draw(n, limits, scoring.seed)]
        seen = of_scored(loaded, scorer.score_all(designs, track))
        drawn = f"Designs drawn uniformly within {limits}."
        spread, moved = Spread.of(seen), None
        if not trains(scoring.proxy):
            spread = Spread.of(seen, *published_scores(scorer, seen, track))
            moved = changes(loaded, scorer, seen, track)
        findings = AxisFindings.of(Path(space).stem, scoring.proxy, seen, drawn, spread, moved)
        if folder:
            findings.write(folder, command)
    return findings


def study_axes(
    study: str, storage: str = DEFAULT_STORAGE, budget: str | None = None, out: Path | None = None, command: str = ""
) -> AxisFindings:
    """Compute the effect of each axis of a stored study's space on the study's scores.

    Args:
        study: The study's name.
        storage: A journal file, or a database URL.
        budget: FLOPs of the trials that count; None is all.
        out: Folder of figure and tables; None writes none.
        command: The command line, for the report.

    Raises:
        InputError: there is no such study, too few of its trials are complete, or the folder cannot be written.
    """
    limits = Budget.parse(budget)
    folder = check_folder(out) if out else None
    with owning(folder):
        record = StudyStore.open(storage, study).record()
        seen = of_study(load_sizes(record.config.space, record.sizes), record, limits)
        findings = AxisFindings.of(study, record.config.proxy, seen, BIASED, spread_of(record, seen))
        if folder:
            findings.write(folder, command)
    return findings
