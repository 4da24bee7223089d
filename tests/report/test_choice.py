from dataclasses import replace

import pytest

from vitspace.errors import InputError
from vitspace.report.choice import chosen_few, design_lines, rule_words, select
from vitspace.report.words import design_commands


def test_within_noise_of_the_best_the_cheapest_counts(record):
    assert select(record, "best").anchor == "msg_tiny"
    noisy = replace(record, reference=record.reference | {"noise": 0.08})  # 2.77 times that reaches down to -2.70
    assert (select(noisy, "cheapest").number, select(noisy, "fastest").number) == (2, 2)


def test_without_known_noise_only_the_best_counts(record):
    silent = replace(record, reference={})
    assert select(silent, "cheapest") == select(silent, "best")


def test_where_no_seed_decides_a_score_no_choice_claims_noise(record):
    told = record.resolved | {"proxy": {"name": "params", "rests_on": "counts of the network"}}
    settled = replace(record, resolved=told)
    assert select(settled, "cheapest") == select(settled, "best")
    assert not [each.title for each in chosen_few(settled) if "noise" in each.title]
    assert rule_words(settled, "cheapest") == "the fewest FLOPs among the designs of the best score"


def test_the_knee_lies_above_the_straight_trade(record):
    points = [(1_000_000_000, -3.0), (2_000_000_000, -2.1), (4_000_000_000, -2.0)]
    trials = [
        replace(record.trials[1], number=i, macs=macs, latency_ms=macs / 1e8, score=score)
        for i, (macs, score) in enumerate(points)
    ]
    assert select(replace(record, trials=trials), "knee").number == 1


def test_one_design_may_be_chosen_by_several_rules(record):
    chosen = chosen_few(record)
    assert sorted(rule for each in chosen for rule in each.rules) == ["best", "cheapest", "fastest", "knee"]
    assert len({each.trial.number for each in chosen}) == len(chosen)


def test_a_number_selects_any_trial(record):
    assert select(record, "4").number == 4
    with pytest.raises(InputError, match=r"number of a trial \(on the front: 1, 3, 2, 0\), but got '99'"):
        select(record, "99")


def test_a_rejected_design_is_explained(record):
    latency = {"low_ms": 61.0, "high_ms": 65.0}
    why = "latency 63ms outside 0ms..60ms"
    slow = replace(record.trials[0], state="over_budget", why=why, latency_ms=63.0, latency=latency, score=None)
    rejected = replace(record, trials=[slow, *record.trials[1:]])
    lines = design_lines(rejected, "0", select(rejected, "0"))
    assert lines[0] == f"trial 0, MSG-T of msg-4G, is over budget: {why}"
    assert "CPU latency 63.0ms, between 61.0 and 65.0ms" in lines[1] and "score" not in lines[1]
    [(purpose, command)] = design_commands(rejected, slow)
    assert purpose == "time it again" and command.startswith("vitspace studies retime msg-4G --trial 0")


def test_a_trial_without_a_design_is_not_selected(record):
    invalid = replace(record.trials[0], state="invalid", why="dim must grow", spec=None)
    with pytest.raises(InputError, match="trial 0 of msg-4G has no design: invalid: dim must grow"):
        select(replace(record, trials=[invalid]), 0)


def test_nothing_is_selected_from_nothing(bare):
    assert chosen_few(bare) == []
    with pytest.raises(InputError, match="bare has none"):
        select(bare, "knee")


def test_a_selected_design_is_told_in_lines(record):
    lines = design_lines(record, "best", select(record, "best"))
    assert lines[0] == "trial 0, MSG-T, the best of msg-4G: the best score"
    assert "on the front" in lines[1] and any("dim: 64-128-256-512" in line for line in lines)


def test_a_selected_design_of_doubted_latency_says_why(record):
    busy = replace(record.trials[0], latency={"doubt": "the machine was busy"})
    assert "CPU latency 40.0ms (unsure: the machine was busy)" in design_lines(record, "0", busy)[2]
