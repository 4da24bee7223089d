"""Effects of axes on hand-made scores."""

import numpy as np
import pytest

from vitspace.analysis.effects import all_effects, at_equal_flops, axis_effects
from vitspace.analysis.importance import importances
from vitspace.analysis.observations import Observations, of_scored
from vitspace.analysis.scoring import ScoredDesign
from vitspace.errors import InputError

RNG = np.random.default_rng(0)


def observed(score, n=120):
    """Designs of axes a, b, and c where a is 1, with a score of these and FLOPs."""
    rows = []
    for _ in range(n):
        row = {"a": int(RNG.integers(2)), "b": str(RNG.choice(["x", "y", "z"]))}
        rows.append(row | ({"c": int(RNG.integers(2))} if row["a"] else {}))
    macs = RNG.uniform(1e9, 4e9, n)
    scores = np.array([score(row, m / 1e9) for row, m in zip(rows, macs, strict=True)]) + RNG.normal(0, 0.1, n)
    values = {"a": (0, 1), "b": ("x", "y", "z"), "c": (0, 1)}
    return Observations("made", values, tuple(rows), macs, scores)


def test_what_flops_explain_is_taken_out():
    macs = np.linspace(1e9, 4e9, 50)
    assert np.abs(at_equal_flops(macs, 3 + 2 * np.log(macs))).max() < 1e-9
    assert at_equal_flops(np.full(4, 1e9), np.array([1.0, 2.0, 3.0, 4.0])).tolist() == [-1.5, -0.5, 0.5, 1.5]


def test_a_value_that_is_better_is_preferred():
    found = axis_effects(observed(lambda row, g: 5 * g + (row["b"] == "y")), "b")
    assert found.best == "y" and found.resolved and found.gain == pytest.approx(1, abs=0.3)
    assert found.gain_low < found.gain < found.gain_high
    assert [e.value for e in found.effects] == ["x", "y", "z"] and sum(e.designs for e in found.effects) == 120


def test_equal_values_are_not_told_apart():
    found = axis_effects(observed(lambda row, g: g), "a")
    assert not found.resolved and found.rivals == (1 - found.best,)


def test_an_axis_under_a_condition_is_looked_at_where_it_is():
    seen = observed(lambda row, g: 10 * row["a"] + row.get("c", 0))
    found = axis_effects(seen, "c")
    assert found.designs == sum("c" in row for row in seen.params) < 120
    assert found.best == 1 and found.resolved and abs(sum(e.mean * e.designs for e in found.effects)) < 1e-6


def test_values_of_few_designs_are_not_preferred():
    seen = observed(lambda row, g: g, n=8)
    few = Observations("made", {"a": (0, 1, 2)}, tuple({"a": min(i, 1)} for i in range(8)), seen.macs, seen.scores)
    found = axis_effects(few, "a")
    assert found.best is None and not found.resolved
    assert [e.designs for e in found.effects] == [1, 7, 0] and np.isnan(found.effects[2].mean)


def test_axes_of_one_value_are_left_out():
    seen = observed(lambda row, g: g)
    constant = Observations(
        "made", seen.values | {"d": (1, 2)}, tuple(r | {"d": 1} for r in seen.params), seen.macs, seen.scores
    )
    assert [axis.axis for axis in all_effects(constant)] == ["a", "b", "c"]


@pytest.mark.parametrize("size", [0.01, 0.02, 0.2, 1.0])
@pytest.mark.parametrize("matters", [0.0, 0.05, 0.5, 2.0])
def test_a_value_is_resolved_by_more_than_what_matters_alone(size, matters):
    """Scores without noise, so that any difference is significant."""
    seen = observed(lambda row, g: 0.0)
    scores = np.array([size * (row["b"] == "y") for row in seen.params])
    sure = Observations("made", seen.values, seen.params, seen.macs, scores)
    found = axis_effects(sure, "b", scores, matters)
    assert found.resolved == (size > matters) and (found.rivals == ()) == found.resolved


def test_differences_of_nothing_have_no_importance():
    seen = observed(lambda row, g: 0.0)
    tiny = np.array([1e-5 * (row["b"] == "y") for row in seen.params])
    flat = Observations("made", seen.values, seen.params, seen.macs, tiny)
    assert all(each.fanova == each.ped_anova == 0 for each in importances(flat, 1e-3).values())
    assert importances(flat)["b"].fanova > 0.9


def test_importance_finds_the_axis_that_matters():
    found = importances(observed(lambda row, g: (row["b"] == "y") + 0.5 * row.get("c", 0)))
    assert found["b"].fanova > found["a"].fanova and found["b"].ped_anova > found["a"].ped_anova
    assert found["a"].fanova + found["b"].fanova == pytest.approx(1)
    assert 0.3 < found["c"].present < 0.7 and found["b"].present == 1


def test_importance_of_a_constant_score_is_none_at_all():
    seen = observed(lambda row, g: g)
    flat = Observations("made", seen.values, seen.params, seen.macs, np.ones(120))
    assert all(found.fanova == found.ped_anova == 0 for found in importances(flat).values())


def test_good_is_high():
    """PED-ANOVA looks at the best designs: an axis that only tells the worst apart matters less to it."""
    best = importances(observed(lambda row, g: 2.0 * (row["b"] == "y"), 300))["b"].ped_anova
    assert best > 0.5


def test_few_designs_are_refused(small, counted):
    scored = [ScoredDesign(spec, 1, 1, 1.0) for spec in small.draw(3)]
    with pytest.raises(InputError, match="at least 8 scored designs, but got 3 of small"):
        of_scored(small, scored)


def test_failed_designs_are_left_out(small):
    scored = [ScoredDesign(spec, 1, 1, None if i == 0 else 1.0) for i, spec in enumerate(small.draw(12))]
    seen = of_scored(small, scored)
    assert len(seen.scores) == 11 and seen.left_out == 1
    assert set(seen.values) == {"dim", "depth", "mlp_ratio"}
