"""Draws and sizes against spaces whose designs are all listed by brute force."""

import csv
import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from vitspace.budget import Budget
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.space import load_space
from vitspace.space.lattice import Entries, Lattice
from vitspace.space.ranking import Halves, Ranking, _Groups

with (Path(__file__).parents[2] / "reports" / "spaces" / "sizes.csv").open() as _rows:
    SIZES = {name: tuple(map(int, numbers)) for name, *numbers in list(csv.reader(_rows))[1:]}


def macs_of(space, specs):
    return np.array([cost(spec, space.resolution).macs for spec in specs])


def test_the_size_is_the_number_of_distinct_designs(listed):
    space, designs = listed
    assert space.size() == len(designs) > 100


def test_the_size_of_a_budget_counts_what_fits(listed):
    space, designs = listed
    macs = macs_of(space, designs)
    low, high = np.quantile(macs, [0.2, 0.4]).astype(int)
    assert space.size(f"{low}..{high}") == ((macs >= low) & (macs <= high)).sum()
    assert space.size(f"..{macs.min()}") == (macs == macs.min()).sum()
    assert space.size(f"{macs.max()}..") == (macs == macs.max()).sum()


def test_the_ends_of_a_budget_are_a_least_and_a_most_costly_design_of_it(listed):
    space, designs = listed
    macs = macs_of(space, designs)
    low, high = np.quantile(macs, [0.2, 0.4]).astype(int)
    within = macs[(macs >= low) & (macs <= high)]
    assert macs_of(space, space.ends()).tolist() == [macs.min(), macs.max()]
    assert macs_of(space, space.ends(f"{low}..{high}")).tolist() == [within.min(), within.max()]
    with pytest.raises(InputError, match="no design of"):
        space.ends("1e15..1e16")


@pytest.mark.parametrize("budget", ["1e15..1e16", "1e20..", "1e20..1e30"])
def test_no_design_costs_what_no_network_does(listed, budget):
    space, _ = listed
    assert space.size(budget) == 0
    with pytest.raises(InputError, match=r"fits: the largest costs .* and the budget is at least"):
        space.draw(1, budget)


@pytest.mark.parametrize("limits", [{"params": "25M"}, {"latency": "60ms"}])
def test_a_size_within_more_than_flops_is_refused(listed, limits):
    with pytest.raises(InputError, match="designs are counted by FLOPs alone, but the budget is"):
        listed[0].size(Budget.parse("4G", **limits))


def test_without_replacement_every_design_is_drawn_once(listed):
    space, designs = listed
    drawn = space.draw(len(designs))
    assert len(drawn) == len(designs) and set(drawn) == designs


def test_with_replacement_designs_within_a_budget_are_equally_likely(listed):
    space, designs = listed
    macs = macs_of(space, designs)
    low, high = (int(value) for value in np.quantile(macs, [0.3, 0.7]))
    inside = {spec for spec, count in zip(designs, macs, strict=True) if low <= count <= high}
    drawn = Counter(space.draw(30 * len(inside), f"{low}..{high}", seed=3, replace=True))
    assert set(drawn) <= inside
    assert chisquare([drawn[spec] for spec in inside]).pvalue > 0.01


def test_params_limit_draws_too(listed):
    space, designs = listed
    params = sorted(cost(spec, space.resolution).params for spec in designs)
    limit = params[len(params) // 3]
    drawn = space.draw(10**6, params=str(limit))
    assert set(drawn) == {spec for spec in designs if cost(spec, space.resolution).params <= limit}


def latency_is(monkeypatch, accept):
    """Have predictions say what ``accept`` does."""

    class Predicted:
        def __init__(self, *_):
            pass

        def __call__(self, spec):
            return accept(spec)

        def __str__(self):
            return "predicted latency"

    monkeypatch.setattr("vitspace.latency.PredictedWithin", Predicted)


def test_latency_limits_draws_too_and_the_share_is_said(listed, monkeypatch, caplog):
    space, designs = listed
    fast = {spec for spec in designs if int(spec.id, 16) % 4 == 0}
    latency_is(monkeypatch, fast.__contains__)
    with caplog.at_level(logging.INFO):
        assert set(space.draw(10**6, latency="60ms")) == fast
    assert (
        f"predicted latency {100 * len(fast) / len(designs):.2g} % ({len(fast):,} of {len(designs):,})" in caplog.text
    )
    assert f"has only {len(fast)} such designs within latency ..60ms" in caplog.text
    assert set(space.draw(8, latency="60ms", balanced=True)) <= fast


@pytest.mark.parametrize("balanced", [False, True])
def test_drawing_ends_at_a_limit_and_says_the_share(listed, monkeypatch, balanced):
    space, _ = listed
    first = space.draw(1)[0]
    monkeypatch.setattr("vitspace.space.drawing.ACCEPT_LIMIT", 16)
    latency_is(monkeypatch, lambda spec: spec == first)
    with pytest.raises(InputError, match=r"too few designs .*: \d of 3 were found .*predicted latency .* in vain"):
        space.draw(3, latency="60ms", balanced=balanced)


def test_a_budget_object_holds_all_limits(listed):
    space, _ = listed
    with pytest.raises(InputError, match=r"a Budget holds all limits, but got no limit and '60ms' beside it"):
        space.draw(1, Budget(), latency="60ms")


def test_balanced_draws_are_even_over_flops(listed):
    space, designs = listed
    macs = macs_of(space, designs)
    counts, _ = np.histogram(macs_of(space, space.draw(64, balanced=True)), bins=8, range=(macs.min(), macs.max()))
    uniform, _ = np.histogram(macs_of(space, space.draw(64)), bins=8, range=(macs.min(), macs.max()))
    assert counts.std() < uniform.std() and len(set(space.draw(64, balanced=True))) == 64


@pytest.mark.parametrize("small", [0, 10**6])
@pytest.mark.parametrize("n", [1, 3, 10, 40])
def test_any_number_is_drawn_balanced_from_spaces_small_and_large(listed, monkeypatch, n, small):
    monkeypatch.setattr("vitspace.space.drawing._SMALL", small)
    space, designs = listed
    drawn = space.draw(n, balanced=True, seed=1)
    assert len(set(drawn)) == n and set(drawn) <= designs


def test_large_spaces_are_drawn_from_without_repeats(listed, monkeypatch):
    monkeypatch.setattr("vitspace.space.drawing._SMALL", 0)
    space, designs = listed
    assert set(space.draw(len(designs))) == designs


def test_what_is_excluded_is_not_drawn_and_no_design_is_none(listed):
    space, designs = listed
    first = space.draw(20, seed=2)
    assert set(space.draw(len(designs), seed=2, exclude=first)) == designs - set(first)
    assert space.draw(0) == []


def test_a_draw_carries_what_a_spec_made_from_scratch_does(listed):
    space, _ = listed
    for spec in space.draw(40, seed=1):
        made = type(spec)(spec.stem, spec.stages, spec.head)
        assert made == spec and made.carries == spec.carries and made.id == spec.id


def test_the_smallest_design_is_the_smallest(listed):
    space, designs = listed
    assert cost(space.smallest, space.resolution).macs == macs_of(space, designs).min()


def test_a_budget_between_two_designs_says_so(listed):
    space, designs = listed
    macs = np.unique(macs_of(space, designs))
    gap = int(np.argmax(np.diff(macs)))
    with pytest.raises(InputError, match=r"fits: none lies within"):
        space.draw(1, f"{macs[gap] + 1}..{macs[gap + 1] - 1}")


def test_a_lattice_is_stored_and_a_damaged_one_made_again(listed, tmp_path, monkeypatch, caplog):
    space, designs = listed
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    fresh = type(space)(space.name, space.config)
    assert fresh.size() == len(designs)
    [path] = tmp_path.glob("lattice-*.npz")
    again = type(space)(space.name, space.config)
    assert again.draw(20, seed=5) == fresh.draw(20, seed=5)
    for damaged in (path.read_bytes()[:100], b""):
        caplog.clear()
        path.write_bytes(damaged)
        assert type(space)(space.name, space.config).size() == len(designs)
        assert "is damaged" in caplog.text


def test_a_space_too_large_to_be_drawn_from_exactly_says_what_to_do(monkeypatch):
    monkeypatch.setattr("vitspace.space.rows.MOST_ROWS", 10)
    space = load_space("mat")
    with pytest.raises(InputError, match=r"more than 10 settings in stage 1, .*: shorten the lists of axes"):
        type(space)("fresh", space.config).size()


def halves_of(counts, monkeypatch):
    """The halves of a lattice of one state a step, with so many entries of equal cost at each."""
    one = np.zeros(1, dtype=np.int64)
    groups = iter([_Groups(one, one, one + 5, one, one + count) for count in counts])
    monkeypatch.setattr("vitspace.space.ranking._grouped", lambda entries: next(groups))
    return Halves(Lattice("chain", [Entries(*[one] * 6)] * 4, [[]] * 4))


def test_designs_are_numbered_up_to_a_limit_and_beyond_it_refused(monkeypatch):
    assert Ranking(halves_of([2 * 10**4, 10**5, 10**5, 10**4], monkeypatch), 0, 100).total == 2 * 10**18
    many = halves_of([10**5, 10**5, 10**5, 10**5], monkeypatch)
    with pytest.raises(
        InputError, match=r"at most 4e\+18 designs can be numbered, but chain has more: narrow the budget"
    ):
        Ranking(many, 0, 100)
    with pytest.raises(InputError, match="can be numbered, but chain has more: shorten the lists"):
        halves_of([1, 1, 3 * 10**9, 2 * 10**9], monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SIZES))
def test_a_shipped_space_has_the_size_that_is_reported(name):
    space, designs = load_space(name), SIZES[name]
    assert (space.size(), space.size("1G"), space.size("4G")) == designs
    for spec in space.draw(8, "4G", seed=1):
        assert space.decode(space.encode(spec)) == spec


def test_settings_that_others_switch_are_all_drawn(tiny):
    space, designs = tiny
    assert space.size() == len(designs)
    assert set(space.draw(len(designs))) == designs
    assert all(space.decode(space.encode(spec)) == spec for spec in designs)
