"""A measured latency: what it was, how well it is known, and several as one; `vitspace.doubt` has words for it."""

import math
from dataclasses import dataclass, replace

#: The network that is run in turn with each that is timed.
REFERENCE = "resnet18"
#: Half the width of an interval, relative, from which a latency is unsure.
UNSURE = 0.10
#: Standard deviation of the logarithm of a latency between two measurements of one network, by runtime
#: (tests/bench/restless.py). OpenVINO, which was not measured so, is taken to be like onnxruntime.
REPEAT_SD = {"eager": 0.015, "onnxruntime": 0.025, "openvino": 0.025}
#: The same of the correction, as a share of the logarithm of how much slower than usual the reference was.
CORRECTION_SD = 0.35
#: By how much the logarithm of the usual time may be too high, root mean square, where the reference was never timed
#: on a quiet machine, for each share of the machine that others took. With one, two and four processes that multiply
#: matrices beside it, it was 0.11, 0.19 and 0.25 (tests/bench/restless.py --fresh).
USUAL_SD = 0.25
#: What the names of back ends that run networks in int8 end in.
INT8 = "-int8"
#: Quantile of a normal distribution for an interval of 95 %.
NORMAL_95 = 1.96


def runtime_of(backend: str) -> str:
    """Return the package that runs a back end's networks: openvino of ``openvino-int8``."""
    return backend.removesuffix(INT8)


@dataclass(frozen=True)
class Latency:
    """Milliseconds a batch, at the reference network's usual speed; see `vitspace.latency.protocol`.

    Attributes:
        median_ms: Median of the runs; p10_ms and p90_ms are percentiles, low_ms and high_ms its 95 % interval, which
            holds what the runs leave open, what the correction to the usual speed does, and what is not known of that.
        measured_ms: Median as a watch showed it.
        reference_ms: Median of the reference network, run in turn, in time that it had the core.
        usual_ms: What that is on this host when nothing else runs, as far as was seen.
        spread: Standard deviation of the logarithm of the ratio to the reference, from the runs.
        times: How many measurements it is the mean of.
        core_share: Share of the time in which this process had its core; None where it is not known.
        usual_sd: By how much the logarithm of the usual time may be too high, root mean square; 0 once the reference
            was timed on this host while nothing else ran.
        prepare_seconds: What it took before to export the network and compile it for a back end.
        precision: What `runs_error` was to be at most; None where that is not known.
    """

    median_ms: float
    p10_ms: float
    p90_ms: float
    low_ms: float
    high_ms: float
    measured_ms: float
    reference_ms: float
    usual_ms: float
    spread: float
    backend: str
    runs: int
    threads: int
    batch: int
    dtype: str
    host: str
    times: int = 1
    core_share: float | None = None
    usual_sd: float = 0.0
    prepare_seconds: float = 0.0
    precision: float | None = None

    @property
    def ratio(self) -> float:
        """Milliseconds over those of the reference network."""
        return self.median_ms / self.usual_ms

    @property
    def error(self) -> float:
        """Half the width of the interval, relative, on its wider side."""
        return max(self.high_ms / self.median_ms, self.median_ms / self.low_ms) - 1

    @property
    def unsure(self) -> bool:
        """Whether it is known badly."""
        return self.error > UNSURE

    @property
    def runs_error(self) -> float:
        """What the runs alone leave open: half the width, relative, of a 95 % interval."""
        return math.expm1(NORMAL_95 * self.spread)

    def at_usual(self, usual_ms: float, usual_sd: float = 0.0) -> "Latency":
        """Return the same measurement where the reference's usual time is known better.

        A machine is never faster than when it is quiet: what is not known of its usual speed lowers the interval alone.
        """
        scale = usual_ms / self.usual_ms
        median = self.median_ms * scale
        sd = replace(self, usual_ms=usual_ms)._sd
        return replace(
            self,
            median_ms=median,
            p10_ms=self.p10_ms * scale,
            p90_ms=self.p90_ms * scale,
            low_ms=median * math.exp(-NORMAL_95 * math.hypot(sd, usual_sd)),
            high_ms=median * math.exp(NORMAL_95 * sd),
            usual_ms=usual_ms,
            usual_sd=usual_sd,
        )

    def joined(self, other: "Latency") -> "Latency":
        """Return the mean of two measurements of one network, at the usual speed as this one has it.

        Each weighs by how well it is known, the inverse of its variance.
        """
        other = other.at_usual(self.usual_ms, self.usual_sd)
        to = self._sd**2 / (self._sd**2 + other._sd**2)
        of, times = 1 - to, self.times + other.times
        # What unequal weights leave of repeating, beyond what `times` equal ones would.
        unequal = self._repeat_sd**2 * (of**2 / self.times + to**2 / other.times - 1 / times)
        mean = replace(
            self,
            median_ms=self.median_ms**of * other.median_ms**to,
            reference_ms=self.reference_ms**of * other.reference_ms**to,
            spread=math.sqrt((of * self.spread) ** 2 + (to * other.spread) ** 2 + max(0.0, unequal)),
            runs=self.runs + other.runs,
            times=times,
        )
        return mean.at_usual(self.usual_ms, self.usual_sd)

    @property
    def _repeat_sd(self) -> float:
        return REPEAT_SD[runtime_of(self.backend)]

    @property
    def _sd(self) -> float:
        """Standard deviation of the logarithm of the milliseconds, if the usual time is known."""
        correction = CORRECTION_SD * math.log(self.reference_ms / self.usual_ms)
        return math.sqrt(self.spread**2 + self._repeat_sd**2 / self.times + correction**2)
