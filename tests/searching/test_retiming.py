"""Undecided designs of a study whose milliseconds are made up, and what timing them again makes of them."""

from dataclasses import asdict, replace

import pytest
import yaml
from optuna.trial import TrialState

from vitspace.budget import Budget
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.latency import Latency
from vitspace.report.words import machine_note
from vitspace.searching import evaluate, retiming
from vitspace.searching.engines import run_engine
from vitspace.searching.first import enqueue, first_designs
from vitspace.searching.join import rerun
from vitspace.searching.latency import rejected_unsure, verdict
from vitspace.searching.monitor import Monitor
from vitspace.searching.queue import Queue, design_params
from vitspace.searching.retiming import MOST_TIMES, retime_study, settle, take_up
from vitspace.searching.session import Session
from vitspace.space import load_space
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

LIMIT = 20.0
SMALL = {
    "family": "mat",
    "resolution": 64,
    "axes": {
        "head.width": [64],
        "downsample": ["bilinear"],
        "dim": {"values": [8, 16, 24], "scale": [1, 2, 4, 8]},
        "depth": {"each": [1, 2]},
        "mixer": ["none"],
        "mlp_ratio": [2, 4],
    },
}


def latency(ms, width, times=1):
    values = dict.fromkeys(("median_ms", "p10_ms", "p90_ms", "measured_ms"), ms)
    edges = {"low_ms": ms * (1 - width), "high_ms": ms * (1 + width)}
    known = {"reference_ms": 10.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.0, "times": times}
    settings = {"backend": "eager", "runs": 9, "threads": 1, "batch": 1, "dtype": "float32", "host": "here"}
    return Latency(**values, **edges, **known, **settings)


@pytest.fixture
def clock(monkeypatch):
    """Milliseconds by spec, and the width of their intervals, in the place of a clock; tells what was timed again."""
    told = {"ms": lambda spec: cost(spec, 64).macs / 2e5, "width": 0.5, "again": 0.0, "timed": []}

    def measure_again(spec, settings):
        told["timed"].append(spec)
        return latency(told["ms"](spec), told["again"], times=told["timed"].count(spec) + 1)

    monkeypatch.setattr(retiming, "measure_again", measure_again)
    monkeypatch.setattr(evaluate, "measure", lambda spec, settings: latency(told["ms"](spec), told["width"]))
    monkeypatch.setattr(evaluate, "predicted_violation", lambda *_: "")
    monkeypatch.setattr("vitspace.searching.desk.predicted_violation", lambda *_: "")
    return told


@pytest.fixture
def space(tmp_path):
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(SMALL))
    return load_space(str(tmp_path / "small.yaml"))


@pytest.fixture
def session(make_evaluator, clock, tmp_path, space, monkeypatch):
    """A study of four designs within 20 ms, run to its end; all that are measured there are unsure by a half."""
    make = make_evaluator
    limits = {"budget": "6M", "latency": f"{LIMIT}ms"}
    config = StudyConfig(space=str(tmp_path / "small.yaml"), **limits, trials=4, sampler="random", accuracy="proxy")
    evaluator = make(config)
    monkeypatch.setattr(evaluate, "measure", lambda spec, settings: latency(clock["ms"](spec), clock["width"]))
    store = StudyStore.create(open_storage(str(tmp_path / "s.journal")), "s", config, {})
    enqueue(store, space, first_designs(space, config))
    made = Session(store, config, evaluator, Monitor())
    run_engine(made)
    return made


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [(10.0, 19.9, "complete"), (19.0, 21.0, "undecided"), (20.1, 30.0, "over_budget"), (4.0, 4.9, "over_budget")],
)
def test_a_verdict_is_of_the_whole_interval(low, high, state):
    found, why = verdict(
        {"low_ms": low, "high_ms": high, "median_ms": (low + high) / 2}, Budget.parse(latency="5ms..20ms")
    )
    assert found == state and bool(why) == (state != "complete")


def test_undecided_designs_fill_a_study_and_are_on_no_front(session):
    record = session.store.record()
    assert len(record.counted) == 4 and any(trial.state == "undecided" for trial in record.trials)
    assert {trial.state for trial in record.front} <= {"complete"}


def test_a_study_that_ends_times_undecided_designs_again(session, clock):
    undecided = {
        trial.number: clock["ms"](trial.spec) for trial in session.store.trials() if trial.state == "undecided"
    }
    too_slow = {number for number, ms in undecided.items() if ms > LIMIT}
    assert settle(session) == bool(too_slow) and len(clock["timed"]) == len(undecided)
    after = {trial.number: trial for trial in session.store.trials()}
    for number in undecided:
        assert after[number].state == ("over_budget" if number in too_slow else "complete")
    assert not settle(session) and len(clock["timed"]) == len(undecided)  # all are decided


def test_what_is_too_slow_when_timed_again_leaves_its_place(session, clock):
    while settle(session):
        run_engine(session)
    record = session.store.record()
    assert len(record.completed) == 4 and all(trial.latency_ms <= LIMIT for trial in record.completed)


def test_a_design_that_cannot_be_decided_stays_undecided(session, clock):
    clock["again"] = 0.5
    assert not settle(session)
    undecided = [trial for trial in session.store.trials() if trial.state == "undecided"]
    assert len(clock["timed"]) == (MOST_TIMES - 1) * len(undecided) > 0
    assert not settle(session) and len(clock["timed"]) == (MOST_TIMES - 1) * len(undecided)


def test_retiming_a_stored_study_says_what_came_of_it(session, clock, tmp_path):
    storage = str(tmp_path / "s.journal")
    unsure = [trial for trial in session.store.trials() if trial.state == "undecided" or trial.latency_doubt]
    found = retime_study("s", storage)
    assert [one.before.number for one in found] == [trial.number for trial in unsure]
    assert "undecided" in {one.to_json()["before"] for one in found}
    assert "undecided" not in {one.after.state for one in found}
    assert retime_study("s", storage) == []
    everything = retime_study("s", storage, everything=True)
    assert len(everything) == sum(trial.latency_ms is not None for trial in session.store.trials())
    with pytest.raises(InputError, match="but trial 99 of s was not"):
        retime_study("s", storage, numbers=[99])


def test_a_design_that_its_prediction_rejected_is_timed_where_its_number_is_given(session, clock, tmp_path):
    victim = next(trial for trial in session.store.trials() if trial.spec)
    session.store.study.enqueue_trial({})
    running = Queue(session.store).ask()
    why = "predicted, not measured: latency 30 ms outside ..20 ms"
    Queue(session.store).end(running, Trial(running.number, "over_budget", victim.spec, why))
    clock["ms"] = lambda spec: LIMIT / 2
    assert running.number not in [one.before.number for one in retime_study("s", str(tmp_path / "s.journal"))]
    (found,) = retime_study("s", str(tmp_path / "s.journal"), numbers=[running.number])
    assert (found.to_json()["before_ms"], found.after.latency_ms, found.after.state) == (None, LIMIT / 2, "undecided")
    assert rejected_unsure(session.store.trials()[running.number], session.config.limits)  # --resume takes it up


def test_latencies_of_two_machines_are_not_mixed(session, clock, tmp_path, monkeypatch):
    monkeypatch.setattr(retiming, "cpu", lambda: {"cpu": "another", "cores": 2, "flags": "x"})
    with pytest.raises(InputError, match=r"latencies are of one machine, but those of s are of .* is another"):
        retime_study("s", str(tmp_path / "s.journal"))
    assert not settle(session) and clock["timed"] == []  # what other machines timed is left to them


def test_a_study_that_is_timed_anew_on_another_machine_is_of_that_machine(session, clock, tmp_path, monkeypatch):
    session.store.set(peers=[{"name": "resnet18", "img_size": 64, "params": 1, "macs": 1, "why": "another machine"}])
    there = {"cpu": "another", "cores": 2, "flags": "x"}
    monkeypatch.setattr(retiming, "cpu", lambda: there)
    monkeypatch.setattr(retiming, "machine", lambda: there | {"host": "there", "date": "2026-12-01"})
    retime_study("s", str(tmp_path / "s.journal"), everything=True)
    record = session.store.record()
    assert retiming.other_machines(trial for trial in record.trials if trial.latency_ms is not None) == []
    assert retime_study("s", str(tmp_path / "s.journal")) == [] == record.peers
    assert machine_note(record) == "there, another, 2026-12-01"
    assert {trial.details["host"]["cpu"] for trial in record.completed} != {"another"}  # scores are of where they were


def test_a_design_that_an_unsure_number_rejected_is_run_again_and_a_sure_one_is_explained(session, monkeypatch):
    monkeypatch.setattr("vitspace.searching.join.open_evaluator", lambda *_: session.evaluator)
    store, victim = session.store, next(trial for trial in session.store.trials() if trial.spec)
    for width in (0.5, 0.1):
        store.study.enqueue_trial({})
        running = Queue(store).ask()
        ended = Trial(running.number, "over_budget", victim.spec, "too slow", latency_ms=25.0)
        Queue(store).end(running, replace(ended, latency=asdict(latency(25.0, width))))
    unsure, sure = store.trials()[-2:]
    again = rerun(store, unsure.number)
    assert (again["stored_score"], again["equal"], again["state"]) == (None, None, "over_budget")
    assert again["score"] == rerun(store, victim.number)["score"]
    with pytest.raises(InputError, match=r"is over_budget: too slow \(95 % interval 22\.5 to 27\.5 ms\)"):
        rerun(store, sure.number)


def test_a_design_that_an_unsure_number_rejected_is_taken_up(session, clock):
    store, config = session.store, session.config
    wide = asdict(latency(25.0, 0.5)) | {"doubt": "known to 50%"}
    victim = next(trial for trial in store.trials() if trial.counts)
    store.retime(replace(victim, state="over_budget", latency_ms=25.0, latency=wide))
    assert not rejected_unsure(victim, config.limits)  # it has a score
    rejected = Trial(9, "over_budget", victim.spec, latency_ms=25.0, latency=wide)
    assert rejected_unsure(rejected, config.limits)
    assert rejected_unsure(replace(rejected, latency={"doubt": "the machine was busy"}), config.limits)
    assert not rejected_unsure(replace(rejected, latency=asdict(latency(25.0, 0.1))), config.limits)


def test_designs_rejected_unsure_are_queued_again_as_far_as_there_are_places(session):
    store, space, notes = session.store, session.space, []
    wide = asdict(latency(25.0, 0.5))
    known = {trial.spec for trial in store.trials()}
    specs = [spec for spec in space.draw(12, "7M..9M", seed=3) if spec not in known][:2]
    for spec in specs:
        store.study.enqueue_trial(space.encode(spec))
        queue = Queue(store)
        running = queue.ask()
        queue.end(running, Trial(running.number, "over_budget", spec, latency_ms=25.0, latency=wide))
    more = session.config.model_copy(update={"trials": 5})
    take_up(store, more, notes.append)
    take_up(store, more, notes.append)  # what is queued already is not queued twice
    waiting = [space.decode(design_params(trial)) for trial in store.frozen(TrialState.WAITING)]
    assert waiting == specs[:1]
    assert notes == ["1 design was rejected on an unsure latency; --trials 6 re-evaluates them"] * 2
