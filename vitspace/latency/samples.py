"""Measured designs, on which a predictor is fitted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitspace.image_sizes import ImageSize
from vitspace.latency.work import work
from vitspace.spec import Spec

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """A measured design.

    Attributes:
        spec: The design.
        ms: Median milliseconds in which the thread had its core, at the speed that the machine had then.
        reference_ms: The same of the reference network, timed in turn with it.
    """

    spec: Spec
    ms: float
    reference_ms: float


@dataclass(frozen=True)
class Measured:
    """Samples as arrays.

    Attributes:
        work: [N, kinds], their work; see `vitspace.latency.recorder.WORK`.
        raw_ms: [N], as measured.
        ms: [N], at the reference network's usual speed, since a slower machine slows both alike.
        families: [N].
        reference_ms: Usual milliseconds of the reference network, the median over all samples.
    """

    work: Floats
    raw_ms: Floats
    ms: Floats
    families: NDArray[np.str_]
    reference_ms: float

    @classmethod
    def of(cls, samples: Sequence[Sample], img_size: ImageSize = 224) -> "Measured":
        """Return samples as arrays."""
        raw_ms = np.array([sample.ms for sample in samples])
        reference = np.array([sample.reference_ms for sample in samples])
        usual = float(np.median(reference))
        families = np.array([sample.spec.family for sample in samples])
        rows = np.array([work(sample.spec, img_size) for sample in samples])
        return cls(rows, raw_ms, raw_ms * usual / reference, families, usual)

    def __len__(self) -> int:
        return len(self.ms)

    def take(self, rows: NDArray[np.int64]) -> "Measured":
        """Return some of the samples, stated at the same usual speed."""
        return Measured(self.work[rows], self.raw_ms[rows], self.ms[rows], self.families[rows], self.reference_ms)
