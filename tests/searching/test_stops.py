"""What stops a study or one of its trials without killing a worker, on real processes."""

import signal
from collections import Counter

import optuna
import pytest
from processes import completed

from vitspace.study.storage import open_storage


def test_nan_and_no_memory_fail_a_trial_with_the_reason(tool):
    data, _ = tool.end(tool.search(proxy="noop:nan=2,memory=4", trials=6))
    why = {trial["why"] for trial in data["trials"] if trial["state"] == "failed"}
    assert why == {
        "ProxyError: the score is nan",
        "ProxyError: proxy 'noop' (entry point 'noop'): MemoryError: simulated",
    }
    assert len(completed(data)) == 6


@pytest.mark.parametrize(
    ("stop", "code", "workers"), [(signal.SIGTERM, 143, []), (signal.SIGINT, 130, ["--workers", 2])]
)
def test_a_stopped_study_is_saved_and_goes_on(tool, stop, code, workers):
    search = tool.search(*workers, proxy="noop:hold=3", trials=10)
    tool.wait_for(lambda: len(tool.scored()) > 3)
    search.send_signal(stop)
    _, error = tool.end(search, check=code)
    tool.go()
    assert "to go on: vitspace search --study s --resume" in error
    assert (tool.cwd / "reports" / "s" / "report.md").exists()
    data, error = tool.end(tool.search(trials=10, resume=True))
    assert len(completed(data)) == 10 and "is lost" not in error
    interrupted = [trial for trial in data["trials"] if trial["state"] == "pruned"]
    assert interrupted and {trial["why"] for trial in interrupted} == {"interrupted, and queued again"}


def test_a_full_disk_stops_a_study_that_goes_on_when_there_is_room(tool):
    _, error = tool.end(tool.search(proxy="noop:full=4", trials=6), check=1)
    [message] = [line for line in error.splitlines() if line.startswith("error: ")]
    assert "the storage 'studies.journal' cannot be used: " in message and "too large" in message
    journal = tool.cwd / "studies.journal"
    assert journal.read_bytes().endswith(b"\n")
    journal.write_text(journal.read_text().replace("noop:full=4", "noop"))
    data, _ = tool.end(tool.search(trials=6, resume=True))
    assert len(completed(data)) == 6
    assert max(Counter(spec for spec, seed, _ in tool.scored() if seed == "0").values()) == 2


def test_a_line_cut_in_mid_study_is_dropped_and_the_workers_go_on(tool):
    search = tool.search(proxy="noop:hold=3", trials=10)
    tool.wait_for(lambda: len(tool.scored()) > 3)
    with (tool.cwd / "studies.journal").open("ab") as journal:
        journal.write(b'{"op_code": 4, "worker')  # what a killed writer leaves
    tool.go()
    data, error = tool.end(search)
    assert "ends in an incomplete record, which is dropped" in error
    assert len(completed(data)) == 10


@pytest.mark.parametrize("storage", ["studies.journal", "sqlite:///studies.db"])
def test_a_study_that_is_deleted_in_mid_study_ends_in_one_line(tool, storage, monkeypatch):
    tool.storage = storage
    search = tool.search(proxy="noop:hold=2", trials=50)
    tool.wait_for(lambda: len(tool.scored()) > 2)
    monkeypatch.chdir(tool.cwd)
    optuna.delete_study(study_name="s", storage=open_storage(storage))
    tool.go()
    _, error = tool.end(search, check=1)
    assert error.splitlines()[-1] == (
        f"error: the study is no longer in the storage '{storage}': it was deleted meanwhile"
    )
    assert "to go on" not in error


@pytest.mark.slow
def test_clocks_that_jump_by_a_day_lose_no_trial(tool):
    data, error = tool.end(tool.search("--workers", 2, proxy="noop:clock=1,sleep=4", trials=4))
    assert "is lost" not in error
    assert len(completed(data)) == 4 == len([seed for _, seed, _ in tool.scored() if seed == "0"])
