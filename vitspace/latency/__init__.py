"""How long a network takes on this machine: measured by `vitspace.latency.protocol`, or predicted."""

from vitspace.latency.backends import BACKENDS, check_backend
from vitspace.latency.gate import HostPredictor, PredictedWithin, predicted_violation
from vitspace.latency.measuring import LatencySettings, measure, measure_again
from vitspace.latency.protocol import interleave, pinned
from vitspace.measured import REFERENCE, Latency

__all__ = [
    "BACKENDS",
    "REFERENCE",
    "HostPredictor",
    "Latency",
    "LatencySettings",
    "PredictedWithin",
    "check_backend",
    "interleave",
    "measure",
    "measure_again",
    "pinned",
    "predicted_violation",
]
