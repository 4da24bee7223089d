import os
import sys
import time

import pytest

from vitspace.machine import load
from vitspace.machine.load import CoresWatch


class Linux:
    """A machine of two cores that counts, in seconds, what is idle and what two threads of this process waited."""

    def __init__(self, folder):
        self.stat, self.tasks, self.now, self.ran = folder / "stat", folder / "task", 0.0, 0.0
        for name in ("1", "2"):
            (self.tasks / name).mkdir(parents=True)
        self.pass_by(idle=5.0, waited=3.0)

    def pass_by(self, idle, waited, seconds=0.0, ran=0.0):
        ticks = int(idle * os.sysconf("SC_CLK_TCK"))
        self.stat.write_text(f"cpu  10 0 20 {ticks} 0 0 0 0 0 0\ncpu0 1 0 2 3 0 0 0 0 0 0\n")
        for task in self.tasks.iterdir():
            (task / "schedstat").write_text(f"99 {int(waited * 5e8)} 7\n")
        self.now, self.ran = self.now + seconds, self.ran + ran


@pytest.fixture
def linux(monkeypatch, tmp_path):
    found = Linux(tmp_path)
    monkeypatch.setattr(load, "_STAT", found.stat)
    monkeypatch.setattr(load, "_TASKS", found.tasks)
    monkeypatch.setattr(load.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(load.time, "monotonic", lambda: found.now)
    monkeypatch.setattr(load.time, "process_time", lambda: found.ran)
    return found


def test_others_leave_what_is_idle_or_our_own(linux):
    watch = CoresWatch()
    linux.pass_by(idle=8.0, waited=3.0, seconds=10.0, ran=9.0)
    assert watch.left == pytest.approx((3.0 + 9.0) / 20.0) and watch.had == 1.0


def test_threads_that_wait_for_a_core_lack_it(linux):
    watch = CoresWatch()
    linux.pass_by(idle=5.0, waited=9.0, seconds=10.0, ran=6.0)
    assert watch.had == pytest.approx(0.5)


def test_what_the_system_does_not_count_is_not_known(linux):
    linux.pass_by(idle=0.0, waited=3.0)
    (linux.tasks / "2" / "schedstat").unlink()
    watch = CoresWatch()
    assert watch.left is watch.had is None
    linux.stat.unlink()
    assert CoresWatch().left is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts it")
def test_shares_of_this_machine_are_shares():
    watch, end = CoresWatch(), time.process_time() + 0.02
    while time.process_time() < end:
        pass
    assert all(share is None or 0 < share <= 1 for share in (watch.left, watch.had))
