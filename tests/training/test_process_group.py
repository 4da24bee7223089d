"""This process among those that torchrun starts."""

import pytest
import torch
from noting import Notes

from vitspace.training import loop, processes
from vitspace.training.loading import HERE
from vitspace.training.processes import ProcessGroup
from vitspace.training.run import Training


@pytest.mark.parametrize(("told", "local"), [({"LOCAL_WORLD_SIZE": "2"}, 2), ({}, 4)])
def test_processes_of_this_machine_are_those_that_share_it(monkeypatch, told, local):
    for name, value in ({"WORLD_SIZE": "4", "RANK": "2", "LOCAL_RANK": "0"} | told).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(processes.dist, "init_process_group", lambda backend: None)
    monkeypatch.setattr(processes.dist, "destroy_process_group", lambda: None)
    with processes.processes("cpu") as place:
        assert place == ProcessGroup(2, 4, torch.device("cpu"), local)


def test_shared_memory_is_parted_among_the_processes_of_this_machine(ask, monkeypatch):
    asked = []
    monkeypatch.setattr(loop, "plan_loading", lambda *given: asked.append(given) or HERE)
    Training(ask(workers=2), Notes(), ProcessGroup(0, 1, torch.device("cpu"), local=3))
    [(workers, _, parts, marks_shared)] = asked
    assert (workers, parts, marks_shared) == (2, 3, True)
