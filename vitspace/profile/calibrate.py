"""Calibrate: measure random designs of every space on this host, for the predictor."""

import json
import time
from collections.abc import Iterator
from itertools import chain, zip_longest

from vitspace.budget import Budget
from vitspace.cache import load, store
from vitspace.files import data_names
from vitspace.host import fingerprint
from vitspace.latency.backends import check_backend
from vitspace.latency.calibration import Calibration
from vitspace.latency.measuring import LatencySettings, measure
from vitspace.latency.samples import Sample
from vitspace.space import Space, load_space
from vitspace.spec import Spec

#: Larger designs are neither measured nor asked about on a CPU.
MOST_FLOPS = "..8G"
RUNS = 9


class Measurements:
    """Yields measured designs, one of each family and of mixtures in turn.

    They are cached one by one, so that an interrupted calibration goes on where it was.

    Args:
        backend: See `vitspace.latency.backends`.
        per_space: Designs a space, beside its anchors.
        seed: Of the drawing.

    Attributes:
        unsure: How many were measured while the machine was busy or moved.

    Raises:
        InputError: the backend is not installed.
    """

    def __init__(self, backend: str = "eager", per_space: int = 40, seed: int = 0) -> None:
        check_backend(backend)
        self.settings = LatencySettings(backend, runs=RUNS)
        spaces = [space for name in data_names("spaces") if _adds(space := load_space(name))]
        columns = [_designs(space, per_space, seed) for space in spaces]
        self.specs = [spec for spec in chain.from_iterable(zip_longest(*columns)) if spec is not None]
        self.total = len(self.specs)
        self.samples: list[Sample] = []
        self.seconds = 0.0
        self.unsure = 0

    def __iter__(self) -> Iterator[Sample]:
        for spec in self.specs:
            start = time.monotonic()
            # What a busy machine does to a design it does to the reference too, and that is taken out.
            latency = measure(spec, self.settings, again=False)
            self.seconds += _seconds(spec, self.settings.backend, time.monotonic() - start)
            self.unsure += bool(latency.doubt)
            self.samples.append(Sample(spec, latency.median_ms, latency.usual_ms))
            yield self.samples[-1]

    def calibration(self) -> Calibration:
        """Return what was measured so far as a calibration."""
        return Calibration.of(self.samples, self.settings, self.seconds / 60)


def _adds(space: Space) -> bool:
    """Whether a space has designs that no other has: one family's, or a mixture's; unified only gathers families."""
    return isinstance(space.config.family, str) or space.config.mixed


def _seconds(spec: Spec, backend: str, spent: float) -> float:
    """Return the seconds that a design took when it was measured, now or by a calibration before."""
    key = json.dumps([spec.id, backend, fingerprint()], sort_keys=True)
    before = load("calibration", key).get(key, {"seconds": 0.0})["seconds"]
    if spent > before:
        store("calibration", {key: {"seconds": spent}})
    return max(spent, before)


def _designs(space: Space, count: int, seed: int) -> list[Spec]:
    limit = Budget.parse(MOST_FLOPS)
    anchors = [row.spec for row in space.anchors() if row.spec and not space.over_budget(row.spec, limit)]
    return [*anchors, *space.draw(count, limit, seed, exclude=set(anchors))]
