"""vitspace report of one study and of several, called in this process on stored studies."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from vitspace.families import anchor
from vitspace.searching.queue import Queue
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial


@pytest.fixture
def stored(call):
    """Two studies of two trials each, in the default storage."""
    tiny = anchor("msg_tiny").spec
    other = replace(tiny, stages=(*tiny.stages[:3], tiny.stages[3].changed(depth=1)))
    for name, bonus in (("a", 0.0), ("b", 0.1)):
        config = StudyConfig(space="msg", trials=2, accuracy="proxy")
        store = StudyStore.create(open_storage("studies.journal"), name, config, {})
        queue = Queue(store)
        for number, (spec, macs, score) in enumerate([(tiny, 4e9, -0.8), (other, 3e9, -0.9 + bonus)]):
            named = "msg_tiny" if spec == tiny else None
            trial = Trial(number, "complete", spec, anchor=named, params=25, macs=int(macs), latency_ms=macs / 1e8)
            queue.end(queue.ask(), replace(trial, score=score))
        store.set(reference_point=[2.0, 5e9, 60.0])


def test_several_studies_are_compared(call, stored, tmp_path):
    code, out, _ = call("report", "a", "b", "--json", "--out", "both")
    data = json.loads(out)
    assert code == 0 and data["reference_point"] == [2.0, 5e9, 60.0]
    assert data["studies"][0]["common_hypervolume"] < data["studies"][1]["common_hypervolume"]
    assert {path.name for path in (tmp_path / "both").iterdir()} == {
        "fronts.png",
        "fronts.pdf",
        "index.html",
        "studies.csv",
        "report.md",
    }
    assert "a and b: 2 studies compared" in (tmp_path / "both" / "report.md").read_text()


def test_a_design_is_selected_with_what_to_do_next(call, stored):
    code, out, _ = call("report", "a", "--select", "best")
    assert code == 0 and out.startswith("trial 0, MSG-T, the best of a")
    for line in (
        "vitspace export a --trial 0",
        "vitspace train a --trial 0 --data imagefolder:DIR",
        "vitspace profile exports/a-trial-0/spec.json",
    ):
        assert line in out


def test_a_design_is_selected_by_number_as_json(call, stored):
    data = json.loads(call("report", "a", "--select", "1", "--json")[1])
    assert (data["number"], len(data["spec"]["stages"])) == (1, 4)
    assert data["next"][0] == "vitspace export a --trial 1"


def test_commands_name_the_storage_that_the_study_is_in(call, stored, tmp_path):
    assert call("studies", "copy", "a", "sqlite:///x.db")[0] == 0
    code, out, _ = call("report", "a", "--storage", "sqlite:///x.db")
    assert code == 0 and "report a --storage sqlite:///x.db\n" in out and out.count("--storage") == 5
    for name in ("report.md", "index.html"):
        text = (tmp_path / "reports" / "a" / name).read_text()
        assert "vitspace report a --storage sqlite:///x.db" in text
        assert "search --study a --resume --trials 4 --storage sqlite:///x.db" in text
    assert "vitspace report a --select 0 --storage sqlite:///x.db" in text
    call("report", "reports/a", "--out", "again")
    assert (tmp_path / "again" / "report.md").read_text() == (tmp_path / "reports" / "a" / "report.md").read_text()
    out = call("report", "a", "--storage", "sqlite:///x.db", "--select", "best")[1]
    assert out.count("--storage sqlite:///x.db") == 2 and out.endswith("spec.json\n")


def test_one_design_is_selected_from_one_study(call, stored):
    code, _, error = call("report", "a", "b", "--select", "knee")
    assert code == 2 and "--select picks a design of one study, but got 2 studies" in error
    code, _, error = call("report", "a", "a")
    assert code == 2 and "at least 2 studies are compared, but got a" in error
    code, _, error = call("report", "a", "--select", "best", "--out", "there")
    assert code == 2 and "--select only prints a design and writes no report, but got --out there" in error
    code, _, error = call("report", "a", "--select", "")
    assert code == 2 and "but got ''" in error
    code, _, error = call("report", "a", "--select", "worst")
    assert code == 2 and "a design is knee, cheapest, fastest, best, or the number" in error


def test_a_study_is_compared_with_a_report(call, stored, tmp_path):
    assert call("report", "a")[0] == 0
    code, out, _ = call("report", "reports/a", "b", "--json")
    assert code == 0 and [row["study"] for row in json.loads(out)["studies"]] == ["a", "b"]
    (tmp_path / "studies.journal").unlink()
    code, out, _ = call("report", "reports/a/study.json", "--out", "again")
    assert (code, out) == (0, "report: again/index.html\n")


def test_a_design_is_selected_from_a_report(call, stored):
    call("report", "a")
    code, out, _ = call("report", "reports/a", "--select", "best")
    assert code == 0 and out.startswith("trial 0, MSG-T, the best of a") and "export" not in out


def test_a_report_that_is_none_is_refused(call, stored):
    call("report", "a", "--out", "here")
    code, _, error = call("report", "./here/", "a")
    assert code == 2 and "studies that are compared have names of their own, but a is a, too" in error
    code, _, error = call("report", "reports/c", "a")
    assert code == 2 and "a report's folder holds its study.json, but 'reports/c': No such file" in error


def test_the_json_of_a_report_that_is_up_to_date_needs_no_torch(call, stored, tmp_path):
    printed = call("report", "a", "--json")[1]
    code = "import sys; sys.argv = ['vitspace', 'report', 'a', '--json']\nfrom vitspace.cli import main\n"
    code += "try: main()\nexcept SystemExit as end: assert not end.code\n"
    code += "assert not {'torch', 'timm', 'matplotlib', 'pandas'} & set(sys.modules)"
    again = subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True, text=True)
    assert json.loads(again.stdout) == json.loads(printed)
