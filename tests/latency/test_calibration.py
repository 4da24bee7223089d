import json

import pytest

from vitspace.errors import InputError
from vitspace.latency import LatencySettings
from vitspace.latency.calibration import calibration_path, host_calibration, load_calibration


@pytest.fixture
def path(calibration, tmp_path):
    calibration.save(tmp_path / "c.json")
    return tmp_path / "c.json"


def test_a_calibration_is_kept_with_what_it_is_worth(calibration, path):
    loaded = load_calibration(path)
    assert loaded == calibration and loaded.minutes == 3.5
    assert loaded.held_out["all"].designs == len(loaded.samples) == len(loaded.predicted_ms)


def test_a_prediction_states_the_error_of_its_family(calibration):
    spec = calibration.samples[0].spec
    prediction = calibration.predict(spec)
    known = calibration.held_out[spec.family]
    assert (prediction.family, prediction.error, prediction.designs) == (spec.family, known.error, 25)
    assert f"95 % of 25 held-out designs ({spec.family}) are within {known.error:.0%}" in str(prediction)


@pytest.mark.parametrize("key", ["host", "torch", "vitspace"])
def test_another_hosts_or_versions_is_refused_unless_told(path, key):
    data = json.loads(path.read_text())
    data["host"][key] = "elsewhere"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=f"is of {key} 'elsewhere', and here it is '.*--calibrate.*--any-host"):
        load_calibration(path)
    assert load_calibration(path, any_host=True).host[key] == "elsewhere"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value"),
        ("[]", "not a calibration"),
        ("{}", "key 'format' is missing"),
        ('{"format": 1, "samples": []}', "its format is 1, and this version reads 3"),
        ('{"format": 3, "samples": [{}]}', "is missing"),
    ],
)
def test_a_damaged_file_says_so_and_what_to_do(tmp_path, text, message):
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_calibration(tmp_path / "c.json")
    assert "make it anew by `vitspace profile --calibrate`" in str(caught.value)


def test_a_missing_file_says_how_it_is_made(tmp_path):
    with pytest.raises(
        InputError, match="predicted after `vitspace profile --calibrate`, but there is no predictor at"
    ):
        load_calibration(tmp_path / "none.json")


def test_it_holds_for_its_settings_whatever_the_number_of_runs(calibration):
    assert calibration.fits(LatencySettings(runs=25))
    assert not calibration.fits(LatencySettings("onnxruntime"))
    assert not calibration.fits(LatencySettings(img_size=256))


def test_this_hosts_own_is_found_by_backend(calibration, tmp_path, monkeypatch):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    host_calibration.cache_clear()
    calibration.save(calibration_path("eager"))
    assert host_calibration("eager") == calibration and host_calibration("onnxruntime") is None
    host_calibration.cache_clear()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("ms", 1e-300, "ms is a number from 0.0001 to 600000"),
        ("ms", 1e300, "ms is a number from"),
        ("ms", True, "ms is a number from"),
        ("reference_ms", float("nan"), "reference_ms is a number from"),
        ("predicted_ms", float("inf"), "predicted_ms are finite"),
        ("spec", {"x" * 10_000: 1}, "is not a calibration"),
        ("spec", "x", "is not a calibration"),
    ],
)
def test_a_number_that_cannot_be_is_refused_where_it_is_read_in_few_words(path, key, value, words):
    data = json.loads(path.read_text())
    data["samples"][3][key] = value
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=words) as raised:
        load_calibration(path)
    assert len(str(raised.value)) - len(str(path)) < 300


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [("all", "error", -1), ("all", "error", float("inf")), ("all", "designs", 0), ("msg", "within_10", 7)],
)
def test_errors_that_cannot_be_are_refused_by_name(path, part, key, value):
    data = json.loads(path.read_text())
    data["held_out"][part][key] = value
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=rf"held_out\.{key} is .*, but got"):
        load_calibration(path)
