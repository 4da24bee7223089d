import json

import numpy as np
import pytest
import torch

from vitspace.latency import Latency
from vitspace.proxies import Score
from vitspace.searching import evaluate
from vitspace.study.config import StudyConfig


@pytest.fixture
def timed(make_evaluator, monkeypatch, space):
    """Evaluate a design within 40 ms whose latency is measured as given."""
    evaluator = make_evaluator(StudyConfig(accuracy="proxy", space="msg", latency="40ms"))

    def run(ms, low, high, number=0, anchor=None):
        times = {"median_ms": ms, "p10_ms": ms, "p90_ms": ms, "low_ms": low, "high_ms": high, "measured_ms": 3 * ms}
        known = {"reference_ms": 10.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.0}
        settings = {"backend": "eager", "runs": 9, "threads": 1, "batch": 1, "dtype": "float32", "host": "here"}
        monkeypatch.setattr(evaluate, "measure", lambda *_: Latency(**times, **known, **settings))
        return evaluator.evaluate(number, space.smallest, anchor)

    return run


@pytest.mark.parametrize(("low", "high", "state"), [(41.0, 49.0, "over_budget"), (39.0, 51.0, "undecided")])
def test_a_design_is_over_its_latency_budget_only_where_all_of_its_interval_is(timed, low, high, state):
    trial = timed(45.0, low, high)
    assert (trial.state, trial.latency_ms) == (state, 45.0)


def test_an_undecided_design_is_scored_and_says_why(timed):
    trial = timed(38.0, 35.0, 41.0)
    assert trial.score is not None and trial.counts and not trial.complete
    assert trial.why == "it takes between 35.0 and 41.0 ms, and the budget's limit is 40 ms"
    assert timed(30.0, 29.0, 31.0).complete


@pytest.mark.parametrize(("anchor", "name"), [("msg_tiny", "MSG-T"), (None, "design 7")])
def test_an_unsure_latency_is_told_of_the_design_that_it_is_of(timed, caplog, anchor, name):
    timed(30.0, 20.0, 39.0, number=7, anchor=anchor)
    assert [message.partition(": ")[0] for message in caplog.messages] == [f"the latency of {name} is unsure"]


@pytest.mark.parametrize(
    ("value", "details", "stored"),
    [
        (np.float32(-1.5), {"count": np.int64(3), "losses": np.array([1.0, 2.0])}, {"count": 3, "losses": [1.0, 2.0]}),
        (torch.tensor(-1.5), {"loss": torch.tensor(0.5), "nan": float("nan")}, {"loss": 0.5, "nan": None}),
    ],
)
def test_scores_of_numpy_and_torch_are_stored_as_numbers(make_evaluator, space, proxy, value, details, stored):
    proxy.score = lambda spec, seed, on_step=None: Score(value, np.float64(0.1), details)
    trial = make_evaluator(StudyConfig(accuracy="proxy", space="msg")).evaluate(0, space.smallest)
    assert (trial.state, trial.score, type(trial.score)) == ("complete", -1.5, float)
    assert trial.details | stored | {"proxy_seconds": 0.1} == trial.details
    json.dumps(trial.details)


def test_what_json_cannot_hold_fails_the_trial_and_not_the_search(make_evaluator, space, proxy):
    proxy.score = lambda spec, seed, on_step=None: Score(1.0, 0.1, {"what": object()})
    trial = make_evaluator(StudyConfig(accuracy="proxy", space="msg")).evaluate(0, space.smallest)
    assert trial.state == "failed" and "not JSON serializable" in trial.why
