import fcntl
import os
import signal
import time

import pytest
from forks import FORKS

from vitspace import cache, locks
from vitspace.locks import holders, take


def hold(path, ready):
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        ready.set()
        time.sleep(60)


@pytest.fixture
def holding(tmp_path):
    """A file, and the process that holds its lock."""
    ready = FORKS.Event()
    process = FORKS.Process(target=hold, args=(tmp_path / "file.lock", ready))
    process.start()
    assert ready.wait(30)
    with (tmp_path / "file.lock").open("a") as file:
        yield file, process
    process.kill()
    process.join()


def test_a_lock_that_nobody_holds_is_had_at_once(tmp_path):
    with (tmp_path / "file").open("a") as file:
        assert take(file, fcntl.LOCK_EX, 0, "it")


def test_who_is_waited_for_is_said_once(holding, monkeypatch, caplog):
    file, process = holding
    monkeypatch.setattr(locks, "WORD", 0.05)
    assert not take(file, fcntl.LOCK_EX, 0.3, "the journal x")
    assert caplog.messages == [f"the journal x: waiting for process {process.pid}"]


def test_a_suspended_process_is_not_waited_for_as_long(holding, monkeypatch):
    file, process = holding
    monkeypatch.setattr(locks, "SUSPENDED", 0.1)
    os.kill(process.pid, signal.SIGSTOP)
    assert not take(file, fcntl.LOCK_EX, 60, "it")
    assert holders(file) == f"process {process.pid}, which is suspended"
    os.kill(process.pid, signal.SIGCONT)


def test_a_lock_whose_process_is_killed_is_had(holding):
    file, process = holding
    process.kill()
    assert take(file, fcntl.LOCK_EX, 30, "it")


def test_a_task_goes_on_beside_one_that_is_suspended(holding, monkeypatch, tmp_path, caplog):
    _, process = holding
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    monkeypatch.setattr(locks, "SUSPENDED", 0.1)
    os.kill(process.pid, signal.SIGSTOP)
    with cache.exclusive("file"):
        assert f"file: process {process.pid}, which is suspended is no longer waited for" in caplog.text
    os.kill(process.pid, signal.SIGCONT)
