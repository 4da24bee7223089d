import numpy as np
import pytest
from scipy.stats import kendalltau

from vitspace.statistics import by_table, interval, kendall, regret, resamples, resamples_of, rightness, within_bins


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.integers(0, 8, 20), rng.integers(0, 8, 20)


def test_tau_is_scipys(data):
    assert kendall(*data)[0] == pytest.approx(kendalltau(*data).statistic)


def test_tau_of_a_resample_is_that_of_the_repeated_designs(data):
    x, y = data
    weights = resamples(20)[:3]
    for tau, weight in zip(kendall(x, y, weights), weights, strict=True):
        rows = np.repeat(np.arange(20), weight.astype(int))
        assert tau == pytest.approx(kendalltau(x[rows], y[rows]).statistic)


def test_tau_of_a_constant_is_not_a_number():
    assert np.isnan(kendall([1, 1, 1], [1, 2, 3])[0])


def test_resamples_draw_as_many_as_there_are():
    weights = resamples(7)
    assert weights.shape[1] == 7 and np.all(weights.sum(1) == 7)
    assert np.array_equal(weights, resamples(7))


def test_resamples_of_groups_take_all_of_a_group():
    weights = resamples_of(["b", "a", "b"])
    assert np.array_equal(weights[:, 0], weights[:, 2])
    assert np.all(weights[:, 0] + weights[:, 1] == 2)


def test_intervals_leave_out_what_is_not_a_number():
    assert interval(np.array([np.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert interval(np.array([np.nan])) is None


def test_ties_and_failures_count_half():
    assert rightness([1, -1, 0, float("nan")], [2, 2, 2, 2]).tolist() == [1, 0, 0.5, 0.5]


def test_pairs_are_weighed_by_their_table():
    right, tables = np.array([1.0, 0.0, 0.5]), ["a", "a", "b"]
    assert by_table(right, tables)[0] == pytest.approx(0.5)
    assert by_table(right, tables, np.array([[0.0, 2.0], [1.0, 0.0]])).tolist() == [0.5, 0.5]


def test_tau_within_bins_compares_inside_only():
    assert within_bins([1, 2, 9, 8], [1, 2, 0, 1], [0, 0, 1, 1]) == 0.0
    assert within_bins([1, 2], [1, 2], [0, 1]) is None


def test_regret_is_what_the_chosen_lack():
    assert regret([3, 2, 1], [80, 81, 84], 2) == 3.0
    assert regret([3, 2, 1], [80, 81, 84], 3) == 0.0
