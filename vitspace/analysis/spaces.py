"""Spaces compared at equal cost by the distributions of the scores of their designs."""

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from vitspace.analysis.comparison import SpaceSample, comparison_table, draw_sample, parse_band
from vitspace.analysis.folder import made_by, write_comparison
from vitspace.analysis.scoring import Scoring
from vitspace.analysis.tables import records
from vitspace.budget import ANY, Budget
from vitspace.errors import InputError
from vitspace.folders import check_folder, owning
from vitspace.image_sizes import ImageSize, format_image_size
from vitspace.proxies.selective import check_knows
from vitspace.space import Space, load_space
from vitspace.spec import NATIVE_SIZE
from vitspace.tasks.heads import CLASSIFICATION
from vitspace.tracking import Track, untracked

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SpaceComparison:
    """The result of a comparison of spaces.

    Attributes:
        samples: Scored designs of each space.
        band: Range of FLOPs and params within which they were drawn.
        n: Number of designs requested from each space.
        scoring: How they were scored.
        folder: Folder of figure and tables; None if none were written.
        img_size: Side of the image, or (height, width), pixels, at which designs were counted.
        task: What they were counted for.
        where: Both in words.
    """

    samples: tuple[SpaceSample, ...]
    band: Budget
    n: int
    scoring: Scoring
    folder: Path | None = None
    img_size: ImageSize = NATIVE_SIZE
    task: str = CLASSIFICATION
    where: str = f"at {NATIVE_SIZE} px"

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a space; see `vitspace.analysis.comparison.comparison_table`."""
        return comparison_table(self.samples)

    def to_json(self) -> dict[str, Any]:
        """Return what ``vitspace space compare --json`` prints, without the budget."""
        return {
            "band": [limit if math.isfinite(limit) else None for limit in self.band.macs],
            "proxy": self.scoring.proxy,
            "n": self.n,
            "img_size": self.img_size,
            "task": self.task,
            "seed": self.scoring.seed,
            "spaces": records(self.table),
            "report": str(self.folder) if self.folder else None,
        }


def compare_spaces(  # noqa: PLR0913 (all but two are optional)
    spaces: Iterable[str],
    budget: str | Budget,
    n: int = 200,
    scoring: Scoring | None = None,
    out: Path | None = None,
    command: str = "",
    track: Track = untracked,
    img_size: ImageSize | None = None,
    task: str = CLASSIFICATION,
) -> SpaceComparison:
    """Draw designs uniformly from each space within one band of FLOPs, and score them by a proxy.

    After RegNet (Radosavovic et al., CVPR 2020, section 3.1). Each score is cached when it is measured, so that the
    same call continues after an interrupt.

    Args:
        spaces: Names of spaces, or paths to their YAML.
        budget: FLOPs (multiply-adds): ``1G`` is the band 0.9G..1G, ``0.5G..1G`` itself; a `Budget` limits params too.
        n: Designs drawn from each space.
        scoring: Proxy, data, seed and device; None is the score ``rank`` at seed 0.
        out: Folder of figure and tables; None writes none.
        command: The command line, for the report.
        track: Shows how many designs are scored.
        img_size: Side of the image, or (height, width), pixels; None is what each space is written for, or the task's.
        task: What designs are counted for; scores are those of networks of classification.

    Raises:
        InputError: there is no such space, task, proxy or data, a space is named twice, the budget is malformed, or the
            folder cannot be written.
    """
    scoring = scoring or Scoring()
    band = parse_band(budget) if isinstance(budget, str) else budget
    loaded = _load(spaces, img_size, task)
    first = next(iter(loaded.values()))
    folder = check_folder(out) if out else None
    with owning(folder):
        scorer = scoring.scorer()
        for space in loaded.values():
            check_knows(scorer.proxy, space, band.macs)
        _log.info("band: %s", band)
        drawn = [_drawn(space, band, n, scoring.seed) for space in loaded.values()]
        designs = [(loaded[sample.space], spec) for sample in drawn for spec in sample.specs]
        scored = iter(scorer.score_all(designs, track))
        samples = tuple(replace(sample, scored=tuple(next(scored) for _ in sample.specs)) for sample in drawn)
        comparison = SpaceComparison(samples, band, n, scoring, folder, first.counted_size, task, first.where)
        if folder:
            _write(comparison, folder, command)
    return comparison


def _load(spaces: Iterable[str], img_size: ImageSize | None, task: str) -> dict[str, Space]:
    names = list(spaces)
    if len({Path(name).stem for name in names}) < len(names):
        raise InputError(f"each space is compared once, but got {', '.join(names)}")
    loaded = [load_space(name, img_size, task) for name in names]
    if len({space.counted_size for space in loaded}) > 1:
        sizes = ", ".join(f"{space.name} {format_image_size(space.counted_size)}" for space in loaded)
        raise InputError(f"spaces are compared at one size of images, --img-size, but got {sizes}")
    return {space.name: space for space in loaded}


def _drawn(space: Space, band: Budget, n: int, seed: int) -> SpaceSample:
    _log.info("drawing from %s", space.name)
    sample = draw_sample(space, band, n, seed)
    if sample.why:
        _log.info("%s: %s", space.name, sample.why)
    return sample


def _write(comparison: SpaceComparison, folder: Path, command: str) -> None:
    band, scoring = comparison.band, comparison.scoring
    counted = " Designs are counted by FLOPs alone, and drawn within both limits." if band.params != ANY else ""
    words = made_by(
        command,
        f"Band: {band} {comparison.where}.{counted} Seed {scoring.seed}.",
        scoring.proxy,
    )
    title = f"{scoring.proxy} score of designs, by space: {band}"
    write_comparison(folder, comparison.samples, title, f"{scoring.proxy} score", words)
