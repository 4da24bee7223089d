"""What tells two scores apart: in points the deviation of the difference, else the noise between seeds."""

from dataclasses import replace

import pytest

from vitspace.accuracy import Difference, difference
from vitspace.report.gaps import Gap, gap, order_unresolved
from vitspace.report.noise import noise_limit


def test_two_designs_tie_by_the_deviation_of_their_difference(points):
    one, other = points.trials[2], points.trials[3]
    found = gap(points, one, other)
    assert found.score == pytest.approx(0.9)
    assert found.limit == difference(one.spec, other.spec).sd < (0.9**2 + 0.9**2) ** 0.5


def test_a_design_and_an_anchor_tie_by_their_own_deviations(points):
    found = gap(points, points.trials[5], points.trials[0])
    assert found.limit == pytest.approx((0.9**2 + 0.3**2) ** 0.5)
    assert found.tie and not found.sure
    assert str(found) == "-0.4 points [-2.0, +1.2]"


def test_designs_as_far_apart_as_the_deviation_do_not_tie(points):
    found = gap(points, points.trials[5], points.trials[0])
    assert replace(found, score=0.999 * found.limit).tie and not replace(found, score=found.limit).tie
    assert not Difference(1.0, 1.0).tie and Difference(-0.999, 1.0).tie and Difference(0.0, 0.0).tie


def test_beyond_the_interval_a_lead_is_sure(points):
    best = replace(points.trials[5], score=84.4)
    found = gap(points, best, points.trials[0])
    assert found.sure and not found.tie and found.low > 0


def test_a_proxys_scores_tie_within_the_noise(record):
    found = gap(record, record.trials[0], record.trials[1])
    assert (found.limit, found.low, found.sure) == (noise_limit(record), None, False)
    assert not found.tie and gap(record, record.trials[0], replace(record.trials[0], score=-2.51)).tie


def test_in_points_there_is_no_noise_between_seeds(points):
    noisy = replace(points, reference=points.reference | {"noise": 0.01})
    assert noise_limit(noisy) is None


def test_a_front_whose_ends_tie_is_not_resolved(points, new):
    assert not order_unresolved(points) and not order_unresolved(new)
    level = [replace(t, score=82 + t.macs / 1e11) if t.complete else t for t in points.trials]
    assert order_unresolved(replace(points, trials=level))


@pytest.mark.parametrize(
    ("score", "stands"),
    [(1.7, "leads"), (1.6, "above"), (1.0, "above"), (0.9, "ties"), (0.0, "ties"), (-1.0, "below"), (-1.7, "trails")],
)
def test_a_lead_is_beyond_the_interval_on_either_side(score, stands):
    assert Gap(score, 1.0, in_points=True).stands == stands


def test_a_proxys_scores_have_no_interval_to_lead_by():
    assert [Gap(score, 0.1, in_points=False).stands for score in (9, 0.01, -9)] == ["above", "ties", "below"]
