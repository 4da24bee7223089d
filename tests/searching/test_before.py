"""A study that an older version stored (commit f93f6a1; before/study.jsonl) is read, gone on with and reported."""

import shutil
from pathlib import Path

import pytest

import vitspace
from vitspace.costs import cost
from vitspace.latency import Latency
from vitspace.plots import style
from vitspace.report.figures import figures
from vitspace.searching import evaluate
from vitspace.searching.monitor import Monitor


@pytest.fixture
def before(tmp_path, monkeypatch):
    """The folder in which the older version ran ``search --trials 3 --study before``."""
    stored = Path(__file__).parent / "before"
    shutil.copy(stored / "small.yaml", tmp_path)
    shutil.copy(stored / "study.jsonl", tmp_path / "studies.journal")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def measure(spec, settings):
    """Take a network's multiply-adds for its milliseconds."""
    ms = cost(spec).macs / 1e8
    return Latency(ms, ms, ms, ms, ms, ms, 1.0, 1.0, 0.0, "eager", settings.runs, 1, 1, "float32", "test")


def test_a_study_of_before_is_read(before):
    record = vitspace.load_study("before").record
    assert [(trial.number, trial.spec.id) for trial in record.completed] == [
        (0, "14eec4e41da5"),
        (1, "c69b69dedad6"),
        (2, "9170b087fae1"),
    ]
    assert [trial.number for trial in record.front] == [0, 2]
    assert record.reference["noise"] > 0 and record.reference_point is not None


def test_a_study_of_before_is_gone_on_with_and_reported(before, monkeypatch):
    scores = [trial.score for trial in vitspace.load_study("before").record.completed]
    monkeypatch.setattr(evaluate, "measure", measure)
    study = vitspace.search(study="before", resume=True, trials=4, workers=0, monitor=Monitor())
    assert [trial.score for trial in study.record.completed][:3] == scores and len(study.record.completed) == 4
    assert (before / "reports" / "before" / "index.html").is_file()
    assert all(figure.draw(study.record, style.WIDE).axes for figure in figures(study.record).values())
    assert study.record.resolved["resumed"][0]["engine"] == "optuna"
