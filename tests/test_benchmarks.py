"""The benchmarks take names that are there: each is imported, and so is what its functions import."""

import multiprocessing
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

import pytest
from importing import imports

from vitspace.interrupts import deferring_interrupts

BENCH = Path(__file__).parent / "bench"


@pytest.fixture
def modules(monkeypatch):
    """The names of the benchmarks, which are imported from their folder and forgotten afterwards."""
    monkeypatch.syspath_prepend(BENCH)
    names = [path.stem for path in sorted(BENCH.glob("*.py"))]
    assert not sys.modules.keys() & set(names)
    yield names
    for name in names:
        sys.modules.pop(name, None)


def test_every_benchmark_is_imported(modules):
    for name in modules:
        import_module(name)


def test_what_their_functions_import_is_there():
    late = [each for each in imports(BENCH) if each.late and not each.by_name]
    for each in late:
        for name in ("", *each.names):
            resolve_name(".".join(filter(None, ["vitspace", each.module, name])))


@pytest.fixture
def handlers():
    """The handlers of signals are afterwards what they were."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_a_campaign_whose_time_is_up_cuts_no_step(modules, handlers, monkeypatch):
    campaign, whole = import_module("gpu_campaign"), []

    def do(args, job):
        with deferring_interrupts():
            signal.raise_signal(signal.SIGALRM)
            whole.append(job)

    monkeypatch.setattr(campaign, "do", do)
    campaign.work(None, ["first", "second"], multiprocessing.get_context("spawn").Value("i", 0), time.time() + 600)
    assert whole == ["first"]
