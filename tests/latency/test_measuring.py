import fcntl
import math
from dataclasses import replace

import pytest
import torch

from vitspace.cache import cache_folder
from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.latency import Latency, LatencySettings, check_backend, measure
from vitspace.latency.backends import BACKENDS, prepare
from vitspace.latency.measuring import _usual
from vitspace.network import build
from vitspace.quiet import timing
from vitspace.space import load_space

QUICK = LatencySettings(runs=3, img_size=64)
MSG = load_space("msg")
SPEC = MSG.decode(MSG.choose(lambda variable: variable.values[0]))


def forbid(*_):
    raise AssertionError("measured again")


def test_a_measurement_has_ordered_percentiles_and_a_reference():
    result = measure(SPEC, QUICK)
    assert 0 < result.p10_ms <= result.median_ms <= result.p90_ms
    assert result.low_ms <= result.median_ms <= result.high_ms
    assert result.reference_ms > 0 and (result.runs, result.threads) == (3, 1) and result.host


@pytest.fixture
def quiet(monkeypatch):
    """However busy this machine is, no measurement is in doubt."""
    monkeypatch.setattr("vitspace.latency.measuring.DRIFT_LIMIT", math.inf)
    monkeypatch.setattr("vitspace.latency.measuring.BUSY_LIMIT", math.inf)
    monkeypatch.setattr("vitspace.latency.measuring.LEAST_SHARE", 0.0)


def test_a_measurement_is_made_once_for_a_spec_and_its_settings(monkeypatch, quiet):
    first = measure(SPEC, QUICK)
    monkeypatch.setattr("vitspace.latency.measuring.measure_anew", forbid)
    assert measure(SPEC, QUICK) == first
    with pytest.raises(AssertionError, match="measured again"):
        measure(SPEC, LatencySettings(runs=4, img_size=64))


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({}, ""),
        ({"drift": -0.06}, "the time of resnet18 changed by -6.0% meanwhile"),
        ({"core_share": 0.62}, "the machine was busy: other processes had 38% of this one's core"),
        ({"reference_ms": 15.0}, "the machine was busy: resnet18 took 15.0 ms, usually 10.0 ms"),
    ],
)
def test_a_machine_that_did_not_hold_still_is_named(quiet_latency, changes, doubt):
    assert replace(quiet_latency, **changes).doubt == doubt


def test_a_doubtful_measurement_is_said_and_made_again(monkeypatch, quiet_latency, caplog, tmp_path):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))  # what other tests measured says nothing of the usual speed
    results = [replace(quiet_latency, drift=0.2), quiet_latency]
    monkeypatch.setattr("vitspace.latency.measuring.measure_anew", lambda *_: results.pop(0))
    settings = LatencySettings(runs=5, img_size=64)
    assert measure(SPEC, settings).drift == measure(SPEC, settings, again=False).drift == 0.2
    assert "is unsure: the time of resnet18 changed by +20.0%" in caplog.text
    assert measure(SPEC, settings) == measure(SPEC, settings) == quiet_latency
    assert not results


def test_where_doubt_does_not_matter_it_is_not_said(monkeypatch, quiet_latency, caplog):
    monkeypatch.setattr("vitspace.latency.measuring.measure_anew", lambda *_: replace(quiet_latency, drift=0.2))
    assert measure(SPEC, LatencySettings(runs=7, img_size=64), again=False).doubt
    assert not caplog.text


@pytest.fixture
def quiet_latency():
    times = {"median_ms": 20.0, "p10_ms": 19.0, "p90_ms": 21.0, "low_ms": 19.9, "high_ms": 20.1}
    steady = {"reference_ms": 10.0, "usual_ms": 10.0, "drift": 0.0, "core_share": 1.0}
    return Latency(**times, **steady, backend="eager", runs=5, threads=1, batch=1, dtype="float32", host="here")


def test_an_unusable_cache_is_said_and_measured_around(monkeypatch, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path / "file"))
    assert measure(SPEC, QUICK).median_ms > 0
    assert "cannot be used" in caplog.text


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "eager"])
def test_a_backend_computes_what_eager_does(backend):
    try:
        check_backend(backend)
    except InputError as error:
        pytest.skip(str(error))
    network, image = build(anchor("msg_tiny").spec.rescaled(64 / 224), 10, 64).eval(), torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        expected = network(image)
    out = prepare(backend, network, image, 1)()
    assert torch.allclose(torch.as_tensor(out[0]), expected, atol=1e-4)


def test_an_unknown_or_absent_backend_says_what_to_do(monkeypatch):
    with pytest.raises(InputError, match="one of eager, onnxruntime, openvino, but got 'tensorrt'"):
        check_backend("tensorrt")
    monkeypatch.setattr("vitspace.latency.backends.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs onnx, onnxscript, onnxruntime: pip install 'vitspace\[onnx\]'"):
        check_backend("onnxruntime")


def test_a_machine_seen_faster_later_casts_doubt_on_what_was_measured_before(monkeypatch, quiet_latency):
    settings, runs = LatencySettings(runs=5, img_size=96), LatencySettings(runs=9, img_size=96)
    slow = replace(quiet_latency, reference_ms=30.0, usual_ms=30.0)
    monkeypatch.setattr("vitspace.latency.measuring.measure_anew", lambda *_: slow)
    assert measure(SPEC, settings) == measure(SPEC, settings) == slow and not slow.doubt
    assert _usual(runs, 10.0) == 10.0  # of other runs, since how often it is timed does not matter
    assert measure(SPEC, settings, again=False).doubt == "the machine was busy: resnet18 took 30.0 ms, usually 10.0 ms"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threads": 0}, "threads is at least 1, but got 0"),
        ({"dtype": "float99"}, "dtype of eager is one of float32, bfloat16, but got 'float99'"),
        ({"backend": "onnxruntime", "dtype": "bfloat16"}, "dtype of onnxruntime is one of float32, but got 'bfloat16'"),
    ],
)
def test_settings_that_cannot_be_timed_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        LatencySettings(**changes)


def test_processes_measure_one_after_the_other():
    with timing(), (cache_folder() / "timing.lock").open("a") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (cache_folder() / "timing.lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("name", ["msg_tiny", "emsnet_xxtiny", "mat_1", "partialformer_b0", "vt_r18", "transcnn_small"])
def test_every_family_runs_in_half_precision(name):
    with torch.inference_mode():
        out = build(anchor(name).spec, img_size=64).eval().bfloat16()(torch.zeros(1, 3, 64, 64, dtype=torch.bfloat16))
    assert out.dtype == torch.bfloat16 and out.isfinite().all()
