"""Comparing spaces: draws, distributions, and the table."""

from dataclasses import replace

import numpy as np
import pytest

from vitspace.analysis.comparison import (
    comparison_table,
    distribution,
    draw_sample,
    expected_best,
    invalid_share,
    parse_band,
    scores_table,
)
from vitspace.analysis.scoring import Scorer
from vitspace.errors import InputError
from vitspace.space import load_space


def test_one_number_is_a_band_below_it():
    assert parse_band("1G").macs == (0.9e9, 1e9)
    assert parse_band("0.5G..2G", "30M").macs == (0.5e9, 2e9)
    assert parse_band("1G", "30M").params == (0.0, 30e6)
    with pytest.raises(InputError, match="a quantity is a positive number"):
        parse_band("1X")


def test_a_sample_is_of_distinct_designs_within_the_band(small):
    sample = draw_sample(small, parse_band("1M..1G"), 8, seed=0)
    assert len(set(sample.specs)) == 8 and sample.designs == small.size("1M..1G") and not sample.why


def test_a_space_without_designs_in_the_band_says_so(small):
    sample = draw_sample(small, parse_band("50G"), 8, seed=0)
    assert not sample.specs and "no design of small fits: the largest costs" in sample.why


def test_params_that_nothing_fits_are_said_too(small):
    sample = draw_sample(small, parse_band("1M..1G", "1K"), 8, seed=0)
    assert sample.designs and "no design of small fits: the smallest costs" in sample.why


def test_invalid_settings_are_counted(small):
    assert invalid_share(small, tries=50) == 0
    assert 0.1 < invalid_share(load_space("msg"), tries=200) < 1


def test_the_distribution_counts_ties_and_lies_in_its_band():
    shares, low, high = distribution(np.array([1.0, 2.0, 2.0, 3.0]))
    assert shares.tolist() == [0.25, 0.75, 0.75, 1.0]
    assert (low <= shares).all() and (shares <= high).all() and high[-1] == low[-1] == 1


def test_expected_best():
    assert expected_best(np.array([0.0, 1.0]), 1) == pytest.approx(0.5)
    assert expected_best(np.array([0.0, 1.0]), 3) == pytest.approx(1 - 1 / 8)
    assert expected_best(np.array([[0.0, 1.0], [2.0, 2.0]]), 2).tolist() == [0.75, 2.0]


def test_the_table_holds_failures_and_empty_spaces(small, counted):
    sample = draw_sample(small, parse_band("1M..1G"), 12, seed=0)
    scorer = Scorer(counted(sample.specs[0], name="table"))
    scored = replace(sample, scored=tuple(scorer.score_all([(small, spec) for spec in sample.specs])))
    empty = draw_sample(small, parse_band("50G"), 12, seed=0)
    table = comparison_table([scored, replace(empty, space="none")])
    row, nothing = table.iloc[0], table.iloc[1]
    assert (row["drawn"], row["failed"], row["best"]) == (12, 1, 3.0)
    assert "best_low" not in row
    assert row["median_low"] <= row["median"] <= row["median_high"] <= row["best_of_10"] + 1 <= row["best"] + 1
    assert nothing["drawn"] == 0 and np.isnan(nothing["median"]) and nothing["why"]
    assert len(scores_table([scored])) == 12
