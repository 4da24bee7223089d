"""The predictor, on milliseconds made up from work."""

import time
from dataclasses import replace

import numpy as np
import pytest

from vitspace.families import anchor
from vitspace.latency.held_out import predict_held_out, worth
from vitspace.latency.predictor import Correction, _fit_process
from vitspace.latency.rates import Rates
from vitspace.latency.samples import Measured


@pytest.fixture(scope="module")
def measured(samples):
    return Measured.of(samples)


@pytest.fixture(scope="module")
def predicted(calibration):
    return np.array(calibration.predicted_ms)


def test_the_correction_is_the_mean_of_the_gaussian_process_and_far_away_that_of_its_values():
    rng = np.random.default_rng(0)
    features, values = rng.normal(size=(40, 5)), rng.normal(size=40) + 3.0
    correction, process = Correction(features, values), _fit_process(features, (values - values.mean()) / values.std())
    asked = rng.normal(size=(7, 5))
    assert correction(asked) == pytest.approx(values.mean() + values.std() * process.predict(asked))
    assert correction(asked + 1e6) == pytest.approx(values.mean())


def test_what_slows_the_machine_is_taken_out(measured, samples):
    assert measured.reference_ms == 15.0
    ratios = measured.ms / measured.raw_ms
    assert ratios == pytest.approx([1.5, 0.75] * (len(samples) // 2))


def test_a_latency_that_is_a_sum_over_work_is_found(measured, predicted):
    worths = worth(measured, predicted)
    assert worths["all"].designs == 50 and set(worths) == {"msg", "mat", "all"}
    assert worths["all"].within_10 >= 0.9 and worths["all"].tau > 0.95
    assert np.median(np.abs(predicted / measured.ms - 1)) == pytest.approx(worths["all"].median_error)


def test_the_error_stated_covers_95_percent_of_what_was_measured(measured, predicted):
    errors = np.abs(predicted / measured.ms - 1)
    stated = worth(measured, predicted)["all"].error
    assert (errors <= stated).mean() >= 0.95 > (errors < stated).mean()


def test_a_design_is_held_out_of_its_own_prediction(measured):
    fitted, measured = [], replace(measured, raw_ms=np.arange(len(measured)) + 1.0)

    def fit(part):
        fitted.append(part.raw_ms)
        return lambda work: np.full(len(work), len(fitted), float)

    predicted = predict_held_out(measured, fit)
    for i, ms in enumerate(measured.raw_ms):
        assert ms not in fitted[int(predicted[i]) - 1]


def test_no_rate_is_negative(measured):
    assert (Rates(measured.work, measured.ms).rates >= 0).all()


def test_a_design_beyond_what_was_measured_is_told(calibration, samples):
    predictor = calibration.predictor
    assert not any(predictor.look_at(sample.spec)[1] for sample in samples)
    spec = samples[0].spec
    deeper = replace(spec, stages=(*spec.stages[:3], spec.stages[3].changed(depth=60)))
    assert "is for more work than any measured design has: " in predictor.look_at(deeper)[1]
    assert predictor.look_at(anchor("emsnet_tiny").spec)[1].startswith("no measured design has ")


def test_many_designs_are_predicted_at_once_as_one_by_one(calibration, samples):
    predictor, specs = calibration.predictor, [sample.spec for sample in samples]
    start = time.perf_counter()
    together = predictor.predict(specs)
    print(f"{1e6 * (time.perf_counter() - start) / len(specs):.0f} us a design")
    assert together[:3] == pytest.approx([predictor.predict([spec])[0] for spec in specs[:3]])
