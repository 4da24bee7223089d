"""Searches for another device: latencies are predicted for it, and nothing is timed here."""

import pytest
from kits import import_device

from vitspace.errors import InputError
from vitspace.latency import LatencySettings
from vitspace.searching import evaluate
from vitspace.searching.checks import check_budget, check_same, made_of
from vitspace.searching.first import first_designs
from vitspace.searching.latency import budget_device, timing_of
from vitspace.searching.monitor import Monitor
from vitspace.searching.retiming import is_open
from vitspace.searching.session import open_evaluator
from vitspace.study.config import StudyConfig


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("devices")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITSPACE_DEVICES", str(folder / "devices"))
        yield import_device(folder)


@pytest.fixture
def evaluated(device, make_evaluator, space, monkeypatch):
    """Evaluate the smallest design within so many times its predicted milliseconds on the device."""
    prediction = device.predict(space.smallest)

    def refuse(*_):
        raise AssertionError("nothing is timed here")

    def run(times):
        evaluator = make_evaluator(StudyConfig(space="msg", accuracy="proxy", latency=f"pi5:{times * prediction.ms}ms"))
        monkeypatch.setattr(evaluate, "measure", refuse)
        return prediction, evaluator.evaluate(0, space.smallest)

    return run


def test_a_design_takes_its_predicted_milliseconds_with_their_interval(evaluated):
    prediction, trial = evaluated(9.0)
    assert trial.complete and trial.latency_ms == prediction.ms and not trial.latency_doubt
    assert trial.latency["device"] == "pi5"
    assert trial.latency["high_ms"] == pytest.approx(prediction.ms * (1 + prediction.error))
    assert "timed_seconds" not in trial.details


def test_a_design_whose_interval_is_over_the_budget_is_dropped_unscored(evaluated, proxy):
    prediction, _ = evaluated(9.0)
    proxy.scored.clear()
    _, trial = evaluated(0.9 / (1 + prediction.error))
    assert trial.state == "over_budget" and not proxy.scored
    assert trial.why.startswith("predicted, not measured: latency on pi5")


def test_between_the_prediction_decides_and_the_doubt_is_said(evaluated):
    _, over = evaluated(1 - prediction_error(evaluated) / 4)
    assert over.state == "undecided" and "on pi5 by prediction" in over.why and not is_open(over)
    _, within = evaluated(1 + prediction_error(evaluated) / 4)
    assert within.complete and "on pi5 by prediction, and the budget's limit is" in within.latency_doubt


def prediction_error(evaluated):
    return evaluated(9.0)[0].error


def test_a_study_is_chosen_by_the_device_s_milliseconds(device, space):
    config = StudyConfig(space="msg", budget="1G", latency="pi5:1000ms", anchors="none", trials=3)
    found = first_designs(space, config)
    assert found.screening["designs"] > 0 and len(found.designs) == 3


def test_a_budget_that_no_design_meets_names_the_device(device, space):
    with pytest.raises(InputError, match=r"takes .*ms on pi5, and the budget is latency on pi5 \.\.0\.1ms"):
        check_budget(space, StudyConfig(space="msg", latency="pi5:0.1ms"))


def test_an_unknown_device_is_refused_before_anything_is_stored(device):
    with pytest.raises(InputError, match=r"one of those imported \(pi5\), but got 'pi4'"):
        open_evaluator(StudyConfig(space="msg", latency="pi4:60ms", proxy="params"), "", Monitor())


def test_images_are_of_the_size_that_the_device_was_timed_at(device):
    limits = StudyConfig(space="msg", latency="pi5:60ms").limits
    with pytest.raises(
        InputError, match="latency on pi5 is predicted at the image size of its kit, 224 px, but got 192"
    ):
        budget_device(limits, 192)


def test_several_sizes_of_image_are_refused(device):
    with pytest.raises(
        InputError, match="pi5 is predicted at one image size, that of its kit, but got img_size 192,224"
    ):
        StudyConfig.of({"space": "msg", "latency": "pi5:60ms", "img_size": "192,224"})


def test_a_study_goes_on_with_the_device_it_was_made_for(device, make_evaluator):
    evaluator = make_evaluator(StudyConfig(space="msg", latency="pi5:60ms"))
    known = made_of(evaluator)
    check_same(known, evaluator)
    with pytest.raises(InputError, match="goes on with the device it was made of, but kit was"):
        check_same(known | {"device": known["device"] | {"kit": "another"}}, evaluator)


@pytest.mark.parametrize(
    "changed",
    [{"latency_backend": "onnxruntime"}, {"latency_threads": 2}, {"latency_batch": 8}, {"latency_precision": "5%"}],
)
def test_how_networks_are_timed_here_is_not_asked_of_a_device(changed):
    with pytest.raises(InputError, match="say how networks are timed here, and latency on pi5 is predicted"):
        StudyConfig.of({"space": "msg", "latency": "pi5:60ms", **changed})


def test_threads_and_batch_are_settings_of_a_study():
    settings = timing_of(StudyConfig(space="msg", latency_threads=2, latency_batch=8), 192)
    assert (settings.threads, settings.batch, settings.img_size) == (2, 8, 192)
    with pytest.raises(InputError, match="latency_threads"):
        StudyConfig.of({"space": "msg", "latency_threads": 0})


def test_how_well_latencies_are_to_be_known_is_a_setting_of_a_study():
    assert timing_of(StudyConfig(space="msg")).precision == LatencySettings().precision
    for given in ("5%", 0.05):
        config = StudyConfig.of({"space": "msg", "latency_precision": given})
        assert (config.latency_precision, timing_of(config).precision) == ("5%", 0.05)
    with pytest.raises(InputError, match=r"latency_precision: precision is from 0\.5% to 50%, such as 5%, but got '5'"):
        StudyConfig.of({"space": "msg", "latency_precision": 5})
