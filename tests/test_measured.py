"""Latencies that are joined, and those of one machine at one speed."""

import math
from dataclasses import asdict, replace

import pytest

from vitspace.measured import CORRECTION_SD, REPEAT_SD, Latency, at_one_speed

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
    assert share < 0.02 and log_sd(both) < 1.2 * log_sd(QUIET) and not both.doubt and BUSY.doubt
    correction = CORRECTION_SD * share * math.log(1.5)
    runs = ((1 - share) ** 2 + share**2) * REPEAT_SD["eager"] ** 2 + ((1 - share) * 0.01) ** 2 + (share * 0.05) ** 2
    assert log_sd(both) == pytest.approx((runs + correction**2) ** 0.5)


def test_latencies_are_restated_at_the_least_usual_time_of_their_setting():
    early = replace(QUIET, reference_ms=12.0).at_usual(12.5)
    elsewhere, threads = replace(early, host="there"), replace(early, threads=2)
    all_of = [early.facts, QUIET.facts, elsewhere.facts, threads.facts, early.facts]
    found = at_one_speed(all_of, [224, 224, 224, 224, 96])
    assert found[0] == early.at_usual(10.0).facts and found[0]["median_ms"] == pytest.approx(20.0)
    assert found[0]["high_ms"] / found[0]["median_ms"] > early.high_ms / early.median_ms
    assert found[1:] == all_of[1:]


def test_a_usual_time_that_is_not_known_may_be_too_long():
    unsure = QUIET.at_usual(10.0, 0.1)
    both = unsure.joined(unsure)
    for latency, sd in ((unsure, log_sd(QUIET)), (both, log_sd(QUIET) / 2**0.5)):
        assert latency.median_ms == pytest.approx(QUIET.median_ms) and log_sd(latency) == pytest.approx(sd)
        assert math.log(latency.median_ms / latency.low_ms) == pytest.approx(1.96 * math.hypot(sd, 0.1))
        assert latency.error == latency.median_ms / latency.low_ms - 1 and latency.usual_sd == 0.1
        why = "resnet18 was not timed here while nothing else ran"
        assert latency.doubt == f"up to {latency.error:.0%} too long: {why}"


def test_what_may_be_too_short_as_well_is_not_said_to_be_too_long_alone():
    assert BUSY.at_usual(10.0, 0.1).doubt.startswith("known to ")


def test_a_latency_of_a_quiet_machine_makes_those_before_it_sure():
    first = replace(QUIET, reference_ms=10.2, core_share=0.4).at_usual(10.2, 0.12)
    assert at_one_speed([first.facts], [224]) == [first.facts] and first.doubt
    found = at_one_speed([first.facts, QUIET.facts], [224, 224])
    assert found == [first.at_usual(10.0).facts, QUIET.facts] and not found[0]["doubt"]


def test_what_else_is_known_of_a_latency_is_kept():
    early = QUIET.at_usual(12.5)
    (found, _) = at_one_speed([early.facts | {"note": "x"}, QUIET.facts], [None, None])
    assert found["note"] == "x" and found["usual_ms"] == 10.0


@pytest.mark.parametrize("other", [{}, {"median_ms": 30.0, "device": "pi5"}, asdict(QUIET) | {"backend": "tflite"}])
def test_predictions_and_latencies_of_other_kinds_stay_as_they_are(other):
    found = at_one_speed([other, QUIET.at_usual(5.0).facts], [224, 224])
    assert found[0] is other
