"""How many designs are evaluated at once, and on how many threads."""

import pytest
from notes import Notes

from vitspace.families import anchor
from vitspace.searching import workers
from vitspace.searching.session import Session
from vitspace.searching.workers import plan_workers
from vitspace.space import Space
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore

GB = 1_000_000_000


@pytest.fixture
def plan(tmp_path, make_evaluator, monkeypatch):
    """Plan a study's workers on a machine of so many cores and so much free memory."""
    monkeypatch.setattr("vitspace.searching.workers.memory_in_use", lambda: GB)
    monkeypatch.setattr(Space, "smallest", anchor("msg_tiny").spec)  # the space is not explored for this
    monkeypatch.setattr("vitspace.machine.devices.torch.cuda.device_count", lambda: plan.gpus)

    def plan(cores=4, memory=64 * GB, gpus=0, given=None, threads=None, **settings):
        plan.gpus = gpus
        monkeypatch.setattr(workers, "usable_cores", lambda: cores)
        monkeypatch.setattr(workers, "available_memory", lambda: memory)
        config = StudyConfig(
            accuracy="proxy", **{"space": "msg", "budget": "4G", "proxy": "train:tiny", "trials": 16} | settings
        )
        store = StudyStore.create(open_storage(str(tmp_path / "s.journal")), "s", config, {})
        session = Session(store, config, make_evaluator(config), Notes(), given, threads)
        plan_workers(session)
        return session

    return plan


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({}, (4, 1)),
        ({"threads": 2}, (2, 2)),
        ({"threads": 2, "gpus": 1, "device": "auto"}, (None, 2)),
        ({"cores": 1}, (None, 1)),
        ({"trials": 3, "cores": 8}, (3, 1)),
        ({"given": 6}, (6, 1)),
        ({"given": 0}, (None, 1)),
        ({"gpus": 1}, (None, None)),
        ({"gpus": 1, "device": "cpu"}, (4, 1)),
        ({"gpus": 1, "given": 2}, (2, None)),
        ({"proxy": "params"}, (None, 1)),
        ({"engine": "ray"}, (None, 1)),
    ],
)
def test_a_design_has_a_thread_and_there_are_as_many_at_once_as_cores(plan, case, expected):
    session = plan(**case)
    assert (session.workers, session.threads) == expected and session.monitor.notes == []


@pytest.mark.parametrize(("memory", "expected"), [(8 * GB, 4), (4 * GB, 2), (1.5 * GB, None), (0, None)])
def test_no_more_start_than_memory_holds_and_that_is_said(plan, memory, expected):
    session = plan(memory=memory)
    assert session.workers == expected
    at_once = f"{expected} designs" if expected else "1 design"
    said = [f"{at_once} at once and not 4: memory holds no more; --workers sets another number"]
    assert session.monitor.notes == (said if expected != 4 else [])


def test_a_proxy_that_was_made_in_a_notebook_is_run_where_it_is_known(plan, proxy, monkeypatch):
    monkeypatch.setattr(type(proxy), "__module__", "__main__")
    assert plan().workers is None
