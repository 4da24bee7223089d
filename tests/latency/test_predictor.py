"""The predictor, on milliseconds made up from work, so that no clock decides a test."""

import numpy as np
import pytest

from vitspace.costs import cost
from vitspace.costs.counter import WORK
from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.latency.predictor import Predictor, Sample, held_out, load_samples, save_samples
from vitspace.space import load_space

RATES = {"linear_macs": 2e-8, "pointwise_macs": 3e-8, "map_moved": 4e-7, "operations": 5e-3}


def milliseconds(spec):
    work = dict(zip(WORK, cost(spec).work(), strict=True))
    return sum(rate * work[name] for name, rate in RATES.items())


@pytest.fixture(scope="module")
def samples():
    specs = [spec for name in ("msg", "mat") for spec in load_space(name).draw(25, "4G", seed=1)]
    return [Sample(spec, spec.family, milliseconds(spec)) for spec in specs]


def test_a_latency_that_is_a_sum_over_work_is_found(samples):
    worth, predicted = held_out(samples)
    assert worth["all"].designs == 50 and set(worth) == {"msg", "mat", "all"}
    assert worth["all"].within_10 >= 0.9 and worth["all"].tau > 0.95
    assert np.median(np.abs(predicted / [s.ms for s in samples] - 1)) == pytest.approx(worth["all"].median_error)


def test_a_design_beyond_what_was_measured_is_told(samples):
    predictor = Predictor(samples)
    assert not predictor.outside(samples[0].spec)
    assert predictor.outside(anchor("msg_base").spec)


def test_samples_are_kept_for_their_host(samples, tmp_path, monkeypatch):
    path = tmp_path / "c.json"
    save_samples(samples, path, "eager", 224)
    loaded, about = load_samples(path)
    assert loaded == samples and about["backend"] == "eager"
    monkeypatch.setattr("vitspace.latency.predictor.fingerprint", lambda: {"host": "elsewhere"})
    with pytest.raises(InputError, match="a predictor is this host's"):
        load_samples(path)
    assert load_samples(path, any_host=True)[0] == samples


@pytest.mark.parametrize("text", ["", "{}", '{"samples": [{}]}'])
def test_a_damaged_or_missing_file_says_so(tmp_path, text):
    with pytest.raises(InputError, match="there is none at"):
        load_samples(tmp_path / "none.json")
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(InputError, match="not a calibration"):
        load_samples(tmp_path / "c.json")
