"""Latency of many designs at once, from what is counted of them: 100,000 a second and core.

It rests on designs of all families that ship with the package (`vitspace.latency.table`), timed elsewhere, and on every
design that was timed on this host, whatever command timed it. The more of those there are, the less the others count.
A single design is predicted better by a calibration of this host, where there is one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from vitspace.accuracy.table import COUNTED
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize, mean_side
from vitspace.latency.backends import check_backend
from vitspace.latency.measuring import LatencySettings, place_of, usual_ms
from vitspace.latency.process import UNKNOWN, TimeInputs, TimeProcess, TimeScales
from vitspace.latency.rates import Floats, Rates
from vitspace.latency.table import shipped
from vitspace.latency.timed import TimedDesign, timed_at, timings_at
from vitspace.spec import NATIVE_SIZE, Spec

#: Multiply-adds by operator, elements put out, weights read; then how many operations there are, by what shows it.
KINDS = (
    *("pointwise", "dense", "grouped", "batched", "activations", "params"),
    *("tensors", "chain", "residuals", "products", "spatial", "softmaxes", "pooled"),
    *("macs_4", "macs_8", "macs_16", "macs_32"),
)
_AT = {name: i for i, name in enumerate(COUNTED)}
_OPERATORS = {"dense": "macs_dense", "grouped": "macs_grouped", "batched": "macs_products"}
#: By back end; printed by `vitspace.latency.tuning`, but for the spread of hosts, of which two or three tell little.
SCALES = {
    "eager": TimeScales(
        **{"rates": 0.134, "family": 0.041, "smooth": 0.056, "design": 0.040, "noise": 0.007, "length": 3.7},
        **{"host_scale": 0.08, "host_rates": 0.18, "host_family": 0.02, "host_smooth": 0.034},
    ),
    "onnxruntime": TimeScales(
        **{"rates": 0.13, "family": 0.024, "smooth": 0.045, "design": 0.065, "noise": 0.02, "length": 4.3},
        **{"host_scale": 0.15, "host_rates": 0.25, "host_family": 0.03, "host_smooth": 0.07},
    ),
}
SHARES = (0.8, 0.9, 0.95)
#: Standard deviation of the logarithm of a host's speed, where its reference network was never timed.
SPEED_SD = 0.4
_HERE = 0


@dataclass(frozen=True)
class CountedPrediction:
    """Predicted latency of one design.

    Attributes:
        ms: Milliseconds.
        error: Relative error that 95 % of such designs keep within.
        words: What it rests on.
        outside: Empty: far from known designs the error grows.
    """

    ms: float
    error: float
    words: str
    outside: str = ""

    @property
    def worth(self) -> str:
        """Say what the prediction rests on."""
        return f"from what is counted ({self.words})"

    def __str__(self) -> str:
        """Return the prediction in one line."""
        return f"{self.ms:.1f} ms from what is counted, within {self.error:.0%} in 95 % of such designs ({self.words})"


class CountedLatency:
    """Predicts milliseconds from what is counted of designs, at the reference network's usual speed on this host.

    Args:
        known: Designs that were timed elsewhere, by one back end.
        own: Designs that were timed on this host.
        reference_ms: Usual milliseconds of the reference network on this host; None where it was never timed.
        scales: Those of the back end.
        img_size: Side of the image, or (height, width), pixels.
        where: This host in words.

    Attributes:
        reference_ms: The same, or where it was never timed that of the other hosts.
        error: Relative error that 80 % of held-out designs of all families keep within.
        error90: The same for 90 %.
        own_errors: Errors on this host's designs, each predicted without itself, relative to the measurement, [own].
        speed_known: Whether the reference network was timed on this host.
        process: What it predicts by.
    """

    def __init__(
        self,
        known: Sequence[TimedDesign],
        own: Sequence[TimedDesign],
        reference_ms: float | None,
        scales: TimeScales,
        img_size: ImageSize = NATIVE_SIZE,
        where: str = "here",
    ) -> None:
        self.known, self.own, self.img_size, self.where = tuple(known), tuple(own), img_size, where
        self.speed_known = reference_ms is not None
        self.reference_ms = reference_ms or reference_elsewhere(known, img_size)
        rows = [*known, *own]
        self._families = {name: code for code, name in enumerate(sorted({row.family for row in rows}))}
        self._hosts = {name: code for code, name in enumerate(sorted({row.host for row in known}), start=_HERE + 1)}
        work = amounts(np.array([row.counted for row in rows], dtype=np.int64))
        ratios = np.array([row.ms / row.reference_ms for row in rows])
        self._rates = Rates(work[: len(known)], ratios[: len(known)])
        hosts = np.array([*(self._hosts[row.host] for row in known), *(_HERE for _ in own)])
        self._designs = np.unique([row.spec_id for row in rows], return_inverse=True)[1]
        families = self._codes([row.family for row in rows])
        inputs = TimeInputs(self._rates.terms(work), families, hosts, self._designs)
        self.process = TimeProcess(scales, inputs, np.log(ratios), np.array([row.sd for row in rows]))
        errors, sds = self.process.left_out(self._designs)
        self._off = np.abs(errors / sds)
        self.own_errors: Floats = np.expm1(-errors[len(known) :])
        spread = self.process.spread(_HERE, self._designs)
        self.error, self.error90, _ = (self._error(spread, share) for share in SHARES)

    @classmethod
    def here(cls, settings: LatencySettings) -> "CountedLatency":
        """Return what predicts latency on this host.

        Raises:
            InputError: no designs timed by such settings ship with the package.
        """
        check_backend(settings.backend)
        if why := unknown(settings):
            raise InputError(why)
        return _here(settings, timings_at(place_of(settings)), usual_ms(settings))

    @property
    def designs(self) -> int:
        """Number of this host's designs."""
        return len(self.own)

    @property
    def words(self) -> str:
        """What it rests on, and how well it predicts."""
        own = f"{self.designs} designs timed {self.where} and " if self.own else ""
        rest = f"{own}{len(self.known)} timed elsewhere"
        speed = "" if self.speed_known else ", where this host's speed is not known yet"
        return f"from {rest}{speed}: 80 % of designs within {self.error:.0%}, 90 % within {self.error90:.0%}"

    def predict(self, counted: NDArray[np.int64], families: Sequence[str] | NDArray[np.str_]) -> Floats:
        """Return milliseconds of N designs, [N].

        Args:
            counted: What was counted of each, [N, len(COUNTED)]; see `vitspace.space.Population.counted`.
            families: Each design's family, or ``hybrid``, [N].
        """
        terms = self._rates.terms(amounts(counted))
        return self.reference_ms * np.exp(self.process.mean(terms, self._codes(families), _HERE))

    def look_at(self, spec: Spec) -> CountedPrediction:
        """Return the prediction of one design, with its own error."""
        return self.look_at_counted(cost(spec, self.img_size).numbers, spec.family)

    def look_at_counted(self, counted: Sequence[int], family: str) -> CountedPrediction:
        """Return the same of a design of which is known what was counted, as `PartCost.numbers`."""
        numbers = np.array([counted], dtype=np.int64)
        terms, unknown = self._rates.terms(amounts(numbers)), np.array([UNKNOWN])
        mean, sd = self.process.predict(TimeInputs(terms, self._codes([family]), np.array([_HERE]), unknown))
        rest = f"{self.designs} designs timed {self.where}, {len(self.known)} elsewhere"
        return CountedPrediction(float(self.reference_ms * np.exp(mean[0])), self._error(sd, SHARES[-1]), rest)

    def _codes(self, families: Sequence[str] | NDArray[np.str_]) -> NDArray[np.int64]:
        names, at = np.unique(np.asarray(families, dtype=str), return_inverse=True)
        return np.array([self._families.get(str(name), UNKNOWN) for name in names], dtype=np.int64)[at]

    def _error(self, sds: Floats, share: float) -> float:
        """Return the relative error that a share of designs of such deviations keeps within.

        Deviations are those that the process states, without the design itself; errors over deviations are those that
        it makes on held-out designs, of whatever host.
        """
        whole = np.hypot(sds, np.median(self.process.sds))
        speed = 0.0 if self.speed_known else SPEED_SD * NormalDist().inv_cdf((1 + share) / 2)
        return math.expm1(math.hypot(np.quantile(np.outer(whole, self._off), share), speed))


def amounts(counted: NDArray[np.int64]) -> Floats:
    """Return the work of N designs by the kinds of `KINDS`, [N, kinds].

    Args:
        counted: What was counted of each, [N, len(COUNTED)].
    """
    columns = {name: counted[:, at].astype(float) for name, at in _AT.items()}
    columns |= {name: columns[macs] for name, macs in _OPERATORS.items()}
    columns["pointwise"] = np.maximum(columns["macs"] - sum(columns[name] for name in _OPERATORS), 0.0)
    return np.stack([columns[name] for name in KINDS], axis=1)


def unknown(settings: LatencySettings) -> str:
    """Say why latency by such settings is not predicted from what is counted; empty where it is."""
    if settings.task:
        return "latency is predicted from what is counted for classification"
    if settings.backend not in {row.backend for row in shipped()}:
        cure = f"vitspace profile --calibrate --backend {settings.backend} predicts it"
        return f"no designs timed by {settings.backend} ship with the package; {cure}"
    if (settings.threads, settings.batch, settings.dtype) != (1, 1, "float32"):
        return "latency is predicted from what is counted for single images of float32 on one thread"
    return ""


@lru_cache(maxsize=8)
def _here(settings: LatencySettings, timings: int, usual: float | None) -> CountedLatency:
    """Return what predicts latency here, made anew when a design was timed or the usual speed is known better."""
    known = [row for row in shipped() if row.backend == settings.backend]
    own = timed_at(place_of(settings))
    return CountedLatency(known, own, usual, SCALES[settings.backend], settings.img_size)


def reference_elsewhere(known: Sequence[TimedDesign], img_size: ImageSize) -> float:
    """Return the reference network's usual milliseconds elsewhere, for images of a size."""
    return float(np.median([row.reference_ms for row in known])) * (mean_side(img_size) / NATIVE_SIZE) ** 2
