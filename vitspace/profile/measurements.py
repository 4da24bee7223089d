"""Measures random designs of every space on this host, for the predictor of latency."""

import json
import logging
import time
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest
from pathlib import Path

from vitspace.budget import Budget
from vitspace.cache import load, store
from vitspace.errors import InputError
from vitspace.files import data_names
from vitspace.folders import check_folder, owned
from vitspace.latency.backends import check_backend
from vitspace.latency.calibration import Calibration, calibration_path
from vitspace.latency.measuring import LatencySettings, measure
from vitspace.latency.samples import Sample
from vitspace.machine.host import fingerprint
from vitspace.space import Space, load_space
from vitspace.spec import Spec
from vitspace.tracking import Track, untracked

_log = logging.getLogger(__name__)

#: Larger designs are not run on a CPU, and not measured.
MOST_FLOPS = "..8G"
RUNS = 9


class Measurements:
    """Measures designs of each family and of mixtures in turn, and yields each.

    Each is cached when it is measured, so that an interrupted calibration continues.

    Args:
        backend: See `vitspace.latency.backends`.
        per_space: Designs of each space, in addition to its anchors.

    Attributes:
        unsure: Designs that were measured while the machine was busy or its speed changed.

    Raises:
        InputError: the backend is not installed.
    """

    def __init__(self, backend: str = "eager", per_space: int = 40) -> None:
        check_backend(backend)
        self.settings = LatencySettings(backend, runs=RUNS)
        spaces = [space for name in data_names("spaces") if adds_designs(space := load_space(name))]
        columns = [_designs(space, per_space) for space in spaces]
        self.specs = [spec for spec in chain.from_iterable(zip_longest(*columns)) if spec is not None]
        self.samples: list[Sample] = []
        self.seconds = 0.0
        self.unsure = 0

    def __len__(self) -> int:
        return len(self.specs)

    def __iter__(self) -> Iterator[Sample]:
        for spec in self.specs:
            start = time.monotonic()
            # A busy machine slows the reference network as well, so the effect is divided out.
            latency = measure(spec, self.settings, again=False)
            self.seconds += _seconds(spec, self.settings.backend, time.monotonic() - start)
            self.unsure += latency.unsure
            self.samples.append(Sample(spec, latency.ratio * latency.reference_ms, latency.reference_ms))
            yield self.samples[-1]

    def calibration(self) -> Calibration:
        """Return the designs measured so far as a calibration."""
        return Calibration.of(self.samples, self.settings, self.seconds / 60)


def calibrate(
    backends: Iterable[str] = ("eager",), designs: int = 40, track: Track = untracked
) -> dict[str, Calibration]:
    """Measure random designs of every space on this host, and fit and keep a predictor of latency.

    Takes minutes. Each design is cached when it is measured, so that the same call continues after an interrupt. The
    result is written to `vitspace.latency.calibration.calibration_path` of each backend, where searches find it.

    Args:
        backends: Names in `vitspace.latency.backends.BACKENDS`.
        designs: Designs of each space, in addition to its anchors.
        track: Shows how many designs are measured.

    Returns:
        By backend, the calibration, with its error on designs that were held out.

    Raises:
        InputError: a backend is not installed.
    """
    names = list(dict.fromkeys(backends))
    for name in names:
        check_backend(name)
        _check_writable(calibration_path(name))
    return {name: _calibrated(name, designs, track) for name in names}


def _check_writable(path: Path) -> None:
    """Check where a calibration is kept before anything is measured for it."""
    if path.is_dir():
        raise InputError(f"a calibration is a file, but {str(path)!r} is a folder; move it away")
    check_folder(path.parent, "a calibration")


def _calibrated(backend: str, designs: int, track: Track) -> Calibration:
    path = calibration_path(backend)
    path.parent.mkdir(parents=True, exist_ok=True)
    with owned(path.with_suffix(".lock"), f"the calibration {path}"):
        return _measured(backend, designs, path, track)


def _measured(backend: str, designs: int, path: Path, track: Track) -> Calibration:
    steps = Measurements(backend, designs)
    for _ in track(steps, f"measuring on {backend}"):
        pass
    if steps.unsure:
        _log.warning(
            "%d of %d designs were measured while the machine was busy or its speed changed; this is corrected by the "
            "reference network that was timed in turn with them",
            steps.unsure,
            len(steps),
        )
    calibration = steps.calibration()
    calibration.save(path)
    return calibration


def adds_designs(space: Space) -> bool:
    """Whether a space has designs of its own: one family's or a mixture's; unified only joins the families' spaces."""
    return isinstance(space.config.family, str) or space.config.mixed


def _seconds(spec: Spec, backend: str, spent: float) -> float:
    """Return the seconds that the measurement of a design took, now or in an earlier calibration."""
    key = json.dumps([spec.id, backend, fingerprint()], sort_keys=True)
    before = load("calibration", key).get(key, {"seconds": 0.0})["seconds"]
    if spent > before:
        store("calibration", {key: {"seconds": spent}})
    return max(spent, before)


def _designs(space: Space, count: int) -> list[Spec]:
    limit = Budget.parse(MOST_FLOPS)
    anchors = anchors_within(space, limit)
    return [*anchors, *space.draw(count, limit, exclude=set(anchors))]


def anchors_within(space: Space, limit: Budget) -> list[Spec]:
    """Return the designs of a space's published rows within a budget."""
    specs = [row.at(space.resolution) for row in space.anchors()]
    return [spec for spec in specs if spec and not space.over_budget(spec, limit)]
