"""Drawing: designs of a space within a budget, uniform over the distinct designs that fit.

The designs whose FLOPs fit are numbered (`vitspace.space.ranking`), so that drawing numbers draws designs. Params are
not ranged over: designs beside that limit are drawn again, and the share that was kept is said.
"""

import logging
import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from vitspace.budget import ANY, Budget
from vitspace.errors import InputError
from vitspace.space.lattice import Ints
from vitspace.spec import Spec
from vitspace.units import format_count

if TYPE_CHECKING:
    from vitspace.space.space import Space

_log = logging.getLogger(__name__)

#: Designs that are looked at for each one that is kept, before `draw` gives up.
DRAW_LIMIT = 20_000
#: Ranges of FLOPs over which balanced draws are even.
BINS = 16
_BATCH = 4096
_SMALL = 4_000_000

Accept = Callable[[Spec], bool]


@dataclass(frozen=True)
class Request:
    """What is drawn.

    Attributes:
        n: How many designs.
        budget: Within which limits on multiply-adds and params.
        replace: Whether a design may be drawn again, as statistics over the space need it.
        balanced: Even over FLOPs, rather than over designs, most of which cost about the same.
        exclude: Designs not to draw.
        accept: What else a design must pass.
    """

    n: int
    budget: Budget
    replace: bool = False
    balanced: bool = False
    exclude: Collection[Spec] = ()
    accept: Accept | None = None


def draw(space: "Space", request: Request, rng: np.random.Generator) -> list[Spec]:
    """Draw specs; see `Space.draw`."""
    if request.n < 1:
        return []
    check_budget(space, request.budget)
    found = _draw_balanced(space, request, rng) if request.balanced else _collect(space, request, rng)
    if len(found) < request.n:
        _log.warning("space %s has only %d such designs within %s", space.name, len(found), request.budget)
    return found


def _draw_balanced(space: "Space", request: Request, rng: np.random.Generator) -> list[Spec]:
    """Draw as many designs from each of equal ranges of FLOPs; where some have too few, the others give more."""
    low, high = request.budget.macs
    least, most = (space.lattice.extreme("macs", largest=largest) for largest in (False, True))
    edges = np.linspace(max(low, least), min(high, most), BINS + 1)
    upper = [*(float(np.nextafter(edge, 0)) for edge in edges[1:-1]), float(edges[-1])]
    bins = [(float(edges[i]), upper[i]) for i in rng.permutation(BINS)]
    found: list[Spec] = []
    while bins and len(found) < request.n:
        share, full = -(-(request.n - len(found)) // len(bins)), []
        for macs in bins:
            wanted = min(share, request.n - len(found))
            known = () if request.replace else found
            part = replace(
                request, n=wanted, budget=replace(request.budget, macs=macs), exclude={*request.exclude, *known}
            )
            drawn = _collect(space, part, rng) if wanted else []
            found += drawn
            full += [macs] if wanted and len(drawn) == wanted else []
        bins = full
    return [found[i] for i in rng.permutation(len(found))]


def _collect(space: "Space", request: Request, rng: np.random.Generator) -> list[Spec]:
    """Draw until there are n that pass, or no more."""
    ranking = space.ranking(request.budget.macs)
    low, high = request.budget.params
    found: list[Spec] = []
    seen = fitted = 0
    for ranks in _ranks(rng, ranking.total, request):
        paths = ranking.paths(ranks)
        params = sum(e.params[paths[:, step]] for step, e in enumerate(space.lattice.entries))
        fitting = paths[(params >= low) & (params <= high)]
        seen, fitted = seen + len(paths), fitted + len(fitting)
        for path in fitting.tolist():
            spec = space.lattice.spec(path)
            if (not request.exclude or spec not in request.exclude) and (not request.accept or request.accept(spec)):
                found.append(spec)
                if len(found) == request.n:
                    _say_share(space, request, fitted / seen)
                    return found
        if seen > DRAW_LIMIT * (len(found) + 1):
            if request.balanced:
                return found
            raise InputError(
                f"space {space.name} has too few designs within {request.budget}: of {seen:,} whose FLOPs fit, "
                f"{len(found)} pass the other limits, and {request.n} were asked for"
            )
    return found


def _say_share(space: "Space", request: Request, share: float) -> None:
    if request.budget.params != ANY:
        _log.info("%.2g %% of the designs of space %s within these FLOPs fit the params", 100 * share, space.name)


def _ranks(rng: np.random.Generator, total: int, request: Request) -> Iterator[Ints]:
    """Yield numbers below ``total`` in random order: each once, until all were; or for ever with replacement."""
    if not total:
        return
    wanted = request.n + len(request.exclude)
    if request.replace:
        while True:
            yield rng.integers(total, size=max(1, min(wanted, _BATCH)))
    if total <= _SMALL:
        order = rng.permutation(total)
        yield from (order[i : i + _BATCH] for i in range(0, total, _BATCH))
        return
    drawn: set[int] = set()
    while len(drawn) < total:
        fresh = [r for r in dict.fromkeys(rng.integers(total, size=min(2 * wanted, _BATCH)).tolist()) if r not in drawn]
        drawn.update(fresh)
        yield np.array(fresh, dtype=np.int64)


def check_budget(space: "Space", budget: Budget) -> None:
    """Raise InputError where a budget lies beside all designs of the space; the message says what the nearest costs."""
    for name, measure, (low, high) in (("FLOPs", "macs", budget.macs), ("params", "params", budget.params)):
        if high < math.inf and (least := space.lattice.extreme(measure)) > high:
            raise InputError(_beside(space, budget, "smallest", name, least))
        if low > 0 and (most := space.lattice.extreme(measure, largest=True)) < low:
            raise InputError(_beside(space, budget, "largest", name, most))
    if not space.ranking(budget.macs).total:
        raise InputError(f"a budget holds a design of the space, but none of {space.name} lies within {budget}")


def _beside(space: "Space", budget: Budget, end: str, name: str, costs: int) -> str:
    return (
        f"a budget holds a design of the space, but the {end} of {space.name} costs {format_count(costs)} {name}, "
        f"and the budget is {budget}"
    )
