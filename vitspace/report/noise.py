"""Noise: how far apart two scores must be before their order means something."""

import math
from typing import Any

from vitspace.study.record import StudyRecord

#: Two results of one thing differ by at most this many standard deviations in 95 % of cases: the repeatability limit
#: of ISO 5725, 1.96 times the square root of 2.
REPEATABILITY = 1.96 * math.sqrt(2)


def finite(value: Any) -> float | None:
    """Return a finite number, or None for anything else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def noise(record: StudyRecord) -> float | None:
    """Standard deviation of the score between seeds, of the reference design; None where it was not measured."""
    return finite(record.reference.get("noise"))


def noise_limit(record: StudyRecord) -> float | None:
    """How far two seeds of one design come apart: a smaller difference of scores orders nothing."""
    deviation = noise(record)
    return None if deviation is None else REPEATABILITY * deviation


def front_spread(record: StudyRecord) -> float | None:
    """Best minus worst score of the front, or None where it has fewer than two designs."""
    scores = [trial.score for trial in record.front if trial.score is not None]
    return max(scores) - min(scores) if len(scores) > 1 else None


def order_unresolved(record: StudyRecord) -> bool:
    """Whether the front's scores lie closer together than two seeds of one design do."""
    spread, limit = front_spread(record), noise_limit(record)
    return spread is not None and limit is not None and spread <= limit
