from dataclasses import replace

import pytest

from vitspace.families import anchor
from vitspace.interrupts import Terminated
from vitspace.searching.lease import Owner
from vitspace.searching.queue import Queue
from vitspace.searching.reference import SecondSeed, reference_point, reference_trial, score_reference
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

CONFIG = StudyConfig(accuracy="proxy", space="msg", budget="4G")
ELSEWHERE = Owner("far", "another boot", 1, 0.0, 10.0)


@pytest.fixture
def queue(tmp_path):
    store = StudyStore.create(open_storage(str(tmp_path / "s.journal")), "s", CONFIG, {})
    store.study.enqueue_trial({"dim": 64}, user_attrs={"anchor": "msg_tiny"})
    return Queue(store)


def complete(queue, name="msg_tiny"):
    running = queue.ask()
    spec = anchor("msg_tiny").spec
    trial = Trial(running.number, "complete", spec, "", name, 25, 2_000_000_000, 50.0, score=-1.0)
    queue.end(running, trial)
    return running


def test_who_ran_the_first_anchor_scores_it_again(queue):
    complete(queue)
    assert reference_trial(queue.store, queue.owner, last=False).anchor == "msg_tiny"
    assert reference_trial(queue.store, replace(queue.owner, pid=1), last=False) is None


def test_another_scores_it_again_where_that_one_is_gone_or_far_and_the_study_over(queue):
    complete(queue)
    assert reference_trial(queue.store, ELSEWHERE, last=False) is None
    assert reference_trial(queue.store, ELSEWHERE, last=True) is not None


def test_an_anchor_that_still_runs_is_waited_for(queue):
    queue.ask()
    complete(queue, name=None)
    assert reference_trial(queue.store, queue.owner, last=False) is None


def test_a_second_seed_that_kills_its_workers_is_given_up(queue):
    complete(queue)
    trial = reference_trial(queue.store, queue.owner, last=False)
    queue.store.set(calibrations=2)
    notes = []
    score_reference(SecondSeed(queue.store, trial, CONFIG, 3.0, notes.append), lambda spec, seed: 1 / 0)
    assert queue.store.record().reference["scores"] == [-1.0] and "2 workers died of it" in notes[-1]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, Terminated])
def test_a_second_seed_that_is_interrupted_is_not_counted_as_a_death(queue, interrupt):
    def interrupted(spec, seed):
        raise interrupt

    complete(queue)
    trial = reference_trial(queue.store, queue.owner, last=False)
    for _ in range(2):
        with pytest.raises(interrupt):
            score_reference(SecondSeed(queue.store, trial, CONFIG, 3.0, print), interrupted)
    score_reference(SecondSeed(queue.store, trial, CONFIG, 3.0, print), lambda spec, seed: -1.2)
    assert queue.store.record().reference["scores"] == [-1.0, -1.2]


@pytest.mark.parametrize(
    ("limits", "worst", "expected"),
    [
        ({"budget": "4G"}, 3.0, [3.0, 4e9, 200.0]),
        ({"budget": "4G", "latency": "60ms"}, 3.0, [3.0, 4e9, 60.0]),
        ({}, None, [2.0, 4e9, 200.0]),
    ],
)
def test_the_reference_point_comes_from_the_budget_and_the_first_design(limits, worst, expected):
    trial = Trial(0, "complete", macs=2_000_000_000, latency_ms=50.0, score=-1.0)
    assert reference_point(trial, StudyConfig(accuracy="proxy", space="msg", **limits), worst) == expected


@pytest.mark.parametrize(
    ("score", "why"),
    [(lambda *_: 1 / 0, "division by zero"), (lambda *_: float("nan"), "the score is nan")],
)
def test_whatever_a_second_seed_does_the_study_goes_on_without_its_noise(queue, score, why):
    complete(queue)
    notes = []
    score_reference(
        SecondSeed(queue.store, reference_trial(queue.store, queue.owner, last=False), CONFIG, 3.0, notes.append), score
    )
    assert queue.store.record().reference["scores"] == [-1.0] and why in notes[-1]
