"""Studies on PostgreSQL, on real processes and a real server."""

import os
import random
import re
import signal
import time
from pathlib import Path

import pytest
from processes import completed


def test_a_server_that_restarts_in_mid_study_is_waited_for(on_postgres, postgres):
    tool = on_postgres
    search = tool.search("--workers", 2, proxy="noop:hold=3", trials=12)
    tool.wait_for(lambda: len(tool.scored()) > 3)
    postgres.control("stop", "-m", "immediate")
    tool.go()
    time.sleep(4)  # longer than the lease
    postgres.control("start")
    data, error = tool.end(search)
    assert len(completed(data)) == 12 and "is lost" not in error
    assert len([seed for _, seed, _ in tool.scored() if seed == "0"]) == 12


@pytest.mark.slow
def test_500_trials_while_workers_are_killed_at_random(on_postgres):
    tool, rng, began = on_postgres, random.Random(0), time.monotonic()
    search = tool.search("--workers", 2, trials=500, VITSPACE_LEASE="15", VITSPACE_HEARTBEAT="3")
    killed = seen = 0
    while search.poll() is None:
        time.sleep(rng.uniform(3, 8))
        scored = len(tool.scored())
        if scored > seen and (pids := alive(search)):  # something was done since the last, however slow the machine
            os.kill(rng.choice(pids), signal.SIGKILL)
            killed, seen = killed + 1, scored
    data, error = tool.end(search, timeout=600)
    states = [trial["state"] for trial in data["trials"]]
    scorings = [spec for spec, seed, _ in tool.scored() if seed == "0"]
    print(
        f"{len(completed(data))} distinct completed in {time.monotonic() - began:.0f} s, {killed} kills, "
        f"{error.count('is lost')} trials taken back, {len(scorings)} scorings of {len(set(scorings))} designs, "
        f"{states.count('failed')} failed, {len(states)} trials in all"
    )
    assert killed >= 10
    assert len(completed(data)) == 500 and set(scorings) == {
        trial["spec_id"] for trial in data["trials"] if trial["state"] in ("complete", "failed")
    }
    assert len(scorings) - len(set(scorings)) <= killed


def alive(search):
    """The workers that run."""
    started = {int(pid) for pid in re.findall(r"worker (\d+) started", search.log.read_text())}
    return sorted(pid for pid in started if Path(f"/proc/{pid}").exists())
