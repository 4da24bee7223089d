"""Random designs of every space, measured on this host for the predictor of latency."""

import json
import logging
import time
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest

from vitspace.budget import Budget
from vitspace.cache import load, store
from vitspace.files import data_names
from vitspace.host import fingerprint
from vitspace.latency.backends import check_backend
from vitspace.latency.calibration import Calibration, calibration_path
from vitspace.latency.measuring import LatencySettings, measure
from vitspace.latency.samples import Sample
from vitspace.space import Space, load_space
from vitspace.spec import Spec
from vitspace.tracking import Track, untracked

_log = logging.getLogger(__name__)

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
        self.samples: list[Sample] = []
        self.seconds = 0.0
        self.unsure = 0

    def __len__(self) -> int:
        return len(self.specs)

    def __iter__(self) -> Iterator[Sample]:
        for spec in self.specs:
            start = time.monotonic()
            # What a busy machine does to a design it does to the reference too, and that is taken out.
            latency = measure(spec, self.settings, again=False)
            self.seconds += _seconds(spec, self.settings.backend, time.monotonic() - start)
            self.unsure += bool(latency.doubt)
            self.samples.append(Sample(spec, latency.median_ms, latency.reference_ms))
            yield self.samples[-1]

    def calibration(self) -> Calibration:
        """Return what was measured so far as a calibration."""
        return Calibration.of(self.samples, self.settings, self.seconds / 60)


def calibrate(
    backends: Iterable[str] = ("eager",), designs: int = 40, track: Track = untracked
) -> dict[str, Calibration]:
    """Measure random designs of every space on this host, and keep what predicts latency from them.

    Takes minutes. Measured designs are cached one by one, so that the same call goes on after an interrupt. The result
    is written to `vitspace.latency.calibration.calibration_path` of each backend, where searches find it.

    Args:
        backends: ``eager``, ``onnxruntime`` or ``openvino``; see `vitspace.latency.backends`.
        designs: Designs a space, beside its anchors.
        track: Shows how many designs are measured.

    Returns:
        By backend, the calibration, with its error on designs that were held out.

    Raises:
        InputError: a backend is not installed.
    """
    names = list(dict.fromkeys(backends))
    for name in names:
        check_backend(name)
    return {name: _calibrated(name, designs, track) for name in names}


def _calibrated(backend: str, designs: int, track: Track) -> Calibration:
    steps = Measurements(backend, designs)
    for _ in track(steps, f"measuring on {backend}"):
        pass
    if steps.unsure:
        _log.warning(
            "%d of %d designs were measured while the machine was busy or moved; what that did to the reference "
            "network beside them is taken out",
            steps.unsure,
            len(steps),
        )
    calibration = steps.calibration()
    calibration.save(calibration_path(backend))
    return calibration


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
