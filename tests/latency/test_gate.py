import logging
import re
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from vitspace.budget import Budget
from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.latency import LatencySettings, gate
from vitspace.latency.counted import CountedLatency
from vitspace.latency.gate import MEASURED_ANYWAY, HostPredictor, predicted_violation
from vitspace.latency.measuring import UsualSpeed
from vitspace.latency.predictor import LatencyPrediction
from vitspace.searching.evaluate import Evaluator
from vitspace.space import load_space

SETTINGS = LatencySettings()


@pytest.fixture
def calibrated(calibration, monkeypatch):
    """This host has a calibration, all of whose errors are 10 %."""
    made = replace(calibration, held_out={name: replace(row, error=0.1) for name, row in calibration.held_out.items()})
    monkeypatch.setattr(gate, "usual_ms", lambda _: None)
    monkeypatch.setattr(gate, "usual_speed", lambda _: None)
    monkeypatch.setattr(
        gate, "_usable", lambda settings: HostPredictor(made, settings) if made.fits(settings) else None
    )
    return made


@pytest.fixture
def spec(samples):
    return next(s.spec for s in samples if int(s.spec.id, 16) % MEASURED_ANYWAY)


@pytest.mark.parametrize(
    ("low", "high", "rejected"),
    [(0, 0.95, False), (0, 0.9, True), (0, 1.0, False), (1.05, 9, False), (1.2, 9, True)],
)
def test_a_design_is_rejected_beyond_the_held_out_error(calibrated, spec, low, high, rejected):
    ms = calibrated.predict(spec).ms
    why = predicted_violation(spec, SETTINGS, Budget(latency_ms=(low * ms, high * ms)))
    assert bool(why) == rejected
    assert not why or why.startswith("predicted, not measured: latency ")


def test_a_budget_is_of_the_speed_that_this_host_usually_has(calibrated, spec, monkeypatch):
    ms, calibrated_at = calibrated.predict(spec).ms, calibrated.measured.reference_ms
    monkeypatch.setattr(gate, "usual_ms", lambda _: calibrated_at / 2)  # its calibration met the host at half its speed
    assert not predicted_violation(spec, SETTINGS, Budget(latency_ms=(0, 0.6 * ms)))
    why = predicted_violation(spec, SETTINGS, Budget(latency_ms=(0, 0.4 * ms)))
    assert (
        why.endswith(f"; {calibrated.predict(spec).at_speed(calibrated_at / 2)}") and f"latency {ms / 2:.4g}ms" in why
    )


def test_a_design_that_a_quiet_machine_may_run_in_time_is_not_rejected(calibrated, spec, monkeypatch):
    ms = calibrated.predict(spec).ms
    slow, fast = Budget(latency_ms=(0, 0.8 * ms)), Budget(latency_ms=(1.2 * ms, 9 * ms))
    assert predicted_violation(spec, SETTINGS, slow)
    monkeypatch.setattr(gate, "usual_speed", lambda _: UsualSpeed(50.0, 0.1))
    assert not predicted_violation(spec, SETTINGS, slow) and predicted_violation(spec, SETTINGS, fast)


def test_what_the_predictor_does_not_know_is_measured(calibrated, spec):
    tight = Budget(latency_ms=(0, 1e-6))
    assert predicted_violation(spec, SETTINGS, tight)
    assert not predicted_violation(spec, SETTINGS, Budget())
    assert not predicted_violation(spec, LatencySettings("openvino"), tight)
    assert not predicted_violation(spec, LatencySettings(threads=2), tight)
    outside = anchor("vt_r18").spec
    assert calibrated.predict(outside).outside and not predicted_violation(outside, SETTINGS, tight)


def test_one_in_eight_is_measured_whatever_is_predicted(calibrated, samples):
    measured = [not predicted_violation(s.spec, SETTINGS, Budget(latency_ms=(0, 1e-6))) for s in samples]
    assert 0 < sum(measured) < len(samples) / 4


def test_without_a_calibration_only_what_is_far_outside_is_rejected(monkeypatch, spec):
    monkeypatch.setattr(gate, "_usable", lambda settings: None)
    monkeypatch.setattr(gate, "usual_speed", lambda _: None)
    prediction = CountedLatency.here(SETTINGS).look_at(spec)
    inside, outside = (Budget(latency_ms=(0, share * prediction.ms / (1 + prediction.error))) for share in (1.05, 0.95))
    assert not predicted_violation(spec, SETTINGS, inside)
    assert "elsewhere" in predicted_violation(spec, SETTINGS, outside)
    assert not predicted_violation(spec, LatencySettings(threads=2), outside)


@dataclass
class Known:
    """A calibration by which a design takes up to 99 ms, as its id says; those above 90 are outside."""

    settings: LatencySettings = SETTINGS
    measured = SimpleNamespace(reference_ms=50.0)

    def fits(self, settings):
        return settings.img_size == 224

    def predict(self, spec):
        ms = int(spec.id, 16) % 100
        return LatencyPrediction(ms, 0.1, 1.0, 9, "all", "far too deep" if ms > 90 else "", 50.0)


def test_draws_are_within_a_latency_as_this_host_predicts_it(small, monkeypatch, caplog):
    monkeypatch.setattr("vitspace.latency.calibration.load_calibration", lambda path: Known())
    monkeypatch.setattr(gate, "usual_ms", lambda _: None)
    with caplog.at_level(logging.INFO):
        drawn = small.draw(20, "4G", latency="60ms..200ms")
    assert all(60 <= int(spec.id, 16) % 100 <= 90 for spec in drawn) and re.search(
        r"kept: predicted latency \(\d\.\d to 9\d\.0 ms\) ", caplog.text
    )
    small.resolution = 64
    with pytest.raises(InputError, match="224 pixels, but got 64"):
        small.draw(2, latency="60ms")


def test_draws_within_a_latency_need_a_calibration(monkeypatch, tmp_path):
    monkeypatch.setattr("vitspace.latency.calibration.calibration_path", lambda backend: tmp_path / f"{backend}.json")
    with pytest.raises(InputError, match=r"after `vitspace profile --calibrate`, but there is no predictor at .*eager"):
        load_space("msg").draw(2, latency="60ms")


def test_a_refused_calibration_is_said_once_and_what_is_counted_takes_its_place(monkeypatch, caplog, spec):
    def refuse(*_):
        raise InputError("of another host")

    monkeypatch.setattr("vitspace.latency.calibration.host_calibration", refuse)
    gate._usable.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert "from what is counted, within" in predicted_violation(spec, SETTINGS, Budget(latency_ms=(0, 1e-6)))
    gate._usable.cache_clear()
    assert caplog.text.count("the latency predictor of this host cannot be used: of another host") == 1


def test_a_study_rejects_early_and_reports_nothing_predicted(calibrated, spec, monkeypatch):
    monkeypatch.setattr("vitspace.searching.evaluate.measure", lambda *_: pytest.fail("measured"))
    evaluator = Evaluator(load_space(spec.family), Budget(latency_ms=(0, 1e-6)), proxy=None)
    trial = evaluator.evaluate(0, spec)
    assert (trial.state, trial.latency_ms, trial.score) == ("over_budget", None, None)
    assert "predicted, not measured" in trial.why and "held-out designs" in trial.why
