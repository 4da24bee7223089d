"""vitspace.calibrate, with milliseconds made up from work in the place of a clock."""

import pytest

import vitspace
from vitspace.errors import InputError
from vitspace.latency import Latency
from vitspace.latency.calibration import calibration_path, load_calibration
from vitspace.latency.work import work
from vitspace.profile import measurements

SPACE = """
family: mat
axes:
  dim: {values: [24, 48], scale: [1, 2, 4, 8]}
  depth: {stages: [[1, 2], [1, 2], [1, 6], [1, 6]]}
  mixer: {stages: [[none], [none], [mat], [mat]]}
  heads: {stages: [[8], [8], [12], [24]], when: {mixer: [mat]}}
"""


@pytest.fixture(autouse=True)
def one_space(monkeypatch, tmp_path):
    """Calibrate on a small space of MAT's alone, with one of its anchors, in a cache of its own."""
    (tmp_path / "small.yaml").write_text(SPACE)
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    monkeypatch.setattr(measurements, "data_names", lambda folder: [str(tmp_path / "small.yaml")])


@pytest.fixture
def clock(monkeypatch):
    """Time designs by their work, each with an interval as wide as is set here."""
    told = {"spread": 1.0}

    def measure(spec, settings, again):
        ms = 1e-6 * float(work(spec, 224).sum())
        times = {
            "median_ms": ms,
            "p10_ms": ms,
            "p90_ms": ms,
            "low_ms": ms,
            "high_ms": ms * told["spread"],
            "measured_ms": ms,
        }
        steady = {"reference_ms": 15.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.0}
        return Latency(**times, **steady, backend="eager", runs=9, threads=1, batch=1, dtype="float32", host="here")

    monkeypatch.setattr(measurements, "measure", measure)
    return told


def test_a_calibration_is_kept_where_searches_find_it(clock):
    told = []

    def track(items, description):
        for item in items:
            yield item
            told.append(description)

    made = vitspace.calibrate(designs=10, track=track)["eager"]
    assert told == ["measuring on eager"] * len(made.samples) and len(made.samples) == 11
    assert load_calibration(calibration_path("eager")).samples == made.samples
    assert "all" in made.held_out


def test_a_calibration_keeps_what_was_measured_and_states_it_at_the_usual_speed(clock):
    made = vitspace.calibrate(designs=10)["eager"]
    corrected = [1e-6 * float(work(sample.spec, 224).sum()) for sample in made.samples]
    assert [sample.ms for sample in made.samples] == pytest.approx([1.5 * ms for ms in corrected])
    assert {sample.reference_ms for sample in made.samples} == {15.0}


def test_a_busy_machine_is_told(clock, caplog):
    clock["spread"] = 1.5
    vitspace.calibrate(designs=10)
    assert "designs were measured while the machine was busy or its speed changed" in caplog.text


def test_a_backend_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="a latency backend is one of eager, onnxruntime, openvino"):
        vitspace.calibrate(["tensorrt"])
