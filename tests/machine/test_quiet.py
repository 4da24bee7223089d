"""Timings and trainings, in processes of their own as they are in a search."""

import os
import signal
import time

import pytest
from forks import FORKS

from vitspace.cache import cache_folder
from vitspace.machine import quiet
from vitspace.machine.quiet import seconds_waited, timing, training_step


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    monkeypatch.setattr(quiet, "_given_up", set())


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path


def train(folder, log, ready, stop):
    """Train in steps without a pause between them."""
    os.environ["VITSPACE_CACHE"] = folder
    while not stop.is_set():
        with training_step():
            log.append(("step", time.monotonic()))
            time.sleep(0.01)
            log.append(("end", time.monotonic()))
        ready.set()


@pytest.fixture
def training():
    """Two processes that train; what they log, and a way to stop one."""
    with FORKS.Manager() as manager:
        log, stop = manager.list(), FORKS.Event()
        ready = [FORKS.Event(), FORKS.Event()]
        processes = [FORKS.Process(target=train, args=(str(cache_folder()), log, each, stop)) for each in ready]
        for process in processes:
            process.start()
        assert all(each.wait(30) for each in ready)
        yield log, processes
        stop.set()
        for process in processes:
            process.join(10)


def test_no_step_begins_while_a_network_is_timed_and_a_timing_is_not_kept_waiting(training):
    log, _ = training
    for _ in range(3):
        with timing():
            began = time.monotonic()
            time.sleep(0.1)
            ended = time.monotonic()
        time.sleep(0.05)
        assert not [at for _, at in log if began < at < ended]
    assert [word for word, at in log if at > ended]  # and they go on


def test_a_killed_training_holds_nothing_up(training):
    _, processes = training
    os.kill(processes[0].pid, signal.SIGKILL)
    with timing():
        pass


def test_a_process_that_is_suspended_is_waited_for_no_longer_than_patience(training, monkeypatch, caplog):
    monkeypatch.setattr(quiet, "PATIENCE", 0.2)
    _, processes = training
    for process in processes:
        os.kill(process.pid, signal.SIGSTOP)
    began = time.monotonic()
    with timing():
        waited = time.monotonic() - began
    began = time.monotonic()
    for _ in range(20):
        with timing():
            pass
    again = time.monotonic() - began
    for process in processes:
        os.kill(process.pid, signal.SIGCONT)
    assert waited < 5 and again < 2  # the second time and on it is not waited for at all
    assert caplog.text.count("no longer wait for each other") == 1 and "which is suspended" in caplog.text


def hold(folder, ready):
    os.environ["VITSPACE_CACHE"] = folder
    with timing():
        ready.set()
        time.sleep(0.3)


def test_the_seconds_that_a_timing_waited_are_counted():
    ready, before = FORKS.Event(), seconds_waited()
    process = FORKS.Process(target=hold, args=(str(cache_folder()), ready))
    process.start()
    assert ready.wait(30)
    with timing():
        assert 0.1 < seconds_waited() - before < 30
    process.join()


def test_the_seconds_that_a_training_waited_are_counted():
    ready, before = FORKS.Event(), seconds_waited()
    process = FORKS.Process(target=hold, args=(str(cache_folder()), ready))
    process.start()
    assert ready.wait(30)
    with training_step(pausing=False):
        assert seconds_waited() == before
    with training_step():
        assert 0.1 < seconds_waited() - before < 30
    process.join()


def test_a_cache_that_cannot_be_used_keeps_nobody_waiting(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path / "file" / "cache"))
    with timing(), training_step():
        pass
