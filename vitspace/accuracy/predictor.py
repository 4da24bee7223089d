"""Top-1 of designs from the published networks, in points, with how sure that is.

Two processes of log error, one of size and depth alone, one that sees the shape as well; the mean of both, and the
spread between them added to their own (see docs/accuracy.md). Intervals are scaled so that they hold as often as they
say for public families that were left out.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from vitspace.accuracy.features import LAW, SHAPE, Array, Features, features
from vitspace.accuracy.guards import BOXED, HIGH, LIKE, LOW, MACS_AT, PARAMS_AT, STEP, Guards
from vitspace.accuracy.process import UNKNOWN, Codes, Inputs, Process, Scales
from vitspace.accuracy.recipes import DISTILLED, USUAL
from vitspace.accuracy.table import Row, numbers_of, published

#: By the marginal likelihood of the shipped table; `python -m vitspace.accuracy.tuning` prints them.
LAW_SCALES = Scales(sizes=0.117, others=0.0448, recipe=0.0527, recipe_slope=0.0181, family=0.0761, noise=0.0465)
SHAPE_SCALES = Scales(0.0818, 0.0101, 0.0536, 0.0122, 0.0363, 0.0278, bend=0.0995, length=3.79)
#: Recipes near the usual one, whose networks say what is known.
TRUSTED = (USUAL, "deit400", "timm", DISTILLED)
#: Quantile of a normal distribution for an interval of 90 %.
NORMAL_90 = 1.6448536269514722
#: Share of a network's noise that like designs of its family have, too: by the likelihood of the ablation pairs, each
#: without its family (tests/bench/kinship.py).
KIN = 0.5
#: The family of a spec whose stages are of several.
MIXTURE = "hybrid"
_LEVELS = (0.8, 0.9)


@dataclass(frozen=True)
class Joint:
    """Predicted log errors of N designs, uncalibrated.

    Attributes:
        mean: [N].
        covariance: [N, N], the noise of single networks in it.
    """

    mean: Array
    covariance: Array


class Predictor:
    """Both processes, fitted on a table.

    Args:
        rows: The table.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = tuple(rows)
        self._recipes = _codes(row.recipe for row in rows)
        self._families = _codes(row.family for row in rows)
        sizes = np.array([(row.train_size, row.img_size) for row in rows], dtype=float)
        known = features(numbers_of([row.cost for row in rows]), sizes[:, 0], sizes[:, 1])
        self.trusted = np.array([row.recipe in TRUSTED for row in rows])
        usual = Features({name: column[self.trusted] for name, column in known.columns.items()})
        #: Largest feature ``density`` of the published networks of each family of ours.
        self.densest = self._densest(known)
        self.guards = Guards(usual, known.columns["image"])
        self.features = self.guards.capped(known)
        log_errors = np.log(100 - np.array([row.top1 for row in rows]))
        self.processes = tuple(
            Process(scales, self._inputs(names, self.features, self.recipes, self.families), log_errors)
            for names, scales in ((LAW, LAW_SCALES), (SHAPE, SHAPE_SCALES))
        )

    def _densest(self, known: Features) -> dict[str, float]:
        found: dict[str, float] = {}
        for row, density in zip(self.rows, known.columns["density"], strict=True):
            if not row.public:
                found[row.family] = max(found.get(row.family, -np.inf), float(density))
        return found

    @cached_property
    def digest(self) -> str:
        """A short hash of the table and of what is set by hand, guards included; code beside that is not in it."""
        facts = [
            [row.cells for row in self.rows],
            LAW,
            LAW_SCALES,
            SHAPE,
            SHAPE_SCALES,
            TRUSTED,
            LOW,
            HIGH,
            BOXED,
            LIKE,
            PARAMS_AT,
            MACS_AT,
            STEP,
            KIN,
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]

    @cached_property
    def recipes(self) -> Codes:
        """Codes of the rows' recipes."""
        return np.array([self._recipes[row.recipe] for row in self.rows])

    @cached_property
    def families(self) -> Codes:
        """Codes of the rows' families."""
        return np.array([self._families[row.family] for row in self.rows])

    def family(self, name: str | None) -> int:
        """Return the code of a family; one that no row has shares a code among its own.

        None has none, nor has a mixture of families: two of them may have no stage alike.
        """
        if name is None or name == MIXTURE:
            return UNKNOWN
        return self._families.setdefault(name, len(self._families))

    def recipe(self, name: str) -> int:
        """Return the code of a recipe of the table."""
        return self._recipes[name]

    def joint(self, designs: Features, families: Codes) -> Joint:
        """Predict N designs under the usual recipe, by features whose depth is capped."""
        recipes = np.full(len(designs), self._recipes[USUAL])
        found = [
            process.predict(self._inputs(names, designs, recipes, families))
            for names, process in zip((LAW, SHAPE), self.processes, strict=True)
        ]
        return Joint(*_mixed(found))

    def shared_noise(self, designs: Features, families: Codes) -> Array:
        """Return what `joint` leaves out of the covariance of different designs: [N, N], 0 of a design and itself.

        Of what the features do not see, designs of one family have `KIN` in common where they are alike, and less the
        further apart they are, as far as the smooth function is. Published rows count as `joint` counts them.
        """
        process = self.processes[1]
        z = process.standard(designs.of(SHAPE))
        alike = np.exp(-0.5 * ((z[:, None] - z[None]) ** 2).sum(axis=2) / process.scales.length**2)
        related = (families[:, None] == families[None]) & np.isin(families, self.families)[:, None]
        noise = float(np.mean([each.scales.noise**2 for each in self.processes]))
        return KIN * noise * alike * related * (1 - np.eye(len(designs)))

    @cached_property
    def left_out(self) -> tuple[Array, Array]:
        """Mean and variance [rows] of log error of every row, without its family."""
        return self.without(self.families)

    @cached_property
    def alone(self) -> tuple[Array, Array]:
        """Mean and variance [rows] of log error of every row, without itself, its siblings known."""
        return self.without(np.arange(len(self.rows)))

    def without(self, groups: Codes) -> tuple[Array, Array]:
        """Mean and variance [rows] of log error of every row, without its group."""
        found = [process.left_out(groups) for process in self.processes]
        spread = (found[0][0] - found[1][0]) ** 2 / 4
        return (found[0][0] + found[1][0]) / 2, (found[0][1] + found[1][1]) / 2 + spread

    @cached_property
    def comparable(self) -> NDArray[np.bool_]:
        """Which rows are public networks of the usual recipe: [rows]."""
        return np.array([row.recipe == USUAL and row.public for row in self.rows])

    @cached_property
    def factors(self) -> tuple[float, float]:
        """Widths of the 80 % and the 90 % interval, in standard deviations of log error.

        Quantiles over the public networks of the usual recipe, each without its family: the wider of those in which a
        family counts once and a network counts once.
        """
        mean, variance = self.left_out
        misses = (np.abs(self._log_errors - mean) / np.sqrt(variance))[self.comparable]
        families = self.families[self.comparable]
        once = 1 / np.bincount(families)[families]
        low, high = (
            max(_quantile(misses, level, shares) for shares in (once, np.ones(len(misses)))) for level in _LEVELS
        )
        return low, high

    @property
    def _log_errors(self) -> Array:
        return self.processes[0].log_errors

    def _inputs(self, names: tuple[str, ...], found: Features, recipes: Codes, families: Codes) -> Inputs:
        return Inputs(found.of(names), recipes, families)


@cache
def predictor() -> Predictor:
    """Return the predictor on the shipped table."""
    return Predictor(published())


def _mixed(found: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return mean and covariance of the mean of two predictions, the spread between them in it."""
    (one, one_covariance), (two, two_covariance) = found
    half = (one - two) / 2
    return (one + two) / 2, (one_covariance + two_covariance) / 2 + np.outer(half, half)


def _quantile(values: Array, level: float, shares: Array) -> float:
    """Return the least value that so large a share of the others, weighted, does not exceed."""
    order = np.argsort(values)
    reached = np.cumsum(shares[order]) / shares.sum()
    return float(values[order][np.searchsorted(reached, level)])


def _codes(names: Iterable[str]) -> dict[str, int]:
    return {name: code for code, name in enumerate(dict.fromkeys(names))}
