"""Latencies that are joined, and at a usual time that is not known."""

import math
from dataclasses import replace

import pytest

from vitspace.measured import CORRECTION_SD, REPEAT_SD, Latency

TIMES = dict.fromkeys(("median_ms", "p10_ms", "p90_ms", "low_ms", "high_ms", "measured_ms"), 20.0)
FACTS = {"reference_ms": 10.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.01, "host": "here", "backend": "eager"}
QUIET = Latency(**TIMES, **FACTS, runs=9, threads=1, batch=1, dtype="float32").at_usual(10.0)
BUSY = replace(QUIET, median_ms=24.0, reference_ms=15.0, spread=0.05).at_usual(10.0)


def log_sd(latency):
    return math.log(latency.high_ms / latency.median_ms) / 1.96


def test_measurements_that_are_known_alike_are_joined_to_their_mean():
    other = replace(QUIET, median_ms=24.2).at_usual(11.0)
    alike = replace(other, reference_ms=11.0).at_usual(11.0)
    both = QUIET.joined(replace(QUIET, median_ms=24.2))
    assert both.median_ms == pytest.approx((20.0 * 24.2) ** 0.5) and (both.runs, both.times) == (18, 2)
    assert log_sd(both) == pytest.approx(log_sd(QUIET) / 2**0.5)
    assert QUIET.joined(alike).joined(QUIET).times == 3


def test_a_measurement_of_a_quiet_machine_counts_more_than_one_of_a_busy_machine():
    both, turned = QUIET.joined(BUSY), BUSY.joined(QUIET)
    share = log_sd(QUIET) ** 2 / (log_sd(QUIET) ** 2 + log_sd(BUSY) ** 2)
    assert both.median_ms == pytest.approx(20.0 ** (1 - share) * 24.0**share) == pytest.approx(turned.median_ms)
    assert share < 0.02 and log_sd(both) < 1.2 * log_sd(QUIET) and not both.unsure and BUSY.unsure
    correction = CORRECTION_SD * share * math.log(1.5)
    runs = ((1 - share) ** 2 + share**2) * REPEAT_SD["eager"] ** 2 + ((1 - share) * 0.01) ** 2 + (share * 0.05) ** 2
    assert log_sd(both) == pytest.approx((runs + correction**2) ** 0.5)


def test_a_usual_time_that_is_not_known_may_be_too_long():
    unsure = QUIET.at_usual(10.0, 0.1)
    both = unsure.joined(unsure)
    for latency, sd in ((unsure, log_sd(QUIET)), (both, log_sd(QUIET) / 2**0.5)):
        assert latency.median_ms == pytest.approx(QUIET.median_ms) and log_sd(latency) == pytest.approx(sd)
        assert math.log(latency.median_ms / latency.low_ms) == pytest.approx(1.96 * math.hypot(sd, 0.1))
        assert latency.error == latency.median_ms / latency.low_ms - 1 and latency.usual_sd == 0.1
