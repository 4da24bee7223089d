"""Why a latency is known badly, and what the words do not touch."""

from dataclasses import replace

import pytest

from vitspace.doubt import doubt_of, facts_of, shortfall_of, warn_of_doubt
from vitspace.measured import Latency
from vitspace.sources import followed

TIMES = dict.fromkeys(("median_ms", "p10_ms", "p90_ms", "low_ms", "high_ms", "measured_ms"), 20.0)
FACTS = {"reference_ms": 10.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.01, "host": "here", "backend": "eager"}
QUIET = Latency(**TIMES, **FACTS, runs=60, threads=1, batch=1, dtype="float32", precision=0.03).at_usual(10.0)
BUSY = replace(QUIET, reference_ms=15.0).at_usual(10.0)
EARLY = QUIET.at_usual(10.0, 0.1)


@pytest.mark.parametrize(
    ("latency", "doubt"),
    [
        (QUIET, ""),
        (BUSY, f"known to {BUSY.error:.0%}: resnet18 took 15.0 ms, usually 10.0 ms"),
        (EARLY, f"up to {EARLY.error:.0%} too long: resnet18 was not timed here while nothing else ran"),
    ],
)
def test_a_latency_that_is_known_badly_says_why(latency, doubt):
    assert doubt_of(latency) == facts_of(latency)["doubt"] == doubt


def test_what_may_be_too_short_as_well_is_not_said_to_be_too_long_alone():
    assert doubt_of(BUSY.at_usual(10.0, 0.1)).startswith("known to ")


def test_a_precision_that_was_not_reached_is_said_with_what_was():
    missed = replace(QUIET, precision=0.01)
    assert shortfall_of(QUIET) == shortfall_of(replace(missed, precision=None)) == ""
    said = "its runs tell it to 1.98% and not to 1%: they vary too much, and after 60 runs no more were made"
    assert shortfall_of(missed) == facts_of(missed)["shortfall"] == said
    assert "after 120 runs in 2 timings" in shortfall_of(replace(missed, runs=120, times=2))


@pytest.mark.parametrize(
    ("latency", "said"),
    [
        (QUIET, []),
        (replace(QUIET, spread=0.02), []),  # the usual precision was not asked for
        (BUSY, [f"the latency of MSG-T is unsure: {doubt_of(BUSY)}"]),
        (replace(QUIET, precision=0.01), [f"the latency of MSG-T: {shortfall_of(replace(QUIET, precision=0.01))}"]),
    ],
)
def test_a_warning_names_the_network(latency, said, caplog):
    warn_of_doubt("MSG-T", latency)
    assert caplog.messages == said


def test_words_decide_no_number():
    assert "vitspace.doubt" not in followed(["vitspace.latency.measuring", "vitspace.latency.timed"])
