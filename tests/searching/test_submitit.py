"""The SLURM launcher without SLURM: its jobs are processes of this machine."""

import importlib.util

import pytest
from processes import completed

from vitspace.study.config import StudyConfig

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("submitit") is None, reason="engine 'submitit' needs: pip install 'vitspace[submitit]'"
)


@pytest.mark.parametrize(
    ("device", "gpus", "asked"),
    [("auto", None, 0), ("cpu", None, 0), ("cuda", None, 1), ("cuda:1", None, 1), ("cuda", 0, 0), ("auto", 1.5, 2)],
)
def test_a_job_asks_for_a_gpu_where_the_device_is_one(device, gpus, asked):
    from vitspace.searching.engines.submitit import _gpus

    config = StudyConfig(accuracy="proxy", space="msg", engine="submitit", device=device, gpus=gpus)
    assert _gpus(config).get("gpus_per_node", 0) == asked


@pytest.mark.slow
def test_jobs_run_a_study(tool):
    data, error = tool.end(tool.search("--engine", "submitit", "--workers", 2, trials=6))
    assert len(completed(data)) == 6 and "are submitted" in error
