"""Samples of designs of several spaces at one cost, and the table that compares their scores.

After RegNet's design-space comparison (Radosavovic et al., CVPR 2020, section 3.1): equal budgets, designs drawn
uniformly, empirical distribution functions of the scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vitspace.analysis.scoring import ScoredDesign
from vitspace.budget import Budget
from vitspace.errors import InputError
from vitspace.space import InvalidDesign, Space
from vitspace.spec import Spec
from vitspace.statistics import interval, resamples
from vitspace.units import parse_range

#: Lower end of the band, as a share of a budget of one number, so that designs are compared at one cost.
BAND = 0.9
#: Number of designs whose expected best score is stated.
BEST_OF = 10
#: Settings that are drawn for the share of invalid ones.
TRIES = 1000

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SpaceSample:
    """Designs drawn from one space.

    Attributes:
        space: Name of the space.
        designs: Number of its distinct designs within the FLOPs, whatever their params.
        invalid_share: Share of invalid settings among settings drawn uniformly and independently, 0 to 1.
        specs: The drawn designs.
        why: Why none could be drawn; empty otherwise.
        scored: The drawn designs with their scores, once they are scored.
    """

    space: str
    designs: int
    invalid_share: float
    specs: tuple[Spec, ...] = ()
    why: str = ""
    scored: tuple[ScoredDesign, ...] = field(default=())

    @property
    def scores(self) -> Array:
        """The sorted scores of the designs that have one."""
        return np.sort([design.score for design in self.scored if design.score is not None]).astype(float)


def parse_band(macs: str, params: str | None = None) -> Budget:
    """Read a budget; a single number N is the band from `BAND` * N to N.

    Raises:
        InputError: a quantity or range is malformed.
    """
    low, high = parse_range(macs)
    if ".." not in macs:
        low = BAND * high
    return Budget((low, high), Budget.parse(params=params).params)


def draw_sample(space: Space, budget: Budget, n: int, seed: int) -> SpaceSample:
    """Draw up to n distinct designs within a budget; a space without any gives an empty sample with the reason."""
    designs, share = space.size(Budget(budget.macs)), invalid_share(space, seed)
    try:
        return SpaceSample(space.name, designs, share, tuple(space.draw(n, budget, seed)))
    except InputError as error:
        return SpaceSample(space.name, designs, share, why=str(error))


def invalid_share(space: Space, seed: int = 0, tries: int = TRIES) -> float:
    """Share of invalid settings, when every active variable is drawn uniformly and independently of the others."""
    rng, invalid = np.random.default_rng(seed), 0
    for _ in range(tries):
        try:
            space.decode(space.choose(lambda variable: variable.values[rng.integers(len(variable.values))]))
        except InvalidDesign:
            invalid += 1
    return invalid / tries


def expected_best(scores: Array, k: int) -> Array:
    """Expected best of k designs drawn with replacement from sorted scores: [..., N] -> [...]."""
    n = scores.shape[-1]
    places = np.arange(n + 1) / n
    best: Array = scores @ np.diff(places**k)
    return best


def distribution(scores: Array) -> tuple[Array, Array, Array]:
    """Empirical distribution function at sorted scores [N], with its 90 % bootstrap band: shares, low, high: [N]."""
    n = len(scores)
    at_most = np.searchsorted(scores, scores, "right")
    counts = np.cumsum(resamples(n), axis=1)[:, at_most - 1] / n
    low, high = np.percentile(counts, (5, 95), axis=0)
    return at_most / n, low, high


def comparison_table(samples: Sequence[SpaceSample]) -> pd.DataFrame:
    """A row for each space: counts, costs, median and expected best score with 90 % bootstrap intervals, best score."""
    return pd.DataFrame([_counts(sample) | _statistics(sample) | {"why": sample.why} for sample in samples])


def scores_table(samples: Sequence[SpaceSample]) -> pd.DataFrame:
    """A row for each drawn design."""
    columns = ["space", "spec_id", "families", "params", "macs", "score", "why"]
    rows = [
        (sample.space, d.spec.id, _families(d.spec), d.params, d.macs, d.score, d.why)
        for sample in samples
        for d in sample.scored
    ]
    return pd.DataFrame(rows, columns=columns)


def _families(spec: Spec) -> str:
    return "+".join(dict.fromkeys(stage.family for stage in spec.stages))


def _counts(sample: SpaceSample) -> dict[str, Any]:
    return {
        "space": sample.space,
        "designs": sample.designs,
        "invalid_share": sample.invalid_share,
        "drawn": len(sample.scored),
        "failed": len(sample.scored) - len(sample.scores),
        "gflops": _median([design.macs / 1e9 for design in sample.scored]),
        "params_m": _median([design.params / 1e6 for design in sample.scored]),
    }


def _statistics(sample: SpaceSample) -> dict[str, Any]:
    """Return median and expected best of ten, with intervals, and the best; None if nothing was scored."""
    scores, best = sample.scores, f"best_of_{BEST_OF}"
    if not len(scores):
        return {f"{name}{end}": None for name in ("median", best) for end in ("", "_low", "_high")} | {"best": None}
    again = np.sort(np.random.default_rng(0).choice(scores, (2000, len(scores))), axis=1)
    found: dict[str, Any] = {}
    for name, value, samples in (
        ("median", float(np.median(scores)), np.median(again, axis=1)),
        (best, float(expected_best(scores, BEST_OF)), expected_best(again, BEST_OF)),
    ):
        low, high = interval(samples) or (None, None)
        found |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return found | {"best": float(scores[-1])}


def _median(values: list[float]) -> float | None:
    return float(np.median(values)) if values else None
