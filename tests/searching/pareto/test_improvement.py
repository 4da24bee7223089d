import numpy as np
import pytest

from vitspace.pareto import hypervolume
from vitspace.searching.pareto.improvement import Candidates, Front

WORST = -3.0


@pytest.fixture
def front():
    rng = np.random.default_rng(0)
    return Front(rng.uniform(-3.5, -1, 9), rng.uniform(0.1, 1.1, (9, 2)), WORST)


@pytest.fixture
def candidates():
    rng = np.random.default_rng(1)
    return Candidates(rng.uniform(-3, -0.5, 200), rng.uniform(0.05, 1, 200), rng.uniform(0, 1.1, (200, 2)))


def volume(scores, costs):
    return hypervolume(np.column_stack([-scores, costs]), [-WORST, 1, 1])


def test_it_is_the_mean_over_scores_of_what_hypervolume_gains(front, candidates):
    rng, few = np.random.default_rng(2), candidates[np.arange(3)]
    before = volume(front.scores, front.costs)
    for i, expected in enumerate(front.improvement(few)):
        draws = rng.normal(few.mean[i], few.std[i], 300)
        gains = [volume(np.append(front.scores, s), np.vstack([front.costs, few.costs[i]])) - before for s in draws]
        assert expected == pytest.approx(np.mean(gains), abs=4 * np.std(gains) / np.sqrt(len(draws)) + 1e-12)


def test_the_bound_holds(front, candidates):
    assert (front.bound(candidates) >= front.improvement(candidates) - 1e-12).all()


def test_the_best_are_those_of_all(front, candidates):
    at, values = front.best(candidates, 5)
    every = front.improvement(candidates)
    assert at.tolist() == np.argsort(-every)[:5].tolist()
    assert values == pytest.approx(every[at])


def test_without_a_front_all_of_the_box_is_won(candidates):
    sure = Candidates(candidates.mean, np.full(200, 1e-9), candidates.costs)
    boxes = np.maximum(1 - sure.costs, 0).prod(axis=1) * np.maximum(sure.mean - WORST, 0)
    assert Front(np.empty(0), np.empty((0, 2)), WORST).improvement(sure) == pytest.approx(boxes, abs=1e-6)


def test_what_costs_more_than_the_reference_wins_nothing(front, candidates):
    beyond = (candidates.costs >= 1).any(axis=1)
    assert beyond.any() and (front.improvement(candidates)[beyond] == 0).all()
