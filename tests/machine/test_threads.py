import os

import pytest
import torch

from vitspace.machine.devices import computing_on, default_threads
from vitspace.machine.threads import settle_wait_policy, wait_policy


@pytest.mark.parametrize(
    ("environment", "settled"),
    [
        ({}, "GOMP_SPINCOUNT=10000"),
        ({"GOMP_SPINCOUNT": "7"}, "GOMP_SPINCOUNT=7"),
        ({"OMP_WAIT_POLICY": "active"}, "OMP_WAIT_POLICY=active"),
    ],
)
def test_threads_sleep_soon_unless_the_environment_says_otherwise(monkeypatch, environment, settled):
    monkeypatch.setattr(os, "environ", dict(environment))
    settle_wait_policy()
    assert wait_policy() == settled


@pytest.mark.parametrize(
    ("device", "gpus", "threads"),
    [("cpu", 1, 1), ("auto", 0, 1), ("auto", 1, None), ("cuda", 1, None), ("cuda:1", 2, None)],
)
def test_a_network_has_one_thread_on_the_cpu(monkeypatch, device, gpus, threads):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert default_threads(device) == threads


def test_threads_are_as_before_afterwards():
    before = torch.get_num_threads()
    with computing_on(before + 1):
        assert torch.get_num_threads() == before + 1
        with computing_on(None):
            assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
