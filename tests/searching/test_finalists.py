import numpy as np
import pytest

from vitspace.budget import Budget
from vitspace.searching import finalists as module
from vitspace.searching.estimated import EstimatedDesigns
from vitspace.searching.finalists import Known, choose_finalists, fast_enough, seats_words


@pytest.fixture(autouse=True)
def _all_mix(monkeypatch):
    monkeypatch.setattr(module, "mixes", lambda spec, size: spec != "still")


def designs(low, macs, ms=None, inside=None):
    count = len(low)
    rows = np.arange(count, dtype=np.int16)[:, None]
    inside = np.ones(count, dtype=bool) if inside is None else np.array(inside)
    ms = np.full(count, np.nan) if ms is None else np.array(ms, dtype=float)
    return EstimatedDesigns(rows, np.array(macs), np.array(low) + 1.0, np.ones(count), inside, ms)


def chosen(found, count, names=None, exclude=()):
    names = names or list(range(len(found)))
    return choose_finalists(found, count, lambda row: names[int(row[0])], known(exclude), 224).specs


def known(specs=(), low=(), macs=(), ms=()):
    values = (np.array(each, dtype=float) for each in (low, macs, ms))
    return Known(frozenset(specs), *values)


def test_the_best_comes_first_and_then_what_adds_most_hypervolume():
    found = designs([80.0, 79.0, 60.0, 70.0], [400, 200, 190, 100])
    assert chosen(found, 1) == [0]
    assert chosen(found, 2) == [1, 0]
    assert chosen(found, 3) == [3, 1, 0]


def test_designs_beside_a_chosen_one_come_last():
    found = designs([80.0, 79.9, 75.0], [400, 395, 200])
    assert chosen(found, 2) == [2, 0] and chosen(found, 3) == [2, 1, 0]


def test_designs_that_differ_in_what_costs_nothing_alone_fill_no_seat():
    found = designs([80.0, 79.95, 79.93, 75.0], [400, 400, 395, 200])
    assert chosen(found, 4) == [3, 2, 0]
    twin = known((), [80.02], [400], [np.nan])
    assert choose_finalists(found[:3], 3, lambda row: int(row[0]), twin, 224).specs == [2]


def test_designs_of_equal_flops_and_other_estimates_are_others():
    assert chosen(designs([80.0, 79.5], [400, 400]), 2) == [0, 1]


def test_seats_that_are_filled_with_designs_beside_others_are_counted():
    found = designs([80.0, 79.9, 75.0], [400, 395, 200])
    filled = [choose_finalists(found, n, lambda row: int(row[0]), known(), 224).filled for n in (2, 3)]
    assert filled == [0, 1]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, ""),
        ({"wanted": 2, "filled": 0}, ""),
        ({"wanted": 2, "filled": 1}, "1 of 2 finalists is within 8% of the costs of another, since no more designs st"),
        (
            {"wanted": 4},
            "2 of 4 finalists were found: all others of the best differ from these or from other trials in",
        ),
    ],
)
def test_what_seats_were_filled_with_is_said(facts, words):
    said = seats_words({"chosen": ["a", "b"]} | facts)
    assert said.startswith(words) and bool(said) == bool(words)


def test_designs_of_equal_flops_and_unlike_milliseconds_do_not_stand_beside_each_other():
    assert chosen(designs([80.0, 79.9], [400, 395], [40, 20]), 2) == [1, 0]


def test_trials_and_designs_in_which_positions_never_meet_are_no_finalists():
    found = designs([80.0, 79.0, 78.0], [400, 300, 200])
    assert chosen(found, 3, ["known", "still", "good"], {"known"}) == ["good"]


def test_designs_in_which_positions_never_meet_leave_no_finalists():
    assert chosen(designs([80.0, 79.0], [400, 200]), 1, ["still", "still"]) == []


def test_no_more_are_looked_at_after_so_many_in_a_row_in_which_positions_never_meet(monkeypatch):
    monkeypatch.setattr(module, "STILL", 2)
    found = designs([80.0, 79.0, 78.0, 77.0, 76.0], [900, 700, 500, 300, 100])
    assert chosen(found, 3, ["still", "a", "still", "still", "b"]) == ["a"]


def test_unknown_kinds_are_chosen_only_where_there_are_no_others():
    assert chosen(designs([80.0, 70.0], [400, 200], inside=[False, True]), 2) == [1]
    assert chosen(designs([80.0, 70.0], [400, 200], inside=[False, False]), 2) == [1, 0]


def test_none_are_chosen_where_none_are_wanted():
    assert chosen(designs([80.0], [400]), 0) == []


def test_what_an_anchor_is_better_than_comes_after_what_adds_to_it():
    found, anchors = designs([80.0, 77.0, 78.0, 60.0], [400, 290, 100, 90]), known((), [79.0], [200], [np.nan])
    assert choose_finalists(found, 2, lambda row: int(row[0]), anchors, 224).specs == [2, 0]


def test_the_nearest_are_looked_at_where_all_are_predicted_beside_the_limit(monkeypatch):
    monkeypatch.setattr(module, "NEAREST", 1)
    found = designs([80.0, 79.0], [400, 300], [90.0, 50.0])
    assert fast_enough(found, Budget.parse(latency="40ms"), 0.2).ms.tolist() == [50.0]


def test_predicted_milliseconds_keep_half_their_error_from_the_limit():
    found = designs([80.0, 79.0, 78.0], [400, 300, 200], [39.0, 36.0, 8.0])
    kept = fast_enough(found, Budget.parse(latency="10..40ms"), 0.2)
    assert kept.ms.tolist() == [36.0]
    assert len(fast_enough(designs([80.0], [400]), Budget.parse(latency="1ms"), 0.2)) == 1


def test_what_all_designs_have_does_not_make_their_costs_alike():
    low, macs = [80.0, 79.9, 79.8], [1000, 1001, 1100]
    shared = 999
    found = designs(low, macs)
    assert choose_finalists(found, 2, lambda row: int(row[0]), known(), 224).specs == [0, 2]
    assert choose_finalists(found, 2, lambda row: int(row[0]), known(), 224, shared).specs == [0, 1]
