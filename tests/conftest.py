import os

import pytest
import torch


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """Measurements made by a test stay with the run of tests."""
    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("VITSPACE_CACHE", os.fspath(folder))


@pytest.fixture(autouse=True)
def _seed():
    """Every test draws the same random numbers, on one thread, whatever ran before."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
