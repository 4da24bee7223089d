import contextlib
import json
import os
import re
from dataclasses import replace

import pytest

from vitspace.errors import InputError
from vitspace.report.dashboard import note_text
from vitspace.report.folder import write_report
from vitspace.report.markdown import report_text
from vitspace.report.printed import printed_json, study_data
from vitspace.report.study_file import kept_json, read_study, report_folder
from vitspace.study.peer import StudyPeer
from vitspace.study.trial import Trial


def written(path, record, **changes):
    path.write_text(json.dumps(study_data(record) | changes))
    return path


def test_a_study_reads_back(record, tmp_path):
    assert read_study(written(tmp_path / "study.json", record)) == record


def test_all_but_the_loss_of_each_step_is_kept(record, tmp_path):
    details = {"accuracy": 0.5, "host": {"host": "node-1"}, "run": {"threads": 2}}
    first = replace(record.trials[0], details=details | {"curve": [[1, 2.0]]})
    found = read_study(written(tmp_path / "study.json", replace(record, trials=[first])))
    assert found.trials == [replace(first, details=details)]


def test_a_report_drawn_from_a_report_is_the_same(record, tmp_path):
    first = write_report(record, tmp_path / "first")
    second = write_report(read_study(first), tmp_path / "second")
    for name in ("report.md", "trials.csv", "front.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_study_of_nothing_reads_back(bare, tmp_path):
    assert read_study(written(tmp_path / "study.json", bare)) == bare


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", r"study.json holds no study that this version of vitspace reads: Expecting"),
        ("[]", r"holds no study that this version of vitspace reads: it is a mapping, but got"),
        ("{}", r"holds no study that this version of vitspace reads: key 'study' is missing"),
    ],
)
def test_another_file_is_refused(text, words, tmp_path):
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(InputError, match=words):
        read_study(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"score": "abc"}, "trial 0: score is a number, but got 'abc'"),
        ({"spec_id": ["other"]}, "trials.0.spec_id is a string, but got "),
        ({"spec_id": "other"}, "a complete trial has a design, but trial 0 has none"),
        ({"latency_ms": None}, "trial 0: a complete trial has numbers for score, params, macs and latency_ms"),
    ],
)
def test_a_complete_trial_without_its_numbers_is_refused(change, words, record, tmp_path):
    trials = study_data(record)["trials"]
    path = written(tmp_path / "study.json", record, trials=[trials[0] | change])
    with pytest.raises(InputError, match=words):
        read_study(path)


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/b", "..", ".x", "", "a\0b", "<b>", "x" * 300])
def test_a_name_that_could_lead_elsewhere_is_refused_and_nothing_written(name, record, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="a study's name is of"):
        read_study(written(tmp_path / "study.json", record, study=name))
    if name:
        with pytest.raises(InputError, match="a study's name is of"):
            report_folder(name)
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]


HTML = "<script>alert(1)</script>"
PEER = StudyPeer("resnet50.a1_in1k", 224, 25_557_032, 4 * 10**9, 80.2, "600 epochs", source="a paper", why="absent")


def test_markup_of_others_is_text_in_report_and_note(record, tmp_path):
    machine, proxy = {"host": HTML, "cpu": "```" + HTML}, {"name": f"a{HTML}", "trains": False}
    resolved = record.resolved | {"command": f"x\n```\n{HTML}", "machine": machine, "proxy": proxy, "convention": HTML}
    trials = [*record.trials, Trial(9, "invalid", why=f"{HTML} [x](javascript:y) ![x](http://z)")]
    found = read_study(written(tmp_path / "study.json", replace(record, resolved=resolved, trials=trials)))
    for text in (report_text(found), note_text(found)):
        outside = re.sub(r"(?ms)^(`{3,})\w*\n.*?\n\1$", "", text)
        assert HTML not in outside and "](javascript" not in outside and "](http" not in outside
        assert HTML in text  # within the block of code that holds the command


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reference": None}, "reference is a mapping, but got None"),
        ({"resolved": None}, "resolved is a mapping, but got None"),
        ({"specs": []}, r"specs is a mapping, but got \[\]"),
        (
            {"reference_point": [1.0, 2.0]},
            r"reference_point has at least 3 items, but got \[1.0, 2.0\]",
        ),
    ],
)
def test_a_damaged_study_is_refused(change, words, record, tmp_path):
    with pytest.raises(InputError, match=f"study.json holds no study .*: {words}"):
        read_study(written(tmp_path / "study.json", record, **change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latency": None}, "trial 0: latency is a mapping, but got None"),
        ({"seconds": None}, "trial 0: seconds is a number, but got None"),
        ({"state": "bogus"}, "trial 0: state is complete, .* but got 'bogus'"),
        ({"anchor": "msg_huge"}, "trial 0: anchor is a published design, but got 'msg_huge'"),
    ],
)
def test_a_damaged_trial_is_refused(change, words, record, tmp_path):
    trials = study_data(record)["trials"]
    path = written(tmp_path / "study.json", record, trials=[trials[0] | change])
    with pytest.raises(InputError, match=f"study.json holds no study .*: {words}"):
        read_study(path)


def test_an_unknown_setting_is_named(record, tmp_path):
    config = record.config.model_dump() | {"magic": 1}
    with pytest.raises(InputError, match=r"study.json holds no study .* unknown key 'magic'"):
        read_study(written(tmp_path / "study.json", record, config=config))


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a report's folder holds its study.json, but .* No such file"):
        read_study(tmp_path)


def undesigned(record):
    """Return the record as it is read without its designs."""
    return replace(record, trials=[replace(trial, spec=None) for trial in record.trials])


def test_a_report_that_is_up_to_date_gives_its_json_without_the_designs(record, tmp_path):
    assert kept_json(undesigned(record), tmp_path) is None
    write_report(record, tmp_path)
    assert kept_json(undesigned(record), tmp_path) == printed_json(record, tmp_path)


@pytest.mark.parametrize("change", [{"seconds": 301.0}, {"reference_point": (3.0, 5e9, 60.0)}, {"trials": []}])
def test_a_report_of_another_state_of_the_study_is_not_kept(change, record, tmp_path):
    write_report(record, tmp_path)
    assert kept_json(replace(undesigned(record), **change), tmp_path) is None


def test_a_report_of_another_version_or_without_its_page_is_not_kept(record, tmp_path, monkeypatch):
    write_report(record, tmp_path)
    with monkeypatch.context() as other:
        other.setattr("vitspace.report.study_file.__version__", "0.0.1")
        assert kept_json(undesigned(record), tmp_path) is None
    (tmp_path / "index.html").unlink()
    assert kept_json(undesigned(record), tmp_path) is None


@pytest.mark.parametrize("key", ["resolved", "peers"])
def test_no_text_of_others_is_markup_wherever_it_stands(key, record, tmp_path):
    """Each text of a study in its proxy's numbers and of one in points, outside of blocks of code."""
    for accuracy in ("proxy", "estimate"):
        config = record.config.model_copy(update={"accuracy": accuracy})
        resolved = record.resolved | {"proxy": record.resolved["proxy"] | {"trains": False}}
        trials = [replace(each, proxy_score=each.score) for each in record.trials]
        data = study_data(replace(record, config=config, resolved=resolved, trials=trials, peers=[PEER]))
        changed = json.loads(json.dumps(data[key]))
        for owner, name in list(_texts(changed)):
            former, owner[name] = owner[name], f"{HTML}]({HTML}"
            (tmp_path / "study.json").write_text(json.dumps(data | {key: changed}))
            with contextlib.suppress(InputError):
                found = read_study(tmp_path)
                for text in (report_text(found), note_text(found)):
                    assert HTML not in re.sub(r"(?ms)^(```+)$.*?^\1$", "", text), name
            owner[name] = former


def _texts(data):
    for name, value in data.items() if isinstance(data, dict) else enumerate(data):
        if isinstance(value, str):
            yield data, name
        elif isinstance(value, dict | list):
            yield from _texts(value)


def test_a_pipe_in_the_place_of_a_study_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "study.json")
    with pytest.raises(InputError, match=r"holds its study.json, but .* is no file"):
        read_study(tmp_path)
