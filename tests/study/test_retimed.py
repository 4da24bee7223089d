from dataclasses import replace

import pytest

from vitspace.errors import InputError
from vitspace.study.reading import as_retimed, retimed_fact, retimed_name
from vitspace.study.trial import Trial

TRIAL = Trial(3, "undecided", why="unsure", params=1, macs=2, latency_ms=41.0, latency={"doubt": "busy"}, score=80.0)


def test_what_was_found_later_is_laid_over_a_trial():
    later = replace(TRIAL, state="complete", why="", latency_ms=39.0, latency={"low_ms": 38.0, "high_ms": 39.5})
    assert as_retimed(TRIAL, {retimed_name(3): retimed_fact(later)}) == later
    assert as_retimed(TRIAL, {retimed_name(4): retimed_fact(later)}) is TRIAL


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"latency_ms": -1.0}, "what trial 3 took when it was timed again: latency_ms is greater than 0"),
        ({"state": "fast"}, "timed again: state"),
        ({"latency": {"low_ms": 1.0}}, "low_ms and high_ms are told together"),
    ],
)
def test_what_nobody_of_ours_stored_is_refused(changed, message):
    with pytest.raises(InputError, match=message):
        as_retimed(TRIAL, {retimed_name(3): retimed_fact(TRIAL) | changed})


def test_a_trial_without_a_score_is_not_made_complete():
    fact = retimed_fact(replace(TRIAL, state="complete"))
    with pytest.raises(InputError, match="a complete trial has a score"):
        as_retimed(replace(TRIAL, score=None), {retimed_name(3): fact})
