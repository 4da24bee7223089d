import optuna
import pytest

import vitspace.families  # noqa: F401
from vitspace.anchors import anchor
from vitspace.searching.rungs import Rungs
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore


@pytest.fixture(scope="module")
def specs():
    return [anchor(name).spec for name in ("msg_tiny", "msg_small", "msg_base")]


@pytest.fixture
def store(tmp_path):
    storage = open_storage(str(tmp_path / "s.journal"))
    return StudyStore.create(storage, "s", StudyConfig(accuracy="proxy", space="msg", proxy="halving:tiny/small"), {})


def _enter(store, spec, rung, point, keep=0.5):
    running = store.study.ask()
    return running, Rungs(store, running, spec.id).enter(rung, point, keep)


def test_the_first_of_a_rung_goes_on_and_the_worse_do_not(store, specs):
    _, first = _enter(store, specs[0], 0, (2.0, 2.0, 2.0))
    _, worse = _enter(store, specs[1], 0, (3.0, 3.0, 3.0))
    _, better = _enter(store, specs[2], 0, (1.0, 1.0, 1.0))
    assert [(p.place, p.of, p.kept) for p in (first, worse, better)] == [(1, 1, 1), (2, 2, 1), (1, 3, 2)]
    assert [p.promoted for p in (first, worse, better)] == [True, False, True]


def test_a_cheaper_design_of_worse_score_is_not_behind(store, specs):
    _enter(store, specs[0], 0, (1.0, 2.0, 2.0))
    _, place = _enter(store, specs[1], 0, (2.0, 1.0, 1.0))
    assert place.of == 2 and place.place <= 2
    _, dominated = _enter(store, specs[2], 0, (2.0, 2.0, 2.0))
    assert dominated.place == 3


def test_rungs_are_judged_apart(store, specs):
    running, _ = _enter(store, specs[0], 0, (1.0, 1.0, 1.0))
    _enter(store, specs[1], 0, (0.5, 0.5, 0.5))
    place = Rungs(store, running, specs[0].id).enter(1, (5.0, 1.0, 1.0), 0.5)
    assert (place.place, place.of) == (1, 1)


def test_a_design_whose_worker_died_counts_once(store, specs):
    dead, _ = _enter(store, specs[0], 0, (1.0, 1.0, 1.0))
    store.storage.set_trial_state_values(dead._trial_id, optuna.trial.TrialState.FAIL)
    _, again = _enter(store, specs[0], 0, (1.0, 1.0, 1.0))
    assert (again.place, again.of) == (1, 1)


def test_another_process_sees_what_was_entered(store, specs, tmp_path):
    _enter(store, specs[0], 0, (1.0, 1.0, 1.0))
    other = StudyStore.load(open_storage(str(tmp_path / "s.journal")), "s")
    _, place = _enter(other, specs[1], 0, (2.0, 2.0, 2.0))
    assert (place.place, place.of, place.promoted) == (2, 2, False)
