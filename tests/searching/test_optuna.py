import time
from dataclasses import replace

import pytest
import torch
from forks import FORKS
from optuna.trial import TrialState

from vitspace.errors import StudyFailedError
from vitspace.families import anchor
from vitspace.proxies import ProxyError
from vitspace.searching.claims import CLAIM
from vitspace.searching.engines import run_engine
from vitspace.searching.first import enqueue, first_designs
from vitspace.searching.queue import DEATHS, Queue, design_params
from vitspace.searching.reference import reference_point
from vitspace.searching.session import Session
from vitspace.searching.streaks import FAILURES, TOO_SLOW
from vitspace.study.config import StudyConfig
from vitspace.study.storage import RetryingStorage, open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

CONFIG = StudyConfig(accuracy="proxy", space="msg", budget="4G", trials=5, seed=7, sampler="random")


@pytest.fixture
def run(tmp_path, space, make_evaluator):
    """Run a study to its end, or go on with one; return its record."""

    def go(config=CONFIG, resume=False):
        storage = open_storage(str(tmp_path / "s.journal"))
        if resume:
            store = StudyStore.load(storage, "s")
        else:
            store = StudyStore.create(storage, "s", config, {})
            enqueue(store, space, first_designs(space, config))
        run_engine(Session(store, config, make_evaluator(config)))
        return store.record()

    return go


def scores(record):
    return [(t.spec.id, t.score) for t in record.completed]


def test_anchors_come_first_and_keep_their_name(run):
    record = run()
    assert record.trials[0].anchor == "msg_tiny" and record.trials[0].spec == anchor("msg_tiny").spec
    assert [t.number for t in record.anchors] == [0]
    assert len(record.completed) == 5


def test_ablation_rows_join_when_asked(run):
    record = run(CONFIG.model_copy(update={"ablations": True}))
    assert [t.anchor for t in record.anchors] == ["msg_tiny", "msg_scale_64"]


def test_no_design_is_evaluated_twice_and_all_fit(run):
    record = run(CONFIG.model_copy(update={"trials": 30}))
    assert len({t.spec.id for t in record.completed}) == 30
    assert all(t.macs <= 4e9 for t in record.completed)


def test_rejected_draws_are_kept_with_their_reason(run, proxy):
    record = run(CONFIG.model_copy(update={"trials": 14}))
    rejected = [t for t in record.trials if not t.complete]
    assert {t.state for t in rejected} <= {"invalid", "over_budget", "duplicate"}
    assert rejected and all(t.why for t in rejected)
    assert len(proxy.scored) == 14 + 1  # and the first design's second seed


def test_a_score_that_no_seed_decides_is_not_scored_again(run, proxy):
    proxy.rests_on = "shared weights"
    record = run(CONFIG.model_copy(update={"trials": 3}))
    assert [seed for _, seed in proxy.scored] == [7, 7, 7]
    assert record.reference["scores"] == [record.trials[0].score] and "noise" not in record.reference
    assert list(record.reference_point) == reference_point(record.trials[0], CONFIG, 3.0)


def test_every_trial_says_how_it_was_run_and_where(run, proxy, tmp_path):
    proxy.fail_on = {3: ProxyError("nan"), 4: KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG.model_copy(update={"trials": 3}))
    study = StudyStore.load(open_storage(str(tmp_path / "s.journal")), "s").study
    first, *_, last = (design_params(trial) for trial in study.trials)
    study.enqueue_trial(first)
    study.enqueue_trial(last, user_attrs={"deaths": DEATHS})
    record = run(CONFIG.model_copy(update={"trials": 3}), resume=True)
    assert {"complete", "duplicate", "failed", "pruned"} <= {t.state for t in record.trials}
    assert {t.seed for t in record.trials} == {7}
    for trial in record.trials:
        assert trial.details["host"]["host"] and {"command", "versions", "threads"} <= trial.details["run"].keys()


def test_the_same_seed_gives_the_same_designs_in_the_same_order(run, tmp_path):
    first = run(CONFIG.model_copy(update={"trials": 13, "sampler": "tpe"}))
    (tmp_path / "s.journal").unlink()
    assert scores(run(CONFIG.model_copy(update={"trials": 13, "sampler": "tpe"}))) == scores(first)


def test_a_resumed_study_is_topped_up(run):
    first = run()
    more = run(CONFIG.model_copy(update={"trials": 8}), resume=True)
    assert scores(more)[:5] == scores(first)
    assert len({t.spec.id for t in more.completed}) == 8


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ProxyError("the loss is nan after 10 steps"), "ProxyError: the loss is nan after 10 steps"),
        (torch.OutOfMemoryError("CUDA out of memory"), "OutOfMemoryError: CUDA out of memory"),
        (MemoryError(), "MemoryError: no message"),
        (RuntimeError("kernel failed\ntrace"), "RuntimeError: kernel failed"),
        (IndexError("out of range"), "IndexError: out of range"),
    ],
)
def test_a_failed_trial_is_recorded_and_the_study_goes_on(run, proxy, error, why):
    proxy.fail_on = {3: error}
    record = run()
    [failed] = [t for t in record.trials if t.state == "failed"]
    assert failed.why == why and failed.spec not in [t.spec for t in record.completed]
    assert len(record.completed) == 5


def test_a_study_whose_trials_all_fail_stops(run, proxy):
    proxy.fail_on = {n: ProxyError("always") for n in range(1, 100)}
    with pytest.raises(StudyFailedError, match=f"{FAILURES} trials in a row failed, the last with: ProxyError: always"):
        run()


def test_ctrl_c_queues_the_running_design_again(run, proxy):
    proxy.fail_on = {4: KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        run()
    interrupted = proxy.scored[-1][0]
    record = run(resume=True)
    assert interrupted in [t.spec for t in record.completed]
    assert len({t.spec for t in record.completed}) == len(record.completed) == 5


def test_a_latency_budget_rejects_before_the_proxy(run, proxy):
    record = run(CONFIG.model_copy(update={"latency": "20ms", "trials": 3}))
    assert all(t.latency_ms <= 20 for t in record.completed)
    slow = [t for t in record.trials if "latency" in t.why]
    assert slow and {t.state for t in slow} == {"over_budget"}
    assert not {t.spec for t in slow} & {spec for spec, _ in proxy.scored}


def test_the_first_design_calibrates_the_study(run):
    record = run()
    assert record.reference["name"] == "msg_tiny" and record.reference["chance_loss"] == 3.0
    assert record.reference["noise"] == pytest.approx(0.001 / 2**0.5)
    assert record.reference_point == (3.0, 4e9, pytest.approx(80.0))
    assert 0 < record.hypervolume < 1


# A study without a worst score: the reference lies beyond the first design, on whatever side of 0 its score is.
@pytest.mark.parametrize(("score", "expected"), [(-2.5, 5.0), (0.0, 1.0), (25e6, 0.0)])
def test_any_score_has_a_reference_point(score, expected):
    trial = Trial(0, "complete", macs=int(1e9), latency_ms=10.0, score=score)
    point = reference_point(trial, CONFIG, None)
    assert point[0] == expected and point[0] > -score


def test_positive_scores_have_a_hypervolume(run, proxy, monkeypatch):
    monkeypatch.setattr(proxy, "worst", None, raising=False)
    score = proxy.score
    monkeypatch.setattr(proxy, "score", lambda *args: replace(score(*args), value=score(*args).value + 100))
    assert 0 < run().hypervolume < 1


def test_a_timeout_starts_no_new_trial(run):
    assert run(CONFIG.model_copy(update={"timeout": 1e-9})).completed == []


@pytest.mark.parametrize("name", ["pareto", "tpe", "nsga2", "nsga3", "gp", "qmc", "random"])
def test_every_sampler_runs_past_its_startup(run, name):
    assert len(run(CONFIG.model_copy(update={"sampler": name, "trials": 12})).completed) == 12


def test_pareto_rejects_nothing(run):
    record = run(CONFIG.model_copy(update={"sampler": "pareto", "trials": 16}))
    assert [t.state for t in record.trials] == ["complete"] * 16


def hold(journal, held):
    """Start a trial, and never end it."""
    running = Queue(StudyStore.load(open_storage(journal), "s")).ask()
    running.suggest_categorical("dim", (32, 48, 64, 80, 96, 112, 128))
    held.set()
    time.sleep(60)


def test_a_killed_process_loses_and_repeats_nothing(run, tmp_path, proxy):
    first = run()
    store = StudyStore.load(open_storage(str(tmp_path / "s.journal")), "s")
    held = FORKS.Event()
    worker = FORKS.Process(target=hold, args=(str(tmp_path / "s.journal"), held))
    worker.start()
    assert held.wait(60) and Queue(store).sweep() == 0  # it lives
    worker.kill()
    worker.join()
    before = len(proxy.scored)
    record = run(CONFIG.model_copy(update={"trials": 7}), resume=True)
    assert scores(record)[:5] == scores(first)
    assert len({t.spec for t in record.completed}) == 7
    assert len(proxy.scored) == before + 2


def test_a_latency_budget_that_nothing_meets_stops_the_study(run, proxy):
    with pytest.raises(StudyFailedError, match=f"{TOO_SLOW} designs in a row were too slow, the last with: latency"):
        run(CONFIG.model_copy(update={"latency": "0.1ms", "trials": 3}))
    assert proxy.scored == []


def test_a_study_killed_before_its_calibration_is_calibrated_when_it_goes_on(run, proxy):
    proxy.fail_on = {2: KeyboardInterrupt()}  # the second seed of the first design
    with pytest.raises(KeyboardInterrupt):
        run()
    record = run(resume=True)
    assert record.reference["name"] == "msg_tiny" and len(record.reference["scores"]) == 2


def test_a_second_seed_that_fails_leaves_the_noise_unknown(run, proxy):
    proxy.fail_on = {2: ProxyError("nan")}
    record = run()
    assert record.reference["scores"] == [record.trials[0].score] and "noise" not in record.reference
    assert len(record.completed) == 5


def test_a_trial_that_is_taken_while_it_is_proposed_is_let_go(run, proxy, monkeypatch):
    taken = []

    def take(store, trial_id, key, value):
        if key == CLAIM and len(taken) < 2:
            taken.append(trial_id)
            store.inner.set_trial_state_values(trial_id, TrialState.FAIL)
        return store._ask("set_trial_system_attr", trial_id, key, value)

    monkeypatch.setattr(RetryingStorage, "set_trial_system_attr", take)
    record = run()
    assert len(taken) == 2 and len(record.completed) == 5 and len(proxy.scored) == 5 + 1
