"""Scoring: designs drawn from spaces and scored by a proxy; what is scored once is kept on this machine."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from vitspace import cache
from vitspace.costs import cost
from vitspace.proxies import CAUTION, TRAINING, Proxy, ProxyError, open_proxy, part_data
from vitspace.sources import sources_of
from vitspace.space import Space
from vitspace.spec import Spec
from vitspace.tracking import Track, untracked

_log = logging.getLogger(__name__)


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


@dataclass(frozen=True)
class Scoring:
    """How designs are scored.

    Attributes:
        proxy: A training-free score, a combination of them, or a training proxy as ``train:small``.
        data: What the proxy is fed, as `vitspace.data.load_data` reads it; None is what its name says, or ``fractal``.
        seed: Of drawing designs and of scoring them, the same for every design.
        device: Where networks run: cpu, cuda or auto.
    """

    proxy: str = "rank"
    data: str | None = None
    seed: int = 0
    device: str = "cpu"

    def scorer(self) -> "Scorer":
        """Open the proxy.

        Raises:
            InputError: there is no such proxy, data or device.
        """
        name, data = part_data(self.proxy, self.data)
        return Scorer(open_proxy(name, data or "fractal", self.device, self.seed), self.seed)


def caution(proxy: str) -> str:
    """Return what a training-free score is worth, as reports say it; empty for a proxy that trains."""
    free = proxy.partition(":")[0] not in TRAINING
    return f"{CAUTION.format(name=proxy)}. No accuracy was measured." if free else ""


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

    def score_all(self, designs: Sequence[tuple[Space, Spec]], track: Track = untracked) -> list[Scored]:
        """Score designs of spaces, each at its space's resolution, one after the other."""
        found: list[Scored] = []
        try:
            for space, spec in track(designs, "scoring designs"):
                found.append(self.score(spec, space.resolution))
        except KeyboardInterrupt:
            _log.warning("%d of %d scores are kept; the same call goes on from there", len(found), len(designs))
            raise
        return found
