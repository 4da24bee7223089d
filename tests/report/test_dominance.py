"""A published design is dominated only where milliseconds tell it from those that are better."""

from dataclasses import replace

import pytest

from vitspace.report.dominance import dominated_by


def beside(points, low, high, **latency):
    """MSG-T beside a design that is better on every count, whose milliseconds have an interval."""
    better = replace(points.trials[5], score=83.0, latency={"low_ms": low, "high_ms": high} | latency)
    return replace(points, trials=[*points.trials[:5], better])


def test_milliseconds_that_are_told_apart_dominate(points):
    assert dominated_by(beside(points, 27, 29), 0).startswith("dominated by msg-25.0M-")


def test_milliseconds_whose_intervals_meet_do_not(points):
    said = dominated_by(beside(points, 20, 39), 0)
    assert said.startswith("off the front by milliseconds that are not told apart, behind msg-25.0M-")
    assert said.endswith("(trial 5, a tie in accuracy)")


@pytest.mark.parametrize(("doubt", "said"), [("", "dominated"), ("busy", "off the front")])
def test_without_intervals_what_is_in_doubt_does_not(points, doubt, said):
    assert dominated_by(beside(points, None, None, doubt=doubt), 0).startswith(said)
