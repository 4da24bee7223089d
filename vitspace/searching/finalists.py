"""The second step of a search: of the screened designs, those that are worth timing and training.

The best comes first, and then always the design that adds most to the hypervolume of those before it (Guerreiro,
Fonseca and Paquete, "Greedy Hypervolume Subset Selection in Low Dimensions", Evolutionary Computation 2016). Designs
are held to their lower estimates, so that one of which little is known does not win by its chances. Of designs of like
cost one is taken: on a front nearly all neighbours tie in accuracy, and those of like cost are the ones that do so
without saving anything. Where too few are left, seats are filled with the best of the others, but never with a design
that differs from a finalist in what costs nothing alone, as in its heads.
"""

import heapq
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitspace.accuracy.mixing import mixes
from vitspace.accuracy.prediction import summed
from vitspace.budget import Budget
from vitspace.image_sizes import ImageSize
from vitspace.pareto import hypervolume
from vitspace.searching.estimated import EstimatedDesigns, Floats
from vitspace.space import Space
from vitspace.spec import Spec
from vitspace.words import plural

#: Designs whose costs differ by less, relative, stand beside each other; one of them is enough.
BESIDE = 0.08
#: Points by which estimates differ at most where designs of equal FLOPs are alike in all but what costs nothing: heads
#: and sizes of regions change few params, or none.
ALIKE = 0.1
#: Designs in a row in which positions never meet, after which no more are looked at.
STILL = 200
#: Designs that are looked at where all are predicted beside the limits on latency: those nearest to them.
NEAREST = 200
#: Costs that count, as a multiple of the largest, so that the dearest designs add something, too.
_ROOM = 1.25

#: Makes the design of a row of a population.
Decode = Callable[[NDArray[np.int16]], Spec]


@dataclass(frozen=True)
class Finalists:
    """The designs that are worth timing and training.

    Attributes:
        specs: By FLOPs.
        filled: How many of them stand beside another one in cost, or beside a trial, for want of others.
    """

    specs: list[Spec]
    filled: int = 0


@dataclass(frozen=True)
class Known:
    """Designs that are trials already.

    Attributes:
        specs: No finalist is one of them.
        low: Their lower estimates, [N].
        macs: Multiply-adds, [N].
        ms: Predicted milliseconds, [N]; nan where nothing predicts them.
    """

    specs: frozenset[Spec]
    low: Floats
    macs: Floats
    ms: Floats

    @classmethod
    def of(cls, specs: Collection[Spec], space: Space, ms: Callable[[Spec], float] | None = None) -> "Known":
        """Estimate and cost designs as a space does; ``ms`` predicts their milliseconds."""
        found = summed(list(specs), space.resolution) if specs else []
        low = np.array([each.mean - each.sd for each in found], dtype=float)
        macs = np.array([space.cost(spec).macs for spec in specs], dtype=float)
        return cls(frozenset(specs), low, macs, np.array([ms(spec) if ms else np.nan for spec in specs], dtype=float))


def choose_finalists(
    found: EstimatedDesigns, count: int, decode: Decode, known: Known, img_size: ImageSize, shared_macs: int = 0
) -> Finalists:
    """Return up to ``count`` designs that cover the front of lower estimate, FLOPs and milliseconds, by FLOPs.

    Args:
        found: What is chosen from; kinds of networks that are not known only where there are no others.
        count: How many.
        decode: Makes the design of a row.
        known: Designs that are trials already, to which the others are to add something.
        img_size: Side of the image, or (height, width), pixels, of designs without a size of their own; one in which
            positions of its maps never meet is no finalist.
        shared_macs: Multiply-adds that all designs have, as those of a dense task's head; costs are compared without.
    """
    if found.inside.any():
        found = found[found.inside]
    chosen: dict[int, Spec] = {}
    filled = still = 0
    for at, beside in _greedy(found, known, shared_macs):
        if len(chosen) == count or still == STILL:
            break
        spec = decode(found.rows[at])
        if spec in known.specs:
            continue
        if mixes(spec, img_size):
            chosen[at] = spec
            filled += beside
            still = 0
        else:
            still += 1
    return Finalists([chosen[at] for at in sorted(chosen, key=lambda at: int(found.macs[at]))], filled)


def seats_words(screening: Mapping[str, Any]) -> str:
    """Say how many of the finalists that were asked for were found, and filled in, where these are not all.

    Args:
        screening: What is stored of it; see `StudyRecord`.
    """
    wanted, filled, found = screening.get("wanted", 0), screening.get("filled", 0), len(screening.get("chosen", []))
    said = []
    if filled:
        said.append(
            f"{filled} of {plural(found, 'finalist')} {'is' if filled == 1 else 'are'} within {BESIDE:.0%} of the "
            "costs of another, since no more designs stand apart"
        )
    if found < wanted:
        said.append(
            f"{found} of {plural(wanted, 'finalist')} were found: all others of the best differ from these or from "
            "other trials in what costs nothing alone, as in heads, or do not let positions of the map meet"
        )
    return f"{'; '.join(said)}." if said else ""


def fast_enough(found: EstimatedDesigns, limits: Budget, error: float) -> EstimatedDesigns:
    """Return the designs that are predicted within the limits on latency; all where nothing predicts them.

    Args:
        found: N designs.
        limits: Those of the study.
        error: Of the predictions, relative; half of it is kept between a design and the limit.
    """
    low, high = limits.latency_ms
    if not np.isfinite(found.ms).all():
        return found
    fits = (found.ms >= low * (1 + error / 2)) & (found.ms <= high / (1 + error / 2))
    if not fits.any():  # those nearest to the limits are worth a look, since predictions are off
        fits[np.argsort(np.maximum(low - found.ms, found.ms - high), kind="stable")[:NEAREST]] = True
    return found[fits]


def _greedy(found: EstimatedDesigns, known: Known, shared_macs: int) -> Iterator[tuple[int, bool]]:
    """Give the places of designs, the best first, and whether they stand beside a given one, or a known one, in cost.

    Those come last, and not at all where they are alike in all but what costs nothing.
    """
    taken = _Taken(found, known, shared_macs)
    best_first = iter(np.argsort(-found.low, kind="stable").tolist())
    if (best := next((at for at in best_first if not taken.has_like(at)), None)) is not None:
        taken.add(best)
        yield best, False
    # What a design adds never grows as others are taken, so that only those are worked out anew that may be next.
    queue = [(-np.inf, place, at) for place, at in enumerate(best_first)]
    worked_out: dict[int, int] = {}  # how many were taken when it was worked out what a design adds
    passed: list[int] = []
    while queue:
        _, place, at = heapq.heappop(queue)
        if taken.has_like(at):
            continue
        if taken.is_beside(at):
            passed.append(at)
        elif worked_out.get(at) != len(taken.places):
            worked_out[at] = len(taken.places)
            heapq.heappush(queue, (-taken.gain(at), place, at))
        else:
            taken.add(at)
            yield at, False
    for at in sorted(passed, key=lambda at: -found.low[at]):
        if not taken.has_like(at):
            taken.add(at)
            yield at, True


class _Taken:
    """The designs that are taken, at first the known ones, as places among the found ones and, behind them, these."""

    def __init__(self, found: EstimatedDesigns, known: Known, shared_macs: int) -> None:
        self.macs, self.low = np.concatenate([found.macs, known.macs]), np.concatenate([found.low, known.low])
        macs, ms = self.macs - shared_macs, np.concatenate([found.ms, known.ms])
        self.costs = np.stack([macs, ms] if np.isfinite(ms).all() else [macs], axis=1).astype(float)
        # How far estimates fall short of the best: 1 at the middle, below which a design adds nothing.
        shortfall = (self.low.max() - self.low) / ((self.low.max() - np.median(found.low)) or 1.0)
        self.points = np.column_stack([shortfall, self.costs / (_ROOM * self.costs.max(axis=0))])
        self.places = list(range(len(found), len(self.low)))
        self.volume = self._volume(self.places)

    def add(self, at: int) -> None:
        """Take a design."""
        self.places.append(at)
        self.volume = self._volume(self.places)

    def gain(self, at: int) -> float:
        """Return what a design adds to the hypervolume."""
        return self._volume([*self.places, at]) - self.volume

    def has_like(self, at: int) -> bool:
        """Whether one of them is like a design in all but what costs nothing."""
        near = np.abs(self.low[self.places] - self.low[at]) < ALIKE
        return bool((near & (self.macs[self.places] == self.macs[at])).any())

    def is_beside(self, at: int) -> bool:
        """Whether a design's costs are all near those of one of them."""
        apart = np.abs(np.log(self.costs[self.places] / self.costs[at]))
        return bool((apart < BESIDE).all(axis=1).any())

    def _volume(self, places: list[int]) -> float:
        return hypervolume(self.points[places], np.ones(self.points.shape[1]))
