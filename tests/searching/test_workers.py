"""Workers that die, on real processes."""

import json
import os
import re
import signal
import socket
import urllib.request
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from optuna.trial import TrialState
from processes import completed

from vitspace.searching.queue import Queue
from vitspace.study.store import StudyStore


def designs(tool, seed="0"):
    return Counter(spec for spec, used, _ in tool.scored() if used == seed)


def test_workers_share_a_study_and_meet_its_total_exactly(tool):
    data, error = tool.end(tool.search("--workers", 2, proxy="noop:meet=2", trials=20))
    assert len(completed(data)) == 20
    assert len(re.findall(r"^worker \d+ started$", error, re.M)) == 2
    assert set(designs(tool).values()) == {1} and len(designs(tool)) == 20


def test_a_killed_worker_loses_nothing(tool):
    search = tool.search("--workers", 2, proxy="noop:hold=4", trials=12)
    tool.wait_for(lambda: len(tool.scored()) > 4)
    _, _, pid = tool.scored()[-1]
    os.kill(int(pid), signal.SIGKILL)
    tool.go()
    data, error = tool.end(search)
    assert f"worker {pid} was killed by SIGKILL" in error
    assert len(completed(data)) == 12
    assert max(designs(tool).values()) <= 2 and sum(designs(tool).values()) <= 13


@pytest.mark.slow
def test_a_design_that_kills_its_worker_twice_is_failed_with_the_reason(tool):
    data, _ = tool.end(tool.search("--workers", 2, proxy="noop:bomb=2", trials=8))
    bomb = (tool.cwd / "bomb.spec").read_text()
    [failed] = [trial for trial in data["trials"] if trial["state"] == "failed"]
    assert failed["spec_id"] == bomb and "its worker died 2 times, the last time process" in failed["why"]
    assert designs(tool)[bomb] == 2 and len(completed(data)) == 8


@pytest.mark.slow
def test_a_worker_from_elsewhere_takes_over_after_the_lease(tool):
    """The killed search seems to be on another host, so that only its silent heartbeat tells that it is dead."""
    search = tool.search(proxy="noop:sleep=1000", trials=3)
    tool.wait_for(lambda: tool.scored())
    journal = tool.cwd / "studies.journal"
    search.kill()
    search.wait()
    journal.write_text(re.sub(r'"place":"[^"]*"', '"place":"elsewhere"', journal.read_text()))
    study = journal.read_text().replace("noop:sleep=1000", "noop")
    journal.write_text(study)
    worker = tool.worker()
    _, error = tool.end(worker)
    assert "is lost, and is run again" in error
    assert tool.scored()[0][0] in [spec for spec, _, pid in tool.scored() if pid == str(worker.pid)]
    data, _ = tool.end(tool.start("report", "s", "--json"))
    assert len(completed(data)) == 3


def test_two_commands_on_one_study_cooperate(tool):
    first = tool.search(proxy="noop:meet=2", trials=8)
    tool.wait_for(lambda: tool.scored())
    second = tool.search("--out", "other", trials=8, resume=True)
    (data, _), (other, _) = tool.end(first), tool.end(second)
    assert len(completed(data)) == len(completed(other)) == 8
    assert len({pid for _, _, pid in tool.scored()}) == 2
    assert set(designs(tool).values()) == {1}


def test_workers_end_with_the_search_that_started_them_and_no_design_is_blamed(tool):
    search = tool.search("--workers", 1, proxy="noop:sleep=1000", trials=3)
    spec, _, pid = tool.wait_for(tool.scored)[0]
    search.kill()
    tool.wait_for(lambda: not Path(f"/proc/{pid}").exists())
    store = StudyStore.open(str(tool.cwd / tool.storage), "s")
    with Queue(store):
        pass
    [again] = [trial for trial in store.frozen(TrialState.WAITING) if "retry_of" in trial.user_attrs]
    assert again.user_attrs["deaths"] == 0 and spec == tool.scored()[0][0]


def test_the_dashboard_answers_during_a_run(tool):
    tool.search(proxy="noop:sleep=1000", trials=3)
    tool.wait_for(lambda: tool.scored())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tool.start("dashboard", "s", "--port", port)

    def ask():
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=10) as answer:
            return json.load(answer)

    assert [study["study_name"] for study in tool.wait_for(ask)["study_summaries"]] == ["s"]
