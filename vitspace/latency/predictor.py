"""Predictor: milliseconds of any spec on this host, from what its operations do.

Random designs of every space are measured by the protocol. A latency is first a sum over the kinds of work that a
network does (multiply-adds and elements moved by kind of operation, operations: `vitspace.costs.counter.WORK`), each at
a rate of this host that is fitted and cannot be negative; then a gradient-boosted correction learns, from the make-up
of a design, by which factor that sum is off. What the prediction is worth is measured on designs held out.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import kendalltau
from sklearn.ensemble import HistGradientBoostingRegressor

from vitspace.cache import cache_path
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.files import write_json
from vitspace.host import fingerprint
from vitspace.spec import Spec

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """A measured design: its spec, its family, and its median milliseconds."""

    spec: Spec
    family: str
    ms: float


class Predictor:
    """Predicts latency from work; fitted once, then microseconds a design.

    Args:
        samples: Measured designs.
        img_size: Side of the image in pixels.
        seed: Of the boosting.
    """

    def __init__(self, samples: Sequence[Sample], img_size: int = 224, seed: int = 0) -> None:
        self.img_size = img_size
        work = np.array([cost(sample.spec, img_size).work() for sample in samples])
        ms = np.array([sample.ms for sample in samples])
        # Weighted so that relative errors count.
        scale = np.where(work.max(axis=0) > 0, work.max(axis=0), 1.0)
        rates, _ = nnls(_with_constant(work / scale) / ms[:, None], np.ones(len(ms)))
        self.rates: Floats = rates / np.append(scale, 1.0)
        self.range = work.min(axis=0), work.max(axis=0)
        self.correction = HistGradientBoostingRegressor(
            max_iter=200, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=8, random_state=seed
        )
        self.correction.fit(self._make_up(work), np.log(ms / self._sum(work)))

    def _sum(self, work: Floats) -> Floats:
        return _with_constant(work) @ self.rates

    def _make_up(self, work: Floats) -> Floats:
        """Shares of the predicted sum by kind of work, and its logarithm."""
        terms = _with_constant(work) * self.rates
        total = terms.sum(axis=1, keepdims=True)
        return np.hstack([terms / total, np.log(total), np.log1p(work)])

    def predict(self, specs: Sequence[Spec]) -> Floats:
        """Milliseconds of specs, [N]."""
        return self.predict_work(np.array([cost(spec, self.img_size).work() for spec in specs]))

    def predict_work(self, work: Floats) -> Floats:
        """Milliseconds of designs by their work [N, kinds]."""
        return self._sum(work) * np.exp(self.correction.predict(self._make_up(work)))

    def outside(self, spec: Spec) -> bool:
        """Whether a design does more or less of some work than any that was measured."""
        work = cost(spec, self.img_size).work()
        return bool((work < self.range[0]).any() or (work > 1.001 * self.range[1]).any())


@dataclass(frozen=True)
class HeldOut:
    """What a predictor is worth, on designs it was not fitted on.

    Attributes:
        designs: How many.
        within_10: Share whose prediction is within 10 % of the measurement.
        tau: Kendall's rank correlation.
        median_error: Median of the absolute relative error.
        worst_error: The largest.
    """

    designs: int
    within_10: float
    tau: float
    median_error: float
    worst_error: float


def held_out(samples: Sequence[Sample], img_size: int = 224, folds: int = 5) -> tuple[dict[str, HeldOut], Floats]:
    """Predict each design by a predictor fitted on the other folds; by family and for all, and the predictions [N]."""
    predicted = np.zeros(len(samples))
    order = np.random.default_rng(0).permutation(len(samples))
    for fold in np.array_split(order, folds):
        rest = [samples[i] for i in range(len(samples)) if i not in set(fold.tolist())]
        predicted[fold] = Predictor(rest, img_size).predict([samples[i].spec for i in fold])
    families = sorted({sample.family for sample in samples})
    groups = {name: [i for i, s in enumerate(samples) if s.family == name] for name in families}
    groups["all"] = list(range(len(samples)))
    return {name: _worth([samples[i].ms for i in at], predicted[at]) for name, at in groups.items()}, predicted


def _worth(measured: Sequence[float], predicted: Floats) -> HeldOut:
    ms = np.array(measured)
    errors = np.abs(predicted / ms - 1)
    tau = float(kendalltau(predicted, ms).statistic)
    return HeldOut(len(ms), float((errors <= 0.1).mean()), tau, float(np.median(errors)), float(errors.max()))


def _with_constant(work: Floats) -> Floats:
    return np.hstack([work, np.ones((len(work), 1))])


@cache
def host_predictor(backend: str) -> Predictor | None:
    """Return the predictor of this host's calibration for a back end, or None where there is none.

    Raises:
        InputError: the calibration is damaged, or of another host or version.
    """
    path = predictor_path(backend)
    return Predictor(load_samples(path)[0]) if path.is_file() else None


def predictor_path(backend: str) -> Path:
    """Return where this host's calibration for a back end is kept: the measured designs, as JSON."""
    return cache_path().with_name(f"calibration-{backend}.json")


def save_samples(samples: Sequence[Sample], path: Path, backend: str, img_size: int) -> None:
    """Write the measured designs, from which a predictor is fitted in a second."""
    rows = [{"spec": sample.spec.to_dict(), "family": sample.family, "ms": sample.ms} for sample in samples]
    write_json(path, {"host": fingerprint(), "backend": backend, "img_size": img_size, "samples": rows})


def load_samples(path: Path, any_host: bool = False) -> tuple[list[Sample], dict[str, Any]]:
    """Read measured designs.

    Raises:
        InputError: there are none, the file is damaged, or they are another host's or another version's.
    """
    if not path.is_file():
        raise InputError(f"a predictor is calibrated by `vitspace profile --calibrate`, but there is none at {path}")
    try:
        data = json.loads(path.read_text())
        samples = [Sample(Spec.from_dict(row["spec"]), row["family"], row["ms"]) for row in data["samples"]]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a calibration: {error}") from None
    if not any_host and data["host"] != fingerprint():
        raise InputError(f"a predictor is this host's, {fingerprint()}, but {path} is of {data['host']}")
    return samples, data
