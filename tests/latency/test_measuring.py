import pytest
import torch

from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.latency import LatencySettings, check_backend, measure
from vitspace.latency.backends import BACKENDS, prepare
from vitspace.network import build
from vitspace.space import load_space

QUICK = LatencySettings(runs=3, img_size=64)
SPEC = load_space("msg").smallest


def forbid(*_):
    raise AssertionError("measured again")


def test_a_measurement_has_ordered_percentiles_and_a_reference():
    result = measure(SPEC, QUICK)
    assert 0 < result.p10_ms <= result.median_ms <= result.p90_ms
    assert result.low_ms <= result.median_ms <= result.high_ms
    assert result.reference_ms > 0 and (result.runs, result.threads) == (3, 1) and result.host


def test_a_measurement_is_made_once_for_a_spec_and_its_settings(monkeypatch):
    first = measure(SPEC, QUICK)
    monkeypatch.setattr("vitspace.latency.measuring._measure", forbid)
    assert measure(SPEC, QUICK) == first
    with pytest.raises(AssertionError, match="measured again"):
        measure(SPEC, LatencySettings(runs=4, img_size=64))


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
