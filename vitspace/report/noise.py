"""The smallest difference of two scores of a proxy that says which is better, from their noise between seeds."""

import math

from vitspace.proxies.cards import committed_card
from vitspace.report.proxy import proxy_name, rests_on
from vitspace.statistics import finite
from vitspace.study.record import StudyRecord

#: Designs with several seeds from which on the noise of a report card is better known than that of one design.
ENOUGH = 8

#: In 95 % of cases, two results for the same design differ by at most this many standard deviations: the
#: repeatability limit of ISO 5725, 1.96 times the square root of 2.
REPEATABILITY = 1.96 * math.sqrt(2)


def noise(record: StudyRecord) -> float | None:
    """Return the standard deviation of the score between seeds; None where it was not measured, or no seed decides.

    It is pooled over the published designs of the proxy's report card where `ENOUGH` of them have several seeds, and
    otherwise that of the study's reference design. A value from the two seeds of one design is uncertain.
    """
    if rests_on(record):
        return None
    return pooled_noise(record)[0] or finite(record.reference.get("noise"))


def pooled_noise(record: StudyRecord) -> tuple[float | None, int]:
    """Return the noise by the proxy's report card, and from how many designs; None and 0 where too few were scored."""
    card = committed_card(proxy_name(record)) or {}
    designs = card.get("seed_designs") or 0
    return (finite(card.get("seed_noise")), designs) if designs >= ENOUGH else (None, 0)


def noise_limit(record: StudyRecord) -> float | None:
    """Return the difference that two seeds of one design reach: a smaller difference of a proxy's scores is a tie.

    None where it is not known, and in points, where the difference of two designs has a deviation of its own (`gaps`).
    """
    deviation = None if record.in_points else noise(record)
    return None if deviation is None else REPEATABILITY * deviation


def front_spread(record: StudyRecord) -> float | None:
    """Best minus worst score of the front, or None where it has fewer than two designs."""
    scores = [trial.score for trial in record.front if trial.score is not None]
    return max(scores) - min(scores) if len(scores) > 1 else None
