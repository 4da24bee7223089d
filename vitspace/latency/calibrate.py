"""Calibrate: measure random designs of every space on this host, for the predictor."""

from collections.abc import Iterator

from vitspace.budget import Budget
from vitspace.files import data_names
from vitspace.latency.backends import check_backend
from vitspace.latency.measuring import LatencySettings, measure
from vitspace.latency.predictor import Sample, predictor_path, save_samples
from vitspace.space import Space, load_space
from vitspace.spec import Spec

#: Larger designs are neither measured nor asked about on a CPU.
MOST_FLOPS = "..8G"
RUNS = 9


class Measurements:
    """Yields measured designs, and keeps them for this host when all are measured.

    They are cached one by one, so that an interrupted calibration goes on where it was.

    Args:
        backend: See `vitspace.latency.backends`.
        per_space: Designs a space, beside its anchors.
        seed: Of the drawing.

    Raises:
        InputError: the back end is not installed.
    """

    def __init__(self, backend: str = "eager", per_space: int = 40, seed: int = 0) -> None:
        check_backend(backend)
        self.settings = LatencySettings(backend, runs=RUNS)
        spaces = [load_space(name) for name in data_names("spaces")]
        self.specs = [spec for space in spaces for spec in _designs(space, per_space, seed)]
        self.total = len(self.specs)

    def __iter__(self) -> Iterator[Sample]:
        samples = []
        for spec in self.specs:
            samples.append(Sample(spec, spec.family, measure(spec, self.settings).median_ms))
            yield samples[-1]
        path = predictor_path(self.settings.backend)
        save_samples(samples, path, self.settings.backend, self.settings.img_size)


def _designs(space: Space, count: int, seed: int) -> list[Spec]:
    limit = Budget.parse(MOST_FLOPS)
    anchors = [row.spec for row in space.anchors() if row.spec and not space.over_budget(row.spec, limit)]
    return [*anchors, *space.draw(count, limit, seed, exclude=set(anchors))]
