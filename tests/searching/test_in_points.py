"""Searches whose scores are estimates of top-1 in points."""

import json
from dataclasses import replace

import pytest

from vitspace import anchor, predict_top1
from vitspace.accuracy.evidence import Evidence, Reading
from vitspace.accuracy.predictor import predictor
from vitspace.searching import first
from vitspace.searching.engines import run_engine
from vitspace.searching.first import FirstDesigns, alternates, enqueue, further_finalists
from vitspace.searching.monitor import Monitor
from vitspace.searching.run import _same_predictor
from vitspace.searching.session import Session
from vitspace.space import load_space
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore

NONE = Evidence("none", 0.0, 22, 0, 6)
#: Scores from -2.5 to -1.5 tell something, whatever the size.
SOME = Evidence("some", 0.36, 9, 9, 9, slope=-0.5, reading=Reading((-2.5, -1.5), (-2.0, 2.0), (0.0, 0.0, 0.0), 1.0))


@pytest.fixture
def evaluator(make_evaluator):
    return replace(make_evaluator(StudyConfig(space="msg")), evidence=NONE)


def test_an_anchor_stands_at_its_published_accuracy(evaluator):
    trial = evaluator.evaluate(0, anchor("msg_tiny").spec, "msg_tiny")
    assert (trial.score, trial.published_top1) == (82.4, 82.4) and trial.score_std < 0.5
    assert trial.estimate["prior"] == pytest.approx(82, abs=1) and trial.proxy_score == pytest.approx(-1.78)


def test_another_design_stands_at_what_is_predicted(evaluator, space):
    spec = space.smallest
    trial, found = evaluator.evaluate(0, spec), predict_top1(spec)
    assert (trial.score, trial.score_std) == (found.mean, found.sd)
    assert trial.published_top1 is None and trial.estimate["nearest"]
    assert json.dumps(trial.to_dict())


def test_a_score_that_tells_something_moves_the_estimate(evaluator, space):
    moved = replace(evaluator, evidence=SOME).evaluate(0, space.smallest)
    assert moved.estimate["shift"] == pytest.approx(moved.score - moved.estimate["prior"]) != 0


def test_a_design_whose_positions_never_meet_is_invalid_unless_its_accuracy_is_published(evaluator):
    still = anchor("emsnet_xxtiny_lat_identity")
    assert evaluator.evaluate(0, still.spec, still.id).complete
    assert "positions of the map" in evaluator.evaluate(1, still.spec).why


def test_where_nothing_moves_estimates_our_sampler_has_nothing_to_propose_by(evaluator):
    points = StudyConfig(space="msg")
    assert not alternates(points, evaluator)
    assert alternates(points, replace(evaluator, evidence=SOME))
    assert alternates(points.model_copy(update={"sampler": "tpe"}), evaluator)


@pytest.fixture
def stored(tmp_path):
    """Make a study of nothing, by what is resolved of it."""

    def make(**resolved):
        config = StudyConfig(space="msg", budget="4G", trials=3)
        return StudyStore.create(open_storage(str(tmp_path / "s.journal")), "s", config, resolved)

    return make


@pytest.mark.parametrize(("known", "told"), [(None, 0), ("here", 0), ("other", 1)])
def test_a_study_that_goes_on_with_another_predictor_says_so(stored, known, told):
    here, notes = predictor().digest, []
    store = stored(accuracy={"predictor": here if known == "here" else known})
    monitor = Monitor()
    monitor.note = notes.append
    assert _same_predictor(store, monitor) == here
    assert len(notes) == told and all("the 0 designs so far keep their estimates" in note for note in notes)


def test_further_finalists_join_what_the_screening_chose(stored, space, monkeypatch):
    found = [anchor("msg_tiny").spec], {"designs": 5, "seconds": 1.0, "cloud": [], "chosen": ["b"]}
    monkeypatch.setattr(first, "finalists_of", lambda *_: found)
    store = stored()
    store.set(screening={"designs": 9, "seconds": 1.0, "cloud": [], "chosen": ["a"]})
    further = further_finalists(store, space, store.config, lambda done, of: None)
    assert further.designs == [(None, anchor("msg_tiny").spec)]
    assert further.screening["designs"] == 9 and further.screening["chosen"] == ["a", "b"]


@pytest.fixture
def mixtures(tmp_path, evaluator):
    """Run a study of hybrids beside an anchor that is none; return its record."""
    space = load_space("hybrid")

    def go(trials=3, **settings):
        config = StudyConfig(space="hybrid", budget="1G", trials=trials, **settings)
        store = StudyStore.create(open_storage(str(tmp_path / "s.journal")), "s", config, {})
        designs: list[tuple[str | None, Spec]] = [("mat_1", anchor("mat_1").spec)]
        enqueue(store, space, FirstDesigns([*designs, *((None, spec) for spec in space.draw(1, "1G"))]))
        session = Session(store, config, replace(evaluator, space=space))
        run_engine(session)
        return store.record()

    return go


@pytest.mark.parametrize("sampler", ["pareto", "random"])
def test_an_anchor_outside_the_space_is_a_trial_as_others_are(mixtures, sampler):
    record = mixtures(sampler=sampler, trials=9)
    assert anchor("mat_1").spec not in load_space("hybrid")
    assert [trial.anchor for trial in record.anchors] == ["mat_1"] and len(record.completed) == 9
    assert record.trials[0].spec == anchor("mat_1").spec


def test_a_study_in_points_has_a_reference_point_without_a_second_seed(mixtures, proxy):
    record = mixtures()
    assert {seed for _, seed in proxy.scored} == {0}
    assert record.reference_point is not None and record.reference_point[0] < 0 < record.hypervolume < 1
    assert record.ideal == (-100.0, 0.0, 0.0)


def test_a_resumed_study_takes_the_next_finalists(tmp_path, monkeypatch, make_evaluator):
    import vitspace

    monkeypatch.chdir(tmp_path)
    settings = {"study": "s", "proxy": "params", "workers": 0}
    vitspace.search("mat", "1G", anchors="none", trials=2, **settings)
    study = vitspace.search(resume=True, trials=5, **settings)
    found = [trial for trial in study.record.trials if trial.complete]
    assert len({trial.spec for trial in found}) == len(found) == 5
    assert all(trial.estimate["inside"] for trial in found)
