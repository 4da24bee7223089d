import json

import optuna
import pytest

from vitspace.errors import InputError
from vitspace.report.study_file import report_folder
from vitspace.searching.stored import list_studies
from vitspace.study.config import StudyConfig
from vitspace.study.reading import check_name, read_facts, read_trial_facts
from vitspace.study.storage import open_storage
from vitspace.study.store import RESULT, StudyStore

COMPLETE = {"number": 0, "state": "complete", "params": 10, "macs": 20, "latency_ms": 5.0, "score": -0.5}
FACTS = {"config": {"space": "msg"}}
INF = float("inf")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"number": -1}, "number is at least 0, but got -1"),
        ({"params": 0}, "params is at least 1"),
        ({"macs": -5}, "macs is at least 1"),
        ({"macs": 1.5}, "macs is a whole number, but got"),
        ({"macs": True}, "macs is a whole number, but got"),
        ({"latency_ms": -3.0}, "latency_ms is greater than 0"),
        ({"latency_ms": INF}, "latency_ms is "),
        ({"score": float("nan")}, "score is "),
        ({"score": "0.5"}, "score is a number, but got '0.5'"),
        ({"score": None}, "a complete trial has numbers for score, params, macs and latency_ms"),
        ({"state": "done"}, "state is "),
        ({"anchor": "../x"}, "anchor is a published design"),
        ({"seconds": -1}, "seconds is "),
        ({"latency": {"p10_ms": "x", "p90_ms": 3.0}}, "latency.p10_ms is "),
        ({"latency": {"p10_ms": 3.0}}, "latency: p10_ms and p90_ms are told together"),
        ({"details": {"accuracy": [1]}}, "details.accuracy is "),
        ({"details": {"run": 7}}, "details.run is "),
        ({"why": 7}, "why is "),
    ],
)
def test_a_trial_of_anything_else_is_one_error(change, words):
    with pytest.raises(InputError) as raised:
        read_trial_facts(COMPLETE | change)
    assert words in str(raised.value) and "\n" not in str(raised.value) and len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"config": 7}, "config is "),
        ({"config": {"space": "msg", "magic": 1}}, "unknown key 'magic'"),
        ({"resolved": []}, "resolved is "),
        ({"resolved": {"machine": "m"}}, "resolved.machine is "),
        (
            {"resolved": {"proxy": {"report_card": {"kendall_tau": 0.5}}}},
            "a report card with kendall_tau has its other",
        ),
        ({"resolved": {"space": {"resolution": -1}}}, "resolved.space.resolution"),
        ({"resolved": {"resumed": {"a": 1}}}, "resolved.resumed is "),
        ({"reference": {"scores": [1, "x"]}}, "reference.scores.1 is "),
        ({"reference_point": [1.0, 2.0]}, "reference_point has at least 3 items, but got "),
        ({"reference_point": [1.0, 2.0, INF]}, "reference_point.2 is "),
        ({"seconds": "x" * 10_000}, "seconds is "),
        ({"screened": {"cloud": [[1.0]]}}, "screened.cloud.0"),
        ({"screening": {"chosen": [1]}}, "screening.chosen.0"),
        ({"peers": [{"name": "swin", "img_size": 224, "params": 1, "macs": 0}]}, "peers.0.macs is at least 1"),
    ],
)
def test_facts_of_anything_else_are_one_error(change, words):
    with pytest.raises(InputError) as raised:
        read_facts(FACTS | change)
    assert words in str(raised.value) and "\n" not in str(raised.value) and len(str(raised.value)) < 500


def test_what_was_screened_reads_alike_under_its_former_name():
    kept = {"designs": 3, "seconds": 1.0, "cloud": [[1.0, 2.0]]}
    assert (
        read_facts(FACTS | {"screened": kept})["screening"]
        == read_facts(FACTS | {"screening": kept})["screening"]
        == kept
    )


def test_what_others_note_beside_is_kept():
    facts = FACTS | {"resolved": {"proxy": {"name": "x", "own": [1, None]}}, "reference": {"own": {"a": None}}}
    found = read_facts(facts)
    assert found == facts | {"config": StudyConfig(space="msg", accuracy="proxy", anchors="all", peers="none")}
    assert read_trial_facts(COMPLETE | {"details": {"own": [1, {"a": None}]}}).details == {"own": [1, {"a": None}]}


@pytest.fixture(params=["{}/s.journal", "sqlite:///{}/s.db"])
def url(request, tmp_path):
    return request.param.format(tmp_path)


def test_a_storage_of_another_program_is_read_as_carefully(url):
    storage = open_storage(url)
    store = StudyStore.create(storage, "s", StudyConfig(space="msg"), {})
    trial = store.study.ask()
    trial.set_user_attr(RESULT, {key: value for key, value in COMPLETE.items() if key != "number"} | {"macs": -1})
    storage.set_trial_state_values(trial._trial_id, optuna.trial.TrialState.COMPLETE, [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="trial 0: macs is at least 1, but got -1"):
        StudyStore.open(url, "s").record()


@pytest.mark.parametrize("name", ["--out", "-h", ".", "..", ".a", "", "a/b", "a\nb", "a b"])
def test_a_name_that_is_no_folder_or_an_option_of_a_command_is_refused(name):
    with pytest.raises(InputError, match="a study's name is of letters"):
        check_name(name)


def test_a_stored_name_that_could_lead_elsewhere_is_refused(url, caplog):
    study = optuna.create_study(storage=open_storage(url), study_name="../../x")
    study.set_user_attr("config", json.loads(StudyConfig(space="msg").model_dump_json()))
    with pytest.raises(InputError, match="a study's name is of letters"):
        StudyStore.open(url, "../../x")
    with pytest.raises(InputError, match="a study's name is of letters"):
        report_folder("../../x")
    assert StudyStore.open(url, "../../x", whole=False).name == "../../x"  # and may be deleted
    assert list_studies(url) == [] and "left out '../../x': a study's name is of letters" in caplog.text
