import json
import math
import re
from dataclasses import replace

import pandas as pd
import pytest

from vitspace.errors import InputError
from vitspace.report.figures import figures
from vitspace.report.folder import write_report
from vitspace.report.printed import study_data
from vitspace.report.words import headline, proxy_sentence
from vitspace.spec import Spec

FILES = {"index.html", "report.md", "front.csv", "front.md", "trials.csv", "study.json"}


def files(record):
    return FILES | {f"{name}.{kind}" for name in figures(record) for kind in ("png", "pdf")}


@pytest.fixture(scope="module")
def folder(record, tmp_path_factory):
    return write_report(record, tmp_path_factory.mktemp("report") / "new" / "msg-4G")


def test_report_is_whole(folder, record):
    assert {path.name for path in folder.iterdir()} == files(record)


def test_report_opens_with_the_headline(folder, record):
    text = (folder / "report.md").read_text()
    assert text.splitlines()[0] == f"**{headline(record)}**"
    for part in (proxy_sentence(record), "](score_flops.png)", "loss of chance", "over_budget", "`host` | node-1"):
        assert part in text
    assert "vitspace search --space msg --budget 4G" in text and "vitspace dashboard msg-4G" in text


def test_csv_files_read_back(folder, record):
    assert pd.read_csv(folder / "front.csv")["number"].tolist() == [t.number for t in record.front]
    assert len(pd.read_csv(folder / "trials.csv")) == len(record.trials)


def test_study_json_holds_settings_and_designs(folder, record):
    study = json.loads((folder / "study.json").read_text())
    assert study["front"] == [1, 3, 2, 0] and study["config"]["budget"] == "4G"
    assert study["resolved"]["proxy"]["steps"] == 40
    first = record.front[0].spec
    assert Spec.from_dict(study["specs"][first.id]) == first


@pytest.mark.parametrize("name", ["bare", "lone", "points", "new"])
def test_little_known_is_no_error(name, request, tmp_path):
    record = request.getfixturevalue(name)
    folder = write_report(record, tmp_path)
    assert {path.name for path in folder.iterdir()} == files(record)
    texts = {file: (folder / file).read_text() for file in ("report.md", "front.md", "study.json", "index.html")}
    left_out = re.compile('<style.*?</style>|<script.*?</script>|base64,[^"]*', re.DOTALL)
    words = {file: left_out.sub("", text) for file, text in texts.items()}
    assert not [file for file, text in words.items() if re.search(r"\bnan\b", text.lower()) or ">None<" in text]


def test_numbers_that_are_not_finite_become_null(record):
    odd = study_data(replace(record, reference={"noise": math.nan, "chance_loss": math.inf}))
    assert odd["reference"] == {"noise": None, "chance_loss": None}


def test_a_folder_that_cannot_be_written_is_the_users_error(record, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(InputError, match="a report needs a folder that can be written"):
        write_report(record, tmp_path / "taken")


def test_a_report_that_fails_leaves_the_former_one_whole(folder, record, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    former = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr("vitspace.report.folder.report_text", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_report(replace(record, trials=record.trials[:2]), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == former
