import fcntl
import math
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pytest
import torch

from vitspace.cache import cache_folder
from vitspace.doubt import doubt_of
from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.latency import Latency, LatencySettings, check_backend, measure, measure_again, measuring
from vitspace.latency.backends import prepare, version_of
from vitspace.latency.measuring import UNKNOWN_SHARE, _see, usual_ms
from vitspace.latency.protocol import TimedRounds
from vitspace.latency.timed import timed_at
from vitspace.machine.quiet import timing
from vitspace.measured import USUAL_SD
from vitspace.network import build
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
    assert result.reference_ms > 0 and result.runs >= 3 and result.threads == 1 and result.host


@pytest.fixture
def sure(monkeypatch):
    """However busy this machine is, no measurement is unsure."""
    monkeypatch.setattr("vitspace.measured.UNSURE", math.inf)


def test_a_measurement_is_made_once_for_a_spec_and_its_settings(monkeypatch, sure):
    first = measure(SPEC, QUICK)
    monkeypatch.setattr("vitspace.latency.measuring.measure_anew", forbid)
    assert measure(SPEC, QUICK).median_ms == pytest.approx(first.median_ms)
    with pytest.raises(AssertionError, match="measured again"):
        measure(SPEC, LatencySettings(runs=4, img_size=64))


@pytest.fixture
def latency():
    """A network of twice the reference's time, the reference at its usual speed."""
    times = {"median_ms": 20.0, "p10_ms": 19.0, "p90_ms": 21.0, "low_ms": 19.9, "high_ms": 20.1, "measured_ms": 24.0}
    known = {"reference_ms": 10.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.01}
    found = Latency(**times, **known, backend="eager", runs=9, threads=1, batch=1, dtype="float32", host="here")
    return found.at_usual(10.0)


def test_a_slower_machine_widens_the_interval_and_keeps_what_was_measured(latency):
    slow = replace(latency, reference_ms=15.0).at_usual(10.0)
    assert slow.median_ms == latency.median_ms == 20.0 and slow.measured_ms == 24.0
    assert slow.error > latency.error > 0 and slow.low_ms < latency.low_ms < 20.0 < latency.high_ms < slow.high_ms


def test_a_usual_time_known_better_restates_a_measurement(latency):
    restated = latency.at_usual(8.0)
    assert (restated.median_ms, restated.p10_ms, restated.p90_ms) == pytest.approx((16.0, 15.2, 16.8))
    assert restated.usual_ms == 8.0 and restated.error > latency.error
    assert restated.at_usual(10.0) == latency


def test_onnxruntime_repeats_less_well_than_pytorch(latency):
    for backend in ("onnxruntime", "onnxruntime-int8", "openvino"):
        assert replace(latency, backend=backend).at_usual(10.0).error > 1.3 * latency.error


def test_an_unsure_latency_is_measured_again_where_that_matters(monkeypatch, latency, tmp_path):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))  # what other tests measured says nothing of the usual time
    slow = replace(latency, reference_ms=20.0).at_usual(10.0)
    results = [slow, latency]
    monkeypatch.setattr("vitspace.latency.measuring.measure_anew", lambda *_: results.pop(0))
    settings = LatencySettings(runs=5, img_size=64)
    assert measure(SPEC, settings) == slow and measure(SPEC, settings, again=False) == slow
    assert measure(SPEC, settings) == measure(SPEC, settings) == latency
    assert not results


def test_an_unusable_cache_is_said_and_measured_around(monkeypatch, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path / "file"))
    assert measure(SPEC, QUICK).median_ms > 0
    assert "cannot be used" in caplog.text


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_a_backend_computes_what_eager_does(backend):
    try:
        check_backend(backend)
    except InputError as error:
        pytest.skip(str(error))
    thin = replace(SPEC, stages=tuple(stage.changed(depth=1) for stage in SPEC.stages))
    network, image = build(thin, 10, 64).eval(), torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        expected = network(image)
    out = prepare(backend, network, image, 1)()
    assert torch.allclose(torch.as_tensor(out[0]), expected, atol=1e-4)


def test_an_unknown_or_absent_backend_says_what_to_do(monkeypatch):
    known = "eager, onnxruntime, openvino, onnxruntime-int8, openvino-int8"
    with pytest.raises(InputError, match=f"one of {known}, but got 'tensorrt'"):
        check_backend("tensorrt")
    monkeypatch.setattr("vitspace.latency.backends.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs onnx, onnxscript, onnxruntime: pip install 'vitspace\[onnx\]'"):
        check_backend("onnxruntime")
    with pytest.raises(InputError, match=r"needs onnx, onnxscript, onnxruntime: pip install 'vitspace\[onnx\]'"):
        check_backend("onnxruntime-int8")
    monkeypatch.setattr("vitspace.latency.backends.find_spec", lambda name: None if name == "nncf" else name)
    with pytest.raises(InputError, match=r"'openvino-int8' needs nncf: pip install 'vitspace\[nncf\]'"):
        check_backend("openvino-int8")


@pytest.mark.parametrize(
    ("backend", "changed", "other"),
    [
        ("onnxruntime", "onnxruntime", True),
        ("openvino", "openvino", True),
        ("openvino-int8", "nncf", True),
        ("openvino", "nncf", False),
        ("eager", "openvino", False),
    ],
)
def test_timings_of_another_version_of_what_runs_them_are_not_read(monkeypatch, backend, changed, other):
    settings, versions = replace(QUICK, backend=backend), {}
    monkeypatch.setattr("vitspace.latency.backends.find_spec", lambda name: name)
    monkeypatch.setattr("vitspace.latency.backends.version_of", lambda name: versions.get(name, "1.0"))
    before = measuring.key_of(settings, network="a"), measuring.place_of(settings)
    versions[changed] = "2.0"
    after = measuring.key_of(settings, network="a"), measuring.place_of(settings)
    assert [one != another for one, another in zip(before, after, strict=True)] == [other, other]


def test_a_package_of_another_name_than_its_module_has_a_version():
    assert version_of("yaml").startswith("PyYAML ") and version_of("torch") == version("torch")


def test_the_usual_time_is_a_low_quantile_of_quiet_measurements_or_the_least_of_all(monkeypatch, tmp_path):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    assert usual_ms(QUICK) is None
    assert [_see(QUICK, ms, 0.5).ms for ms in (30.0, 20.0, 25.0)] == [30.0, 20.0, 20.0]
    assert [_see(QUICK, ms, 1.0).ms for ms in (11.0, 10.0, 12.0)] == pytest.approx([11.0, 10.1, 10.2])
    assert _see(QUICK, 15.0, 0.5).ms == usual_ms(QUICK) == pytest.approx(10.2)
    assert usual_ms(replace(QUICK, runs=20, precision=0.1)) == pytest.approx(10.2)
    assert usual_ms(replace(QUICK, batch=2)) is None


def test_a_busy_measurement_that_is_faster_than_quiet_ones_tells_of_the_usual_time(monkeypatch, tmp_path):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    assert [_see(QUICK, ms, share).ms for ms, share in ((55.0, 0.5), (62.0, 1.0))] == pytest.approx([55.0, 55.7])
    assert _see(QUICK, 70.0, 0.5).ms == pytest.approx(55.7)


def test_the_usual_time_is_unsure_until_the_machine_was_quiet(monkeypatch, tmp_path):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    shares = (0.4, 0.8, None, 0.94, 1.0, 0.1)
    unsure = [USUAL_SD * lacking for lacking in (0.6, 0.2, 0.2, 0.06, 0.0, 0.0)]
    assert [_see(QUICK, 10.0, share).sd for share in shares] == pytest.approx(unsure)
    assert _see(replace(QUICK, threads=2), 10.0, None).sd == USUAL_SD * (1 - UNKNOWN_SHARE)


def rounds(core_share, left=None):
    """Ten rounds of a network of twice the reference's 15 ms, on a machine so quiet."""
    times = np.tile([[15.0], [30.0]], 10)
    return TimedRounds(times, times, core_share, left)


@pytest.mark.parametrize(
    ("quiet", "busy"),
    [((1.0, None), (0.4, None)), ((1.0, 0.98), (1.0, 0.5)), ((0.98, None), (None, None)), ((None, 1.0), (None, 0.5))],
)
def test_a_first_measurement_on_a_busy_machine_is_unsure(monkeypatch, tmp_path, quiet, busy):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    early = measuring.summarise(rounds(*busy), QUICK)
    unknown = ", and what share of its cores it had is not known" if busy[0] is None else ""
    why = f"up to {early.error:.0%} too long: resnet18 was not timed here while nothing else ran{unknown}"
    assert doubt_of(early) == why and early.core_share == busy[0]
    assert not measuring.summarise(rounds(*quiet), QUICK).unsure
    assert not measuring.summarise(rounds(*busy), QUICK).unsure  # at a speed that is known


def test_an_early_measurement_is_sure_once_the_usual_time_is(monkeypatch, tmp_path):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    early = measuring.summarise(rounds(0.4), QUICK)
    measuring.retain("a design", early)
    assert measuring.recall("a design", QUICK) == early
    _see(QUICK, 14.5, 1.0)
    late = measuring.recall("a design", QUICK)
    assert late == early.at_usual(14.5) and late.median_ms == pytest.approx(29.0) and not late.unsure


def test_a_measurement_follows_what_is_learnt_of_the_usual_time(monkeypatch, latency, tmp_path):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    settings = LatencySettings(runs=5, img_size=96)
    monkeypatch.setattr("vitspace.latency.measuring.measure_anew", lambda *_: latency)
    assert measure(SPEC, settings) == latency
    _see(settings, 9.0, 1.0)
    assert measure(SPEC, settings, again=False) == latency.at_usual(9.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"precision": 0.0}, "precision is from 0.5% to 50%, such as 5%, but got 0"),
        ({"threads": 0}, "threads is at least 1, but got 0"),
        ({"dtype": "float99"}, "dtype of eager is one of float32, bfloat16, but got 'float99'"),
        ({"backend": "openvino-int8", "dtype": "bfloat16"}, "dtype of openvino-int8 is one of float32, but got"),
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


def test_a_network_that_is_measured_again_is_the_mean_of_both(monkeypatch, tmp_path):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    times = dict.fromkeys(("median_ms", "p10_ms", "p90_ms", "low_ms", "high_ms", "measured_ms"), 20.0)
    facts = {"reference_ms": 10.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.01, "host": "here"}
    one = Latency(**times, **facts, backend="eager", runs=9, threads=1, batch=1, dtype="float32")
    spec, settings, found = anchor("mat_1").spec, LatencySettings(), [one, replace(one, median_ms=22.05)]
    monkeypatch.setattr(measuring, "measure_anew", lambda *_: found.pop(0))
    assert measure_again(spec, settings).median_ms == 20.0
    again = measure_again(spec, settings)
    assert again.median_ms == pytest.approx(21.0, rel=1e-3)
    assert measuring.measure(spec, settings, again=False).median_ms == pytest.approx(again.median_ms)
    assert [row.ms for row in timed_at(measuring.place_of(settings))] == [again.median_ms]
