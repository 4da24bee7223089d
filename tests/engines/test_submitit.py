"""The SLURM launcher without SLURM: its jobs are processes of this machine."""

import importlib.util

import pytest
from processes import completed

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("submitit") is None, reason="engine 'submitit' needs: pip install 'vitspace[submitit]'"
)


@pytest.mark.slow
def test_jobs_run_a_study(tool):
    data, error = tool.end(tool.search("--engine", "submitit", "--workers", 2, trials=6))
    assert len(completed(data)) == 6 and "are submitted" in error
