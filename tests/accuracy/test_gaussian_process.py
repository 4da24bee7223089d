import numpy as np
import pytest

from vitspace.accuracy.process import UNKNOWN, Inputs, Process, Scales

SCALES = Scales(0.1, 0.05, 0.05, 0.02, 0.07, 0.05, bend=0.1, length=2.0)


@pytest.fixture(scope="module")
def process():
    rng = np.random.default_rng(0)
    inputs = Inputs(rng.normal(size=(40, 4)), rng.integers(0, 3, 40), rng.integers(0, 6, 40))
    return Process(SCALES, inputs, 3 + 0.1 * inputs.features[:, 0] + 0.05 * rng.normal(size=40))


def test_rows_left_out_in_closed_form_are_those_of_a_fit_without_them(process):
    inputs, out = process.inputs, process.inputs.families == 2
    kept = Inputs(*(column[~out] for column in inputs))
    again = Process(SCALES, kept, process.log_errors[~out])
    again.mean, again.sd = process.mean, process.sd
    covariance = again.covariance(kept, kept) + (SCALES.noise**2 + 1e-8) * np.eye(len(kept.families))
    again.inverse = np.linalg.inv(covariance)
    again.weights = again.inverse @ again.log_errors
    mean, covariance = again.predict(Inputs(*(column[out] for column in inputs)))
    closed, variance = process.left_out(inputs.families)
    np.testing.assert_allclose(closed[out], mean, atol=1e-6)
    np.testing.assert_allclose(variance[out], np.diag(covariance), rtol=1e-4)


def test_what_two_designs_share_leaves_their_difference(process):
    one = process.inputs.features[:1]
    twins = Inputs(np.vstack([one, one]), np.array([0, 0]), np.array([2, 2]))
    _, covariance = process.predict(twins)
    difference = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert difference == pytest.approx(2 * SCALES.noise**2, rel=1e-3)


def test_an_unknown_family_is_less_sure(process):
    one = process.inputs.features[:1]
    known = process.predict(Inputs(one, np.array([0]), process.inputs.families[:1]))[1]
    unknown = process.predict(Inputs(one, np.array([0]), np.array([UNKNOWN])))[1]
    assert unknown[0, 0] > known[0, 0]
