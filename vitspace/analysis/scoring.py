"""Scores designs of spaces by a proxy; scores are cached on this machine."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from vitspace import cache
from vitspace.costs import PartCost, cost
from vitspace.image_sizes import ImageSize
from vitspace.machine.devices import computing_on, default_threads
from vitspace.proxies import CAUTION, Proxy, ProxyError, ProxyFault, module_of, open_proxy, part_data, trains
from vitspace.sources import sources_of
from vitspace.space import Space
from vitspace.spec import Spec
from vitspace.tracking import Track, untracked

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoredDesign:
    """A design with its costs and its score.

    Attributes:
        spec: The design.
        params: Parameters.
        macs: Multiply-adds.
        score: Higher is better; None if scoring failed.
        why: The reason of the failure.
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
        data: The proxy's data, as `vitspace.data.load_data` reads them; None takes those in its name, or its own.
        seed: Seed of draws and scores, the same for every design.
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
        proxy = open_proxy(name, data or "", self.device, self.seed)
        return Scorer(proxy, self.seed, default_threads(self.device))


def caution(proxy: str) -> str:
    """Return the caution that reports print for a training-free score; empty for a proxy that trains."""
    free = not trains(proxy)
    return f"{CAUTION.format(name=proxy)}. No accuracy was measured." if free else ""


class Scorer:
    """Scores designs; scores that the same code measured on this machine before are read from the cache.

    Args:
        proxy: The proxy that scores.
        seed: Seed of the proxy, the same for every design.
        threads: Threads that a population is scored on; None is torch's number.
    """

    def __init__(self, proxy: Proxy, seed: int = 0, threads: int | None = None) -> None:
        self.proxy, self.seed, self.threads = proxy, seed, threads
        # The report card does not change what the proxy measures.
        record = {key: value for key, value in proxy.describe().items() if key != "report_card"}
        digest = hashlib.sha256(json.dumps(record, sort_keys=True, default=str).encode()).hexdigest()[:12]
        self._kind = f"scores of designs {sources_of(module_of(proxy))} {digest}"
        self._known = cache.load(self._kind)

    def score(
        self, spec: Spec, resolution: ImageSize, written: Spec | None = None, costs: PartCost | None = None
    ) -> ScoredDesign:
        """Return a design's costs and score; an exception of the proxy becomes the reason of a failure.

        Args:
            spec: The design.
            resolution: Side of the image, or (height, width), pixels, at which it is costed.
            written: It as proxies know it (`Space.as_written`); None is that of which `Spec.at` makes the design.
            costs: Of it; None is those of a network of classification.

        Raises:
            ProxyFault: the proxy is of another package, and of the wrong shape.
        """
        costs, written = costs or cost(spec, resolution), written or spec.written_at(resolution)
        key = f"{self.seed} {written.id} {spec.sources}"
        if key not in self._known:
            try:
                self._known[key] = {"score": self.proxy.score(written, self.seed).value, "why": ""}
            except ProxyError as error:
                self._known[key] = {"score": None, "why": str(error)}
            except ProxyFault:
                raise
            except Exception as error:  # not kept: another run may have more memory
                return ScoredDesign(spec, costs.params, costs.macs, None, f"{type(error).__name__}: {error}")
            cache.store(self._kind, {key: self._known[key]})
        found = self._known[key]
        return ScoredDesign(spec, costs.params, costs.macs, found["score"], found["why"])

    def score_all(self, designs: Sequence[tuple[Space, Spec]], track: Track = untracked) -> list[ScoredDesign]:
        """Score designs of spaces, each at its space's resolution and cost, one after the other."""
        found: list[ScoredDesign] = []
        try:
            with computing_on(self.threads):
                for space, spec in track(designs, "scoring designs"):
                    found.append(self.score(spec, space.resolution, space.as_written(spec), space.cost(spec)))
        except KeyboardInterrupt:
            _log.warning("%d of %d scores are kept; the same call goes on from there", len(found), len(designs))
            raise
        return found
