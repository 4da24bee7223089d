import os
import signal
from contextlib import suppress
from dataclasses import replace
from multiprocessing import Pipe
from threading import Thread
from types import SimpleNamespace

import pytest
from notes import Notes
from optuna.trial import TrialState
from processes import completed

from vitspace.errors import InputError
from vitspace.proxies import Score
from vitspace.proxies.training.halving import open_proxy
from vitspace.searching.checks import check_runs
from vitspace.searching.engines import _processes, _worker
from vitspace.searching.engines.optuna import run
from vitspace.searching.session import Session
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore

CONFIG = StudyConfig(accuracy="proxy", space="msg", proxy="halving:tiny/small", trials=3, sampler="random")


class Rung:
    """Scores by the spec's depth; remembers what it scored."""

    def __init__(self, name, offset):
        self.name, self.offset, self.scored = name, offset, []

    def score(self, spec, seed, on_step=None):
        self.scored.append((spec, seed))
        return Score(self.offset + spec.depth / 100, 1.5, {"steps": 1})


class TwoRungs:
    worst, keep = 3.0, 0.34

    def __init__(self):
        self.rungs = (Rung("train:tiny", -3.0), Rung("train:small", -2.0))

    def score(self, spec, seed, on_step=None):
        return self.rungs[-1].score(spec, seed, on_step)


@pytest.fixture
def proxy():
    return TwoRungs()


@pytest.fixture
def ran(tmp_path, proxy, space, make_evaluator):
    """A study, run until three designs are through all rungs; the first is an anchor, and too bad to go on."""
    storage = open_storage(str(tmp_path / "s.journal"))
    store = StudyStore.create(storage, "s", CONFIG, {})
    # Few blocks are a low score, and the smallest design comes last, so that only its anchor's name saves the first.
    specs = {row.spec.id: row.spec for row in space.anchors(True)}.values()
    deep = sorted(specs, key=lambda spec: (spec.depth, spec.id))
    for number, spec in enumerate([*deep[1:], deep[0]]):
        store.study.enqueue_trial(space.encode(spec), user_attrs={"anchor": "msg_tiny"} if number == 2 else None)
    session = Session(store, CONFIG, make_evaluator(CONFIG))
    run(session)
    return store, session


def test_what_is_not_promoted_is_pruned_and_says_why(ran, proxy):
    trials = ran[0].trials()
    pruned = [t for t in trials if t.state == "pruned"]
    complete = [t for t in trials if t.complete]
    assert len(complete) == 3 and pruned
    for trial in pruned:
        [rung] = trial.details["rungs"]
        assert trial.why.startswith(f"at train:tiny it is number {rung['place']} of {rung['of']}, and the first ")
        assert rung["score"] == trial.score and rung["seconds"] == 1.5
    for trial in complete:
        assert [rung["rung"] for rung in trial.details["rungs"]] == ["train:tiny", "train:small"]
        assert trial.score == pytest.approx(-2.0 + trial.spec.depth / 100)
    assert len(proxy.rungs[0].scored) == len(trials)
    assert {spec for spec, _ in proxy.rungs[1].scored} == {trial.spec for trial in complete}


def test_anchors_are_never_dropped(ran):
    [anchor] = [t for t in ran[0].trials() if t.anchor]
    assert anchor.complete


def test_a_resumed_study_judges_by_what_was_there(ran, proxy):
    store, session = ran
    before = len(store.trials())
    run(replace(session, config=CONFIG.model_copy(update={"trials": 4})))
    later = [t for t in store.trials() if t.number >= before]
    assert sum(t.complete for t in store.trials()) == 4
    assert [t.details["rungs"][0]["of"] for t in later] == list(range(before + 1, before + len(later) + 1))


@pytest.mark.parametrize("workers", [None, 1])
def test_a_design_whose_trial_is_taken_away_in_mid_training_is_dropped_with_a_line(
    tmp_path, proxy, space, make_evaluator, monkeypatch, workers
):
    journal = str(tmp_path / "s.journal")
    store = StudyStore.create(open_storage(journal), "s", CONFIG, {})
    for row in space.anchors(True):
        store.study.enqueue_trial(space.encode(row.spec))
    session = Session(store, CONFIG, make_evaluator(CONFIG), Notes(), workers)
    taken, score = [], proxy.rungs[0].score

    def score_and_lose(spec, seed, on_step=None):
        if not taken:
            other = StudyStore.load(open_storage(journal), "s")
            [running] = other.frozen(TrialState.RUNNING)
            taken.append(running.number)
            other.finish(running)
        return score(spec, seed, on_step)

    def start(crew):
        ours, theirs = Pipe()

        def serve():
            with suppress(EOFError, OSError):
                while True:
                    number, spec, anchor = theirs.recv()[1:]
                    trial = session.evaluator.evaluate(number, spec, anchor, None, _worker.RungsByPipe(theirs))
                    theirs.send(("result", trial))

        Thread(target=serve, daemon=True).start()
        return SimpleNamespace(pipe=ours, job=None, stop=ours.close)

    proxy.rungs[0].score = score_and_lose
    monkeypatch.setattr(_processes.Processes, "_start", start)
    run(session)
    assert sum(trial.complete for trial in store.trials()) == 3 and taken[0] not in [t.number for t in store.trials()]
    dropped = f"trial {taken[0]} was taken for lost and is run elsewhere, so it is dropped here"
    assert session.monitor.notes.count(dropped) == 1


@pytest.mark.slow
def test_workers_share_the_rungs_and_a_killed_one_spoils_none(tool):
    search = tool.search("--workers", 2, proxy="noop:rungs=2,sleep=0.2", trials=8)
    tool.wait_for(lambda: len(tool.scored()) > 6)
    os.kill(int(tool.scored()[-1][2]), signal.SIGKILL)
    data, error = tool.end(search)
    assert "was killed by SIGKILL" in error
    assert len(completed(data)) == 8
    pruned = [t for t in data["trials"] if t["state"] == "pruned" and "go on" in t["why"]]
    assert pruned and all(t["score"] is not None for t in pruned)
    ids = [t["spec_id"] for t in data["trials"] if t["state"] in ("complete", "pruned") and "queued" not in t["why"]]
    assert len(ids) == len(set(ids))


def test_rungs_are_opened_from_text():
    small = "max_train=8,max_val=4,warmup=0,batch_size=4"
    proxy = open_proxy(f"steps=1,{small}/steps=3,{small}/keep=0.25", "fractal:2", "cpu")
    assert [rung.recipe.steps for rung in proxy.rungs] == [1, 3] and proxy.keep == 0.25
    assert [rung["steps"] for rung in proxy.describe()["rungs"]] == [1, 3]
    assert proxy.worst == proxy.rungs[1].worst


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("tiny", "at least two rungs, as in halving:tiny/small, but got 'tiny'"),
        ("tiny/huge", "a training preset is one of"),
        ("tiny/small/keep=1", "keep is over 0 and below 1, but got keep=1"),
        ("tiny/small/keep=x", "keep is over 0 and below 1, but got keep=x"),
        ("steps=20/steps=18", "rungs go from cheap to dear, but train:steps=18 trains on no more than train:steps=20"),
    ],
)
def test_wrong_rungs_are_refused(argument, message, monkeypatch):
    from vitspace.data import load_data
    from vitspace.proxies.recipe import TrainingProxy

    monkeypatch.setattr(TrainingProxy, "load", lambda self, seed: load_data("fractal:2", 32, seed, 4, 4))
    with pytest.raises(InputError, match=message):
        open_proxy(argument, "", "cpu")


def test_other_engines_are_refused():
    with pytest.raises(InputError, match="halving runs on engine optuna, with any number of workers, but got 'ray'"):
        check_runs({}, StudyConfig.of(CONFIG.model_dump() | {"engine": "ray"}), None)
