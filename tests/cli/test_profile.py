"""vitspace profile as a user runs it: what it prints, and what it says of bad input."""

import json
import sys
from dataclasses import dataclass, replace

import pytest
import torch

from vitspace.cli import main
from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.latency import Latency, LatencySettings
from vitspace.latency.calibration import Calibration, calibration_path, host_calibration
from vitspace.latency.samples import Sample
from vitspace.latency.work import work
from vitspace.profile.memory import PeakMemory
from vitspace.profile.request import ProfileRequest, profile_all
from vitspace.space import load_space

MAT = """
family: mat
axes:
  dim: {values: [32, 64], scale: [1, 2, 4, 8]}
  depth: {each: [1, 2]}
  mixer: [none, window]
  heads: [4]
"""
SMALL = ["mat_1", "--img-size", "64"]
TIMES = {"median_ms": 20.0, "p10_ms": 19.0, "p90_ms": 21.0, "low_ms": 19.9, "high_ms": 20.1, "measured_ms": 24.0}
STEADY = {"reference_ms": 10.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.01}
QUIET = Latency(**TIMES, **STEADY, backend="eager", runs=5, threads=1, batch=1, dtype="float32", host="here")


@dataclass(frozen=True)
class Done:
    stdout: str
    stderr: str


@pytest.fixture
def profile(monkeypatch, capsys, tmp_path):
    """Run `vitspace profile` here, in an empty folder, on one measurement; memory's own process is left out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("vitspace.profile.parts.peak_memory", lambda *_: PeakMemory(100.0, 110.0, 130.0))
    monkeypatch.setattr("vitspace.profile.parts.measure", lambda *_: QUIET)

    def run(*args, code=0):
        monkeypatch.setattr(sys, "argv", ["vitspace", "profile", *args])
        with pytest.raises(SystemExit) as exit:
            main()
        done = Done(*capsys.readouterr())
        assert (exit.value.code or 0) == code, done.stderr
        return done

    return run


def error(done):
    """The one line that says what is wrong."""
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in done.stderr and done.stdout == ""
    return line


@pytest.fixture(scope="module")
def calibration(tmp_path_factory):
    """A calibration at 64 pixels whose milliseconds are made up from work."""
    path = tmp_path_factory.mktemp("space") / "mat.yaml"
    path.write_text(MAT)
    specs = load_space(str(path)).draw(20, seed=1)
    samples = [Sample(spec, 1e-6 * work(spec, 64).sum(), 10.0) for spec in specs]
    return Calibration.of(samples, LatencySettings(img_size=64, runs=9), 1.0)


@pytest.fixture
def file(calibration, tmp_path):
    calibration.save(tmp_path / "mine.json")
    return tmp_path / "mine.json"


def test_a_prediction_is_printed_with_its_held_out_error(profile, file, calibration):
    data = json.loads(profile(*SMALL, "--predictor", str(file), "--json").stdout)
    [row] = data["latency"]
    assert row["predicted_ms"] == row["prediction"]["ms"] > 0
    assert row["prediction"]["error"] == calibration.held_out["mat"].error
    assert {"outside", "designs", "family", "within_10"} <= set(row["prediction"])


def test_a_prediction_outside_what_was_measured_says_so(profile, file, tmp_path):
    spec = anchor("partialformer_b0").spec
    shallow = replace(spec, stages=tuple(stage.changed(depth=1) for stage in spec.stages))
    (tmp_path / "other.json").write_text(shallow.to_json())
    done = profile("other.json", "--img-size", "64", "--predictor", str(file))
    assert "OUTSIDE its range: no measured design has" in done.stdout
    assert "held-out designs (all)" in done.stdout


def test_a_predictor_of_another_host_is_refused_unless_told(profile, calibration, tmp_path):
    replace(calibration, host=calibration.host | {"host": "elsewhere"}).save(tmp_path / "other.json")
    refused = error(profile(*SMALL, "--predictor", "other.json", code=2))
    assert "is of host 'elsewhere', and here it is" in refused and "--any-host" in refused
    done = profile(*SMALL, "--predictor", "other.json", "--any-host", "--json")
    assert json.loads(done.stdout)["latency"][0]["predicted_ms"] > 0


def test_this_hosts_own_of_another_version_is_refused_too(profile, calibration, tmp_path, monkeypatch):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    host_calibration.cache_clear()
    replace(calibration, host=calibration.host | {"torch": "1.0"}).save(calibration_path("eager"))
    assert "is of torch '1.0'" in error(profile(*SMALL, code=2))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["mat_1", "--predictor", "damaged.json"], "damaged.json is not a calibration: Expecting"),
        (
            ["mat_1", "--predictor", "none.json"],
            "--calibrate`, but there is no predictor at none",
        ),
        (["bad.json"], "stage 3: "),
        (["unread.json"], "a spec is JSON, but line 1 is not"),
        (["mat_1", "--backend", "tensorrt"], "a latency backend is one of eager, onnxruntime, openvino"),
        (["mat_1", "--dtype", "float16"], "dtype of eager is one of float32, bfloat16, but got 'float16'"),
        (["mat_1", "--backend", "onnxruntime", "--dtype", "bfloat16"], "dtype of onnxruntime is one of float32, but"),
        (["mat_1", "--device", "cuda", "--dtype", "int8"], "dtype of cuda is one of float32, float16, bfloat16, but"),
        (["mat_1", "--precision", "0.1%"], "precision is from 0.5% to 50%, such as 5%, but got '0.1%'"),
        (["mat_1", "--device", "tpu"], "device is one of cpu, cuda, but got 'tpu'"),
        (["mat_1", "--device", "cuda", "--backend", "onnxruntime"], "on cuda the backend is eager"),
        (["mat_1", "--out", "/proc/none"], "a report needs a folder that can be written"),
        ([], "needs a design"),
    ],
)
def test_bad_input_is_one_line(profile, tmp_path, args, message):
    (tmp_path / "damaged.json").write_text("{")
    (tmp_path / "unread.json").write_text("{")
    data = anchor("mat_1").spec.to_dict()
    data["stages"][2]["heads"] = 7
    (tmp_path / "bad.json").write_text(json.dumps(data))
    assert message in error(profile(*args, code=2))


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch sees a GPU here")
def test_cuda_without_a_gpu_is_one_line(profile):
    message = error(profile("mat_1", "--device", "cuda", code=2))
    assert "device 'cuda' needs an NVIDIA GPU" in message and "take 'cpu'" in message


def test_a_backend_that_is_not_installed_is_said_before_anything_runs(monkeypatch):
    monkeypatch.setattr("vitspace.latency.backends.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs onnx, onnxscript, onnxruntime: pip install 'vitspace\[onnx\]'"):
        profile_all(ProfileRequest(["mat_1"], ["onnxruntime"]))


def test_half_precision_is_timed_part_by_part_too(profile):
    done = json.loads(profile(*SMALL, "--dtype", "bfloat16", "--json").stdout)
    assert done["parts_on"] == "one thread, batch 1, bfloat16" and all(part["ms"] != 0 for part in done["parts"])


def test_runs_are_added_until_the_precision_that_is_asked(profile, monkeypatch):
    asked = []
    monkeypatch.setattr("vitspace.profile.parts.measure", lambda spec, settings: asked.append(settings) or QUIET)
    assert "5 runs that tell it to 2.0%" in profile(*SMALL, "--precision", "5%").stdout
    assert asked[0].precision == 0.05


def test_a_precision_that_is_not_reached_is_said(profile, monkeypatch):
    missed = replace(QUIET, precision=0.01)
    monkeypatch.setattr("vitspace.profile.parts.measure", lambda *_: missed)
    done = profile(*SMALL, "--precision", "1%")
    assert "its runs tell it to 1.98% and not to 1%" in done.stdout and "the latency of mat_1: its runs" in done.stderr
    [row] = json.loads(profile(*SMALL, "--precision", "1%", "--json").stdout)["latency"]
    assert (row["precision"], row["runs_error"]) == (0.01, missed.runs_error) and "not to 1%" in row["shortfall"]


def test_several_designs_are_rows_of_one_table_and_one_list(profile, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "spec.json").write_text(anchor("mat_1").spec.to_json())
    designs = ["mat_1", "a/spec.json", "b/spec.json", "mat_1"]
    done = profile(*designs, "--img-size", "64")
    rows = [line.split() for line in done.stdout.splitlines() if " 19.9 to 20.1 " in line]
    assert [row[0] for row in rows] == ["mat_1", "a/spec", "b/spec"] and "profiling 3 designs" in done.stderr
    assert rows[1][1:] == rows[2][1:]
    assert [path.parent.name for path in sorted((tmp_path / "reports").rglob("profile.png"))] == [
        *("profile-a-spec", "profile-b-spec", "profile-mat_1")
    ]
    listed = json.loads(profile(*designs, "--img-size", "64", "--json").stdout)
    assert [each["name"] for each in listed] == ["mat_1", "a/spec", "b/spec"]
    assert listed[0].keys() == json.loads(profile(*SMALL, "--json").stdout).keys()


def test_all_designs_are_read_before_the_first_is_timed(profile, monkeypatch):
    monkeypatch.setattr("vitspace.profile.parts.measure", lambda *_: pytest.fail("timed"))
    assert "mat_9" in error(profile("mat_1", "mat_9", code=2))


def test_a_noisy_machine_is_marked(profile, monkeypatch):
    monkeypatch.setattr("vitspace.profile.parts.measure", lambda *_: replace(QUIET, reference_ms=15.0).at_usual(10.0))
    said = profile(*SMALL).stdout
    assert "unsure: known to 32%: resnet18 took 15.0 ms, usually 10.0 ms" in said
    assert "an unsure latency is sure once this command has measured it again on a quiet machine" in said
    [row] = json.loads(profile(*SMALL, "--json").stdout)["latency"]
    assert row["doubt"] == "known to 32%: resnet18 took 15.0 ms, usually 10.0 ms"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--calibrate", "--threads", "2"], "on the CPU, but got --threads beside it"),
        (["--calibrate", "--precision", "5%"], "on the CPU, but got --precision beside it"),
        (["mat_1", "--designs", "8"], "designs are measured with --calibrate, but got --designs beside it"),
        (["mat_1", "--calibrate", "--img-size", "64"], "but got a design, --img-size beside it"),
        (["mat_1", "mat_2", "--audit"], "an audit is of one design, but got 2"),
        (["mat_1", "--device", "cuda", "--threads", "2", "--any-host"], "but got --threads, --any-host beside it"),
    ],
)
def test_options_that_would_be_ignored_are_refused(profile, args, message):
    assert message in error(profile(*args, code=2))


DENSE = ["mat_1", "--task", "semantic-fpn", "--img-size", "64x96"]


def test_a_dense_task_is_profiled_whole_by_sections(profile):
    shown = profile(*DENSE).stdout
    assert "mat_1 for semantic-fpn at 64x96 px, 150 classes: 9," in shown
    assert "timed: the whole network, backbone, neck and head" in shown
    names = [line.split()[0] for line in shown.splitlines() if line.startswith((" backbone", " neck", " head"))]
    assert names == ["neck", "backbone", "neck", "head"]


def test_a_dense_task_prints_one_document(profile):
    data = json.loads(profile(*DENSE, "--json").stdout)
    assert data["task"] == "semantic-fpn" and data["img_size"] == [64, 96]
    assert sum(section["macs"] for section in data["sections"]) == data["macs"]


def test_a_dense_task_is_at_its_own_size_unless_one_is_given(profile):
    data = json.loads(profile("mat_1", "--task", "simple-baseline", "--json").stdout)
    assert (data["img_size"], data["num_classes"]) == ([256, 192], 17)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--task", "semantic_fpn"], "did you mean semantic-fpn"),
        (["--task", "semantic-fpn", "--audit"], "counted by our counter and timed on the CPU"),
        (["--task", "semantic-fpn", "--device", "cuda"], "counted by our counter and timed on the CPU"),
        (["--task", "retinanet", "--backend", "onnxruntime"], "backend eager in float32, but got onnxruntime"),
    ],
)
def test_what_a_dense_task_does_not_take_is_refused(profile, given, message):
    assert message in error(profile("mat_1", *given, code=2))
