"""vitspace studies and vitspace worker, called in this process on stored studies."""

import json
import subprocess
import sys
from dataclasses import replace

import optuna
import pytest

from vitspace.families import anchor
from vitspace.latency import Latency
from vitspace.report.compare import Comparison
from vitspace.report.comparison_figure import draw_comparison
from vitspace.searching import retiming
from vitspace.searching import stored as stored_studies
from vitspace.searching.lease import BEATS
from vitspace.searching.queue import Queue
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore, study_names
from vitspace.study.trial import Trial


@pytest.fixture
def stored(call):
    """Two studies of one trial each, in the default storage."""
    stores = []
    for name, score in (("a", -0.8), ("b", -0.7)):
        config = StudyConfig(space="msg", budget="4G", trials=1, accuracy="proxy")
        store = StudyStore.create(open_storage("studies.journal"), name, config, {})
        spec, macs = anchor("msg_tiny").spec, 3_800_000_000
        trial = Trial(0, "complete", spec, anchor="msg_tiny", params=25, macs=macs, latency_ms=90.0, score=score)
        queue = Queue(store)
        queue.end(queue.ask(), trial)
        store.set(reference_point=[2.0, 4e9, 190.0 + score])
        stores.append(store)
    return stores


def test_list_says_how_far_each_study_is(call, stored):
    code, out, _ = call("studies", "list", "--json")
    rows = json.loads(out)
    assert code == 0 and [(row["study"], row["complete"], row["trials"]) for row in rows] == [("a", 1, 1), ("b", 1, 1)]
    assert "hypervolume" in call("studies", "list")[1].splitlines()[0]


def test_an_empty_storage_says_that_it_is(call):
    open_storage("sqlite:///empty.db")
    code, out, error = call("studies", "list", "--storage", "sqlite:///empty.db")
    assert (code, out, error) == (0, "", "no studies in sqlite:///empty.db\n")


def test_show_counts_states_and_names_workers(call, stored):
    queue = Queue(stored[0])
    queue.ask()
    data = json.loads(call("studies", "show", "a", "--json")[1])
    assert data["idle_share"] is None  # of one trial
    assert data["states"] == {"complete": 1} and data["workers"] == [str(queue.owner)]
    assert data["config"]["budget"] == "4G"
    assert "states: 1 complete" in call("studies", "show", "a")[1]


def test_a_trial_of_a_killed_process_is_told(call, stored):
    queue = Queue(stored[0])
    queue.owner = replace(queue.owner, started=0.0)  # its number is another process's now
    queue.ask()
    assert (
        f"lost: 1 trial of {queue.owner}, which was killed; --resume or a worker runs it again"
        in call("studies", "show", "a")[1]
    )
    rows = json.loads(call("studies", "list", "--json")[1])
    assert [(row["running"], row["lost"]) for row in rows] == [(0, 1), (0, 0)]


@pytest.mark.parametrize("command", [["list"], ["show", "a"], ["copy", "a", "copy.journal"], ["delete", "a", "--yes"]])
def test_no_torch_is_needed(stored, tmp_path, command):
    code = f"import sys; sys.argv = ['vitspace', 'studies', *{command}]\nfrom vitspace.cli import main\n"
    code += (
        "try: main()\nexcept SystemExit as end: assert not end.code\nassert not {'torch', 'timm'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_retime_times_unsure_designs_again_and_writes_the_report(call, stored, monkeypatch):
    store, written = stored[0], []
    [trial] = store.trials()
    store.retime(replace(trial, latency={"doubt": "the machine was busy"}))
    times = dict.fromkeys(("median_ms", "p10_ms", "p90_ms", "low_ms", "high_ms", "measured_ms"), 60.0)
    known = {"reference_ms": 10.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.0, "host": "here", "runs": 9}
    again = Latency(**times, **known, backend="eager", threads=1, batch=1, dtype="float32")
    monkeypatch.setattr(retiming, "measure_again", lambda *_: again)
    monkeypatch.setattr("vitspace.report.folder.write_report", lambda record, out: written.append(record) or out)
    code, out, _ = call("studies", "retime", "a", "--json")
    [row] = json.loads(out)["retimed"]
    assert code == 0 and (row["number"], row["before_ms"], row["median_ms"], row["state"]) == (
        0,
        90.0,
        60.0,
        "complete",
    )
    assert written[0].trials[0].latency_ms == 60.0 and not written[0].trials[0].latency_doubt
    code, out, error = call("studies", "retime", "a")
    assert (code, out) == (0, "") and "no latency of this study is unsure" in error
    code, _, error = call("studies", "retime", "a", "--all", "--trial", "0")
    assert code == 2 and "--all times every design, but got --trial beside it" in error


def test_compare_holds_all_to_one_reference_point(call, stored):
    code, out, _ = call("studies", "compare", "a", "b", "--json", "--out", "both")
    data = json.loads(out)
    assert code == 0 and data["reference_point"] == [2.0, 4e9, 189.3]
    assert data["studies"][0]["common_hypervolume"] < data["studies"][1]["common_hypervolume"]


def test_compare_draws_one_figure(call, stored, tmp_path):
    call("studies", "compare", "a", "b", "--out", "both")
    assert {path.name for path in (tmp_path / "both").iterdir()} == {
        "fronts.png",
        "fronts.pdf",
        "index.html",
        "studies.csv",
        "report.md",
    }


def test_a_comparison_names_each_study_with_its_hypervolume(call, stored):
    comparison = Comparison.of([store.record() for store in stored])
    [legend] = draw_comparison(comparison).legends
    volumes = [row["common_hypervolume"] for row in comparison.rows()]
    assert [text.get_text() for text in legend.texts] == [
        f"{name} (hypervolume {volume:.3f})" for name, volume in zip("ab", volumes, strict=True)
    ]


def test_compare_refuses_scores_of_other_proxies(call, stored):
    stored[1].set(config=stored[1].config.model_copy(update={"proxy": "train:small"}))
    code, _, error = call("studies", "compare", "a", "b")
    assert code == 2 and "whose scores measure the same, but their proxy is a: train, b: train:small" in error


@pytest.mark.parametrize("target", ["sqlite:///copy.db", "copy.journal"])
def test_a_copy_holds_the_same_trials(call, stored, target):
    code, out, _ = call("studies", "copy", "a", target, "--name", "c")
    assert code == 0 and f"1 trial copied; to go on: vitspace search --study c --resume --storage {target}" in out
    copied = StudyStore.load(open_storage(target), "c")
    assert copied.trials() == stored[0].trials() and copied.config == stored[0].config


def test_a_copy_that_breaks_off_leaves_nothing(call, stored, monkeypatch):
    def full(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr("optuna.storages.JournalStorage.create_new_trial", full)
    code, _, error = call("studies", "copy", "a", "studies.journal", "--name", "c")
    assert code == 1 and error.startswith("error: the storage 'studies.journal' cannot be used: no space left")
    assert study_names(stored[0].storage) == ["a", "b"]


def test_a_copy_needs_a_free_name(call, stored):
    code, _, error = call("studies", "copy", "a", "studies.journal", "--name", "b")
    assert code == 2 and "'b' exists in studies.journal; give the copy another with --name" in error


def test_delete_asks(call, stored, monkeypatch):
    monkeypatch.setattr("typer.confirm", lambda *args, **kwargs: False)
    assert call("studies", "delete", "a")[0] == 1
    assert study_names(open_storage("studies.journal")) == ["a", "b"]
    assert call("studies", "delete", "a", "--yes")[0] == 0
    assert study_names(open_storage("studies.journal")) == ["b"]


def test_a_study_that_somebody_runs_is_not_deleted(call, stored):
    Queue(stored[0]).ask()
    code, _, error = call("studies", "delete", "a", "--yes")
    assert code == 2 and "study a is not deleted while it runs, and process" in error


@pytest.mark.parametrize("alive", [False, True])
def test_a_study_of_a_host_that_cannot_be_seen_is_deleted_once_it_beats_no_more(call, stored, monkeypatch, alive):
    queue = Queue(stored[0])
    queue.owner = replace(queue.owner, place="before the last boot")
    running = queue.ask()

    def sleep(seconds):
        if alive:
            stored[0].storage.set_trial_system_attr(running._trial_id, BEATS, [1, False])

    monkeypatch.setattr(stored_studies.time, "sleep", sleep)
    code, _, error = call("studies", "delete", "a", "--yes")
    assert "waiting 18 s, to see whether process" in error
    assert (code, study_names(stored[0].storage)) == ((2, ["a", "b"]) if alive else (0, ["b"]))


def test_what_another_program_stored_is_left_out_and_can_be_deleted(call, stored):
    optuna.create_study(storage=stored[0].storage, study_name="theirs")
    code, out, error = call("studies", "list", "--json")
    assert code == 0 and [row["study"] for row in json.loads(out)] == ["a", "b"]
    assert "left out, as no whole studies of vitspace: 'theirs'" in error
    assert call("studies", "delete", "theirs", "--yes")[0] == 0
    assert study_names(stored[0].storage) == ["a", "b"]


def test_a_worker_of_no_study_is_refused(call, stored):
    code, _, error = call("worker", "c")
    assert code == 2 and "a study is one of a, b, but got 'c'" in error


def test_a_worker_in_a_bad_environment_is_refused(call, stored, monkeypatch):
    monkeypatch.setenv("VITSPACE_PATIENCE", "inf")
    code, _, error = call("worker", "a")
    assert code == 2 and "error: VITSPACE_PATIENCE is a finite number of seconds, not below 0, but got 'inf'" in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--timeout", "inf"], "timeout is a finite number, but got inf"),
        (["--timeout", "-3"], "timeout is greater than 0, but got -3.0"),
        (
            ["--trial", "0", "--timeout", "3"],
            "--trial evaluates one design again, however long that takes, but got --ti",
        ),
    ],
)
def test_a_worker_refuses_a_timeout_that_it_cannot_keep(call, stored, options, message):
    code, _, error = call("worker", "a", *options)
    assert code == 2 and message in error


@pytest.mark.parametrize(("stored_score", "verdict"), [(-0.5, "equal"), (-0.4, "not equal")])
def test_a_trial_run_again_says_whether_it_is_equal_and_where_it_was_run(
    call, stored, monkeypatch, stored_score, verdict
):
    from vitspace.searching import join

    again = {"number": 0, "spec_id": "ab", "score": -0.5, "stored_score": stored_score, "equal": verdict == "equal"}
    hosts = {"host": {"host": "here"}, "stored_host": {"host": "node-1"}}
    monkeypatch.setattr(join, "rerun", lambda *args: again | hosts)
    out = call("worker", "a", "--trial", "0")[1]
    assert out == f"trial 0 ab: score -0.5 on here, stored {stored_score} of node-1: {verdict}\n"


def test_a_trial_without_a_score_says_why_it_had_none(call, stored, monkeypatch):
    from vitspace.searching import join

    again = {"number": 3, "spec_id": "ab", "score": -0.5, "stored_score": None, "equal": None, "state": "over_budget"}
    monkeypatch.setattr(join, "rerun", lambda *args: again | {"why": "latency 21ms", "host": {"host": "here"}})
    out = call("worker", "a", "--trial", "3")[1]
    assert "-0.5 on here, stored none: over_budget: latency 21ms; vitspace search --resume takes it up\n" in out


def test_only_a_trial_of_the_study_is_run_again(call, stored):
    code, _, error = call("worker", "a", "--trial", "7")
    assert code == 2 and "has a score, or that an unsure latency rejected, but got 7" in error
