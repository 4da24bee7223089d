import os
import tempfile

import pytest
import torch

# Counts and measurements made by the tests stay with this run of them, and are shared by its processes.
os.environ.setdefault("VITSPACE_CACHE", tempfile.mkdtemp(prefix="vitspace-tests-"))


@pytest.fixture(autouse=True)
def _seed():
    """Every test draws the same random numbers, on one thread, whatever ran before."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
