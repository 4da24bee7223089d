from dataclasses import replace

import numpy as np
import pytest

from vitspace.report.history import history, random_draws


def test_it_ends_at_the_studys_hypervolume(record):
    found = history(record)
    assert found.evaluations.volume[-1] == pytest.approx(record.hypervolume)
    assert len(found.evaluations.at) == len(record.completed) + 1
    assert np.all(np.diff(found.evaluations.volume) >= 0)


def test_seconds_are_those_of_all_trials_added_up(record):
    assert history(record).seconds.at.tolist() == [0, 27, 54, 81, 108, 135]


def test_random_is_the_studys_own_draws_after_the_anchors(record):
    found = history(record)
    assert (found.drawn, found.random.at.tolist()) == (4, [1, 2, 3, 4, 5])
    assert found.random.mean[0] == pytest.approx(record.volume(record.anchors))
    assert [found.random.mean[-1], found.random.low[-1]] == pytest.approx([record.hypervolume] * 2)


def test_the_mean_of_one_draw_is_that_of_all_single_draws(record, monkeypatch):
    monkeypatch.setattr("vitspace.report.history.ORDERS", 1000)
    drawn = [trial for trial in random_draws(record) if trial.complete]
    alone = [record.volume([*record.anchors, trial]) for trial in drawn]
    assert history(record).random.mean[1] == pytest.approx(np.mean(alone), rel=0.1)


def test_what_a_sampler_proposed_is_not_random(record):
    first = record.trials[1]
    many = replace(record, trials=[replace(first, number=number) for number in range(30)])
    assert len(random_draws(many)) == 10
    free = replace(many, config=many.config.model_copy(update={"sampler": "random"}))
    assert len(random_draws(free)) == 30
    later = replace(free, resolved={"resumed": [{"sampler": "random"}, {"sampler": "tpe"}]})
    assert len(random_draws(later)) == 10
    nni = replace(many, config=many.config.model_copy(update={"engine": "nni"}))
    assert random_draws(nni) == []


def test_what_is_proposed_after_a_resumption_is_not_random(record):
    first = record.trials[1]
    trials = [record.trials[0], *(replace(first, number=number) for number in range(1, 12))]
    resumed = replace(record, trials=trials, resolved=record.resolved | {"drawn": 3})
    assert [trial.number for trial in random_draws(resumed)] == [1, 2, 3]
    assert history(resumed).drawn == 3
    few = replace(record, trials=trials, config=record.config.model_copy(update={"trials": 5}))
    assert len(random_draws(few)) == 4


def test_seconds_of_draws_without_a_score_count_as_random(record):
    spent = [replace(trial, seconds=10.0) for trial in record.trials]
    found = history(replace(record, trials=spent))
    assert found.drawn == 4
    assert found.random_seconds.at[[0, -1]].tolist() == [10, 70] == [10, found.seconds.at[-1] + 20]
    assert found.random_seconds.low[-1] == pytest.approx(record.hypervolume)
    assert found.random_seconds.low[-2] < record.hypervolume  # in some orders the last draw counts


def test_no_trials_are_no_error(bare, lone):
    assert history(bare).random is None and history(bare).evaluations.volume.tolist() == [0]
    assert history(lone).random is None
