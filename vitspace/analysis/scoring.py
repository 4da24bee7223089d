"""Scoring: designs drawn from spaces and scored by a proxy; what is scored once is kept on this machine."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vitspace import cache
from vitspace.costs import cost
from vitspace.proxies import Proxy, ProxyError
from vitspace.sources import sources_of
from vitspace.spec import Spec


@dataclass(frozen=True)
class Scored:
    """A design and what a proxy says of it.

    Attributes:
        spec: The design.
        params: Parameters.
        macs: Multiply-adds.
        score: Higher is better; None where it could not be scored, and ``why`` says the reason.
    """

    spec: Spec
    params: int
    macs: int
    score: float | None
    why: str = ""


class Scorer:
    """Scores designs; a score that was measured before on this machine, by the same code, is looked up.

    Args:
        proxy: Gives the score.
        seed: The proxy's, the same for every design, so that they are compared on the same draw.
    """

    def __init__(self, proxy: Proxy, seed: int = 0) -> None:
        self.proxy, self.seed = proxy, seed
        # A report card says how good the proxy is, not what it measures.
        record = {key: value for key, value in proxy.describe().items() if key != "report_card"}
        digest = hashlib.sha256(json.dumps(record, sort_keys=True, default=str).encode()).hexdigest()[:12]
        self._kind = f"scores of designs {sources_of(type(proxy).__module__)} {digest}"
        self._known = cache.load(self._kind)

    def score(self, spec: Spec, resolution: int) -> Scored:
        """Cost and score a design; whatever it does to its scoring is recorded, and the comparison goes on."""
        costs, key = cost(spec, resolution), f"{self.seed} {spec.id} {spec.sources}"
        if key not in self._known:
            try:
                self._known[key] = {"score": self.proxy.score(spec, self.seed).value, "why": ""}
            except ProxyError as error:
                self._known[key] = {"score": None, "why": str(error)}
            except Exception as error:  # not kept: another run may have more memory
                return Scored(spec, costs.params, costs.macs, None, f"{type(error).__name__}: {error}")
            cache.store(self._kind, {key: self._known[key]})
        found = self._known[key]
        return Scored(spec, costs.params, costs.macs, found["score"], found["why"])

    def score_all(self, specs: Iterable[Spec], resolution: int) -> Iterator[Scored]:
        """Score designs one after the other."""
        return (self.score(spec, resolution) for spec in specs)
