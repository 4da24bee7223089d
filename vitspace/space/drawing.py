"""Draws designs of a space within a budget, uniformly over the distinct designs that fit.

The designs whose FLOPs fit are numbered (`vitspace.space.ranking`), so that drawing numbers draws designs. Params and
latency are not ranged over: designs beside those limits are drawn again, and the share that was kept is said.
"""

import logging
import math
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from vitspace.budget import ANY, Budget
from vitspace.errors import InputError
from vitspace.space.lattice import Ints
from vitspace.space.ranking import Rankings
from vitspace.spec import Spec
from vitspace.units import format_apart

_log = logging.getLogger(__name__)

#: Designs that are looked at for each one that is kept, before `draw` gives up.
DRAW_LIMIT = 20_000
#: The same for designs that are asked of ``accept``, which takes far longer than a look at params.
ACCEPT_LIMIT = 500
_SAY_EVERY = 10.0  # seconds
#: Ranges of FLOPs over which balanced draws are even.
BINS = 16
_BATCH = 4096
_SMALL = 4_000_000


class Accept(Protocol):
    """What else a design must pass; written out, it says what was found of those it was asked about."""

    def __call__(self, spec: Spec) -> bool:
        """Say whether a design passes."""

    def __str__(self) -> str:
        """Name the limit and what was found."""


@dataclass(frozen=True)
class Request:
    """What is drawn.

    Attributes:
        n: How many designs.
        budget: Within which limits on multiply-adds and params.
        replace: Whether a design may be drawn again, as statistics over the space need it.
        balanced: Even over FLOPs, rather than over designs, most of which cost about the same.
        exclude: Designs not to draw.
        accept: What else a design must pass, such as its predicted latency.
        fewer: Whether fewer are as good, so that there is no warning.
    """

    n: int
    budget: Budget
    replace: bool = False
    balanced: bool = False
    exclude: Collection[Spec] = ()
    accept: Accept | None = None
    fewer: bool = False


@dataclass
class _Tally:
    """What was looked at while drawing, and how much of it was kept.

    Attributes:
        seen: Designs whose FLOPs fit.
        fitted: Those of them whose params fit.
        asked: Designs that were put to ``accept``; accepted are those that passed.
        gave_up: Whether drawing ended at a limit, rather than at the last design.
    """

    seen: int = 0
    fitted: int = 0
    asked: int = 0
    accepted: int = 0
    gave_up: bool = False
    _said: float = 0.0

    def ask(self, accept: Accept, spec: Spec) -> bool:
        """Put a design to ``accept``; now and then say how far it is."""
        self._said = self._said or time.monotonic()
        passes = accept(spec)
        self.asked, self.accepted = self.asked + 1, self.accepted + passes
        if time.monotonic() - self._said > _SAY_EVERY:
            self._said = time.monotonic()
            _log.info("looked at %s designs so far, %s within the latency", f"{self.asked:,}", f"{self.accepted:,}")
        return passes

    def shares(self, request: Request) -> str:
        """Say the shares that passed each limit beside FLOPs, or return an empty string where there is none."""
        parts = []
        if request.budget.params != ANY and self.seen:
            parts.append(f"params {_share(self.fitted, self.seen)}")
        if request.accept and self.asked:
            parts.append(f"{request.accept} {_share(self.accepted, self.asked)}")
        return ", ".join(parts)


def _accept_limit(request: Request) -> int:
    """Return after how many designs in vain, for each one kept, drawing ends; balanced, in one range of FLOPs."""
    return -(-ACCEPT_LIMIT // BINS) if request.balanced else ACCEPT_LIMIT


def _share(kept: int, of: int) -> str:
    return f"{100 * kept / of:.2g} % ({kept:,} of {of:,})"


def draw(rankings: Rankings, request: Request, rng: np.random.Generator) -> list[Spec]:
    """Draw specs; see `Space.draw`."""
    if request.n < 1:
        return []
    check_budget(rankings, request.budget)
    name = rankings.lattice.name
    tally = _Tally()
    collect = _draw_balanced if request.balanced else _collect
    found = collect(rankings, request, rng, tally)
    shares = tally.shares(request)
    if shares:
        _log.info("of the designs of space %s within these FLOPs, are kept: %s", name, shares)
    if len(found) < request.n and tally.gave_up:
        raise InputError(
            f"space {name} has too few designs within {request.budget}: {len(found)} of {request.n} were found "
            f"among {tally.seen:,} whose FLOPs fit{f' ({shares})' if shares else ''}, and drawing ends after "
            f"{_accept_limit(request) if request.accept else DRAW_LIMIT:,} in vain for each one found"
        )
    if not found and not request.exclude:
        raise InputError(_none(rankings, request.budget))
    if len(found) < request.n and not request.fewer:
        _log.warning("space %s has only %d such designs within %s", name, len(found), request.budget)
    return found


def _draw_balanced(rankings: Rankings, request: Request, rng: np.random.Generator, tally: _Tally) -> list[Spec]:
    """Draw as many designs from each of equal ranges of FLOPs; where some have too few, the others give more."""
    low, high = request.budget.macs
    least, most = (rankings.lattice.extreme("macs", largest=largest) for largest in (False, True))
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
            drawn = _collect(rankings, part, rng, tally) if wanted else []
            found += drawn
            full += [macs] if wanted and len(drawn) == wanted else []
        bins = full
    return [found[i] for i in rng.permutation(len(found))]


def _collect(rankings: Rankings, request: Request, rng: np.random.Generator, tally: _Tally) -> list[Spec]:
    """Draw until there are n that pass, or no more, or too few of those that are looked at pass."""
    ranking = rankings.of(request.budget.macs)
    low, high = request.budget.params
    found: list[Spec] = []
    seen, asked = tally.seen, tally.asked
    for ranks in _ranks(rng, ranking.total, request):
        paths = ranking.paths(ranks)
        params = sum(e.params[paths[:, step]] for step, e in enumerate(rankings.lattice.entries))
        fitting = paths[(params >= low) & (params <= high)]
        tally.seen, tally.fitted = tally.seen + len(paths), tally.fitted + len(fitting)
        for path in fitting.tolist():
            spec = rankings.lattice.spec(path)
            if request.exclude and spec in request.exclude:
                continue
            if request.accept and not tally.ask(request.accept, spec):
                if tally.asked - asked > _accept_limit(request) * (len(found) + 1):
                    tally.gave_up = True
                    return found
                continue
            found.append(spec)
            if len(found) == request.n:
                return found
        if tally.seen - seen > DRAW_LIMIT * (len(found) + 1):
            tally.gave_up = True
            return found
    return found


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


def check_budget(rankings: Rankings, budget: Budget) -> None:
    """Raise InputError where a budget lies beside all designs of the space; the message says what the nearest costs."""
    for name, measure, (low, high) in (("FLOPs", "macs", budget.macs), ("params", "params", budget.params)):
        if high < math.inf and (least := rankings.lattice.extreme(measure)) > high:
            found, limit = format_apart(least, high)
            raise InputError(_beside(rankings, f"the smallest costs {found} {name}", f"at most {limit}"))
        if low > 0 and (most := rankings.lattice.extreme(measure, largest=True)) < low:
            found, limit = format_apart(most, low)
            raise InputError(_beside(rankings, f"the largest costs {found} {name}", f"at least {limit}"))
    if not rankings.of(budget.macs).total:
        raise InputError(_none(rankings, budget))


def _none(rankings: Rankings, budget: Budget) -> str:
    return f"no design of {rankings.lattice.name} fits: none lies within {budget}"


def _beside(rankings: Rankings, nearest: str, limit: str) -> str:
    return f"no design of {rankings.lattice.name} fits: {nearest}, and the budget is {limit}"
