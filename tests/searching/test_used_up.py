"""Spaces that hold fewer designs than a study is to evaluate."""

from dataclasses import replace

import pytest
import yaml
from notes import Notes

from vitspace.errors import StudyFailedError
from vitspace.searching.claims import CLAIM
from vitspace.searching.desk import Desk
from vitspace.searching.engines import run_engine
from vitspace.searching.first import enqueue, first_designs
from vitspace.searching.queue import Queue
from vitspace.searching.session import Session
from vitspace.searching.streaks import IN_VAIN, REJECTIONS, Streaks
from vitspace.space import load_space
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

FOUR = {
    "family": "mat",
    "resolution": 64,
    "axes": {
        "head.width": [64],
        "downsample": ["bilinear"],
        "dim": {"values": [8, 16], "scale": [1, 2, 4, 8]},
        "depth": [1],
        "mixer": ["none"],
        "mlp_ratio": [2, 4],
    },
}


@pytest.fixture
def space(tmp_path):
    (tmp_path / "four.yaml").write_text(yaml.safe_dump(FOUR))
    return load_space(str(tmp_path / "four.yaml"))


@pytest.fixture
def begin(tmp_path, space, make_evaluator):
    """Begin a study of as many first designs as it has trials; return it open."""

    def go(**settings):
        config = StudyConfig(accuracy="proxy", space=str(tmp_path / "four.yaml"), **settings)
        store = StudyStore.create(open_storage(str(tmp_path / "s.journal")), "s", config, {})
        enqueue(store, space, first_designs(space, config.model_copy(update={"trials": 2})))
        return Session(store, config, make_evaluator(config), Notes())

    return go


@pytest.mark.parametrize("sampler", ["pareto", "random", "tpe"])
def test_a_study_ends_with_all_designs_that_there_are(begin, space, sampler):
    session = begin(sampler=sampler, trials=20)
    run_engine(session)
    sizes = {trial.spec for trial in session.store.record().completed}
    assert len(sizes) == space.size() and session.store.used_up
    assert any("has no further design within" in note and "of 20 trials" in note for note in session.monitor.notes)


def taken_by_another(session):
    """Have another worker take a design; return its queue, trial and spec."""
    other = Queue(session.store)
    theirs = other.ask()
    spec = session.space.decode(session.space.choose(lambda v: theirs.suggest_categorical(v.name, v.values)))
    session.store.storage.set_trial_system_attr(theirs._trial_id, CLAIM, spec.id)
    return other, theirs, spec


@pytest.mark.parametrize("sampler", ["pareto", "random"])
def test_what_another_still_evaluates_is_waited_for_without_a_trace(begin, space, sampler):
    session = begin(sampler=sampler, trials=20)
    other, theirs, spec = taken_by_another(session)
    with Desk(session, lambda spec, seed: -2.0) as desk:
        for _ in range(space.size() - 1):
            task = desk.ask()
            desk.tell(task, session.evaluator.evaluate(task.number, task.spec))
            assert task.spec != spec
        assert desk.ask() is None
        before = len(session.store.frozen())
        assert [desk.ask() for _ in range(5)] == [None] * 5 and not desk.over
        assert len(session.store.frozen()) == before
        facts = {"params": 1, "macs": 10**8, "latency_ms": 1.0, "score": -2.0}
        assert other.end(theirs, Trial(theirs.number, "complete", spec, **facts))
        assert desk.ask() is None and desk.over
    assert len(session.store.record().completed) == space.size()


@pytest.mark.parametrize("sampler", ["pareto", "random"])
def test_a_design_that_another_lost_is_run_here(begin, space, sampler):
    session = begin(sampler=sampler, trials=20)
    other, theirs, _ = taken_by_another(session)
    with Desk(session, lambda spec, seed: -2.0) as desk:
        for _ in range(space.size() - 1):
            task = desk.ask()
            desk.tell(task, session.evaluator.evaluate(task.number, task.spec))
        assert desk.ask() is None
        other.put_back(theirs)
        task = desk.ask()
        desk.tell(task, session.evaluator.evaluate(task.number, task.spec))
    assert len(session.store.record().completed) == space.size()


@pytest.mark.parametrize("sampler", ["random", "pareto"])
def test_designs_that_are_predicted_too_slow_use_a_space_up(begin, space, sampler, monkeypatch):
    fast = space.draw(3, seed=5)

    def violation(spec, settings, budget):
        return "" if spec in fast else "predicted latency 9 ms is outside ..1 ms"

    monkeypatch.setattr("vitspace.searching.evaluate.predicted_violation", violation)
    monkeypatch.setattr("vitspace.searching.desk.predicted_violation", violation)
    session = begin(sampler=sampler, trials=20)
    run_engine(session)
    assert {trial.spec for trial in session.store.record().completed} == set(fast) and session.store.used_up
    assert len(session.store.frozen()) < 2 * REJECTIONS


def test_a_study_whose_designs_are_all_rejected_stops():
    streaks = Streaks()
    rejected = Trial(0, "over_budget", why="predicted latency 9 ms is outside ..1 ms")
    with pytest.raises(StudyFailedError, match="1000 designs in a row were rejected, the last with: predicted latency"):
        for _ in range(IN_VAIN):
            streaks.add(rejected)


def test_trials_of_ones_own_and_those_that_were_timed_again_change_no_draws(begin):
    session = begin(sampler="random", trials=4)
    with Desk(session, lambda spec, seed: -2.0) as desk:
        task = desk.ask()
        assert desk._salt() == 0  # beside its own trial that runs
        trial = session.evaluator.evaluate(task.number, task.spec)
        desk.tell(task, trial)
        desk.store.retime(replace(trial, state="over_budget", why="it takes 9 ms"))
        assert [each.state for each in desk.store.trials()][task.number] == "over_budget" and desk._salt() == 0
