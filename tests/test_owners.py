"""What takes long and writes into a folder, or a calibration, is begun by one process at a time."""

from types import SimpleNamespace

import pytest

import vitspace
from vitspace.analysis.axes import space_axes
from vitspace.analysis.spaces import compare_spaces
from vitspace.anchors import assemble
from vitspace.design import Design
from vitspace.errors import InputError
from vitspace.export.folder import export_folder
from vitspace.export.model import ExportedModel
from vitspace.families import FAMILIES  # noqa: F401 (registers the families)
from vitspace.fidelity.judging import measure_and_judge
from vitspace.folders import owned, owning
from vitspace.latency.calibration import calibration_path
from vitspace.profile import calibrate
from vitspace.report import folder as report_folder
from vitspace.study.config import StudyConfig
from vitspace.study.record import StudyRecord
from vitspace.training import TrainingRequest, train

RECORD = StudyRecord("bare", StudyConfig(space="msg"), [])
STAGE = {"dim": [16, 32], "depth": 1, "head_dim": 16, "mlp_ratio": 1, "region_size": [2, 1]}
DESIGN = Design("small", assemble("msg", STAGE))
MONITOR = SimpleNamespace(note=print, progress=print)
LONG = {
    "train": lambda out: train(TrainingRequest(DESIGN, "digits", out, device="cpu"), MONITOR),
    "export": lambda out: export_folder(ExportedModel.of(DESIGN, None, 64, 5), ["spec"], out),
    "fidelity": lambda out: measure_and_judge(vitspace.FidelityRequest(("params",)), timeout=0, out=out),
    "axes": lambda out: space_axes("mat", n=8, out=out),
    "spaces": lambda out: compare_spaces(["mat"], "1G", n=2, out=out),
    "report": lambda out: report_folder.write_report(RECORD, out),
    "comparison": lambda out: report_folder.write_comparison(SimpleNamespace(), out),
}


@pytest.mark.parametrize("name", LONG)
def test_a_folder_that_another_process_fills_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(report_folder, "PATIENCE", 0)
    with owning(tmp_path / "out"):
        with pytest.raises(
            InputError, match=r"one process at a time makes a.* in '.*/out', but process \d+ on .* does"
        ):
            LONG[name](tmp_path / "out")
        assert [path.name for path in (tmp_path / "out").iterdir()] == [".vitspace.lock"]


def test_a_calibration_that_another_process_makes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    words = r"one process at a time makes the calibration .*, but process \d+ on"
    with owned(calibration_path("eager").with_suffix(".lock"), "another's"), pytest.raises(InputError, match=words):
        calibrate(["eager"], 5)


def test_a_report_of_another_study_is_not_replaced_without_a_word(tmp_path, caplog):
    report_folder.write_report(RECORD, tmp_path)
    report_folder.write_report(RECORD, tmp_path)
    assert "replaced" not in caplog.text
    report_folder.write_report(StudyRecord("other", StudyConfig(space="msg"), []), tmp_path)
    assert "held the report of study 'bare', which is replaced" in caplog.text
