"""The NNI engine, on real processes."""

import importlib.util
import json
import os
import re
import signal
import time
import urllib.request

import psutil
import pytest
import requests
from processes import completed

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("nni") is None, reason="engine 'nni' needs: pip install 'vitspace[nni]'"
)

TINY = """
family: msg
axes:
  dim: {values: [16, 32], scale: [1, 2, 4, 8]}
  depth: [1]
  head_dim: [16]
  mlp_ratio: [1, 2]
"""


@pytest.mark.slow
def test_a_finite_space_is_used_up_while_the_portal_answers(tool):
    (tool.cwd / "small.yaml").write_text(TINY)
    search = tool.search("--engine", "nni", "--workers", 2, trials=9)
    portal = tool.wait_for(lambda: re.search(r"NNI's portal: (http://\S+)", search.log.read_text()))[1]
    with urllib.request.urlopen(f"{portal}/api/v1/nni/check-status", timeout=10) as answer:
        assert answer.status == 200 and b"status" in answer.read()
    data, error = tool.end(search, timeout=400, foreign=True)  # NNI's tuner may miss its first connection
    assert "NNI has no more designs to propose" in error
    assert {t["state"] for t in data["trials"]} == {"complete"} and len(data["trials"]) == 4


@pytest.mark.slow
def test_a_study_outlives_nnis_tuner(tool):
    search = tool.search("--engine", "nni", trials=4)
    portal = tool.wait_for(lambda: re.search(r"NNI's portal: \S+:(\d+)", search.log.read_text()))[1]
    tool.wait_for(lambda: tool.scored())
    for process in psutil.Process(search.pid).children(recursive=True):
        if "--exp_params" in process.cmdline():
            os.kill(process.pid, signal.SIGKILL)
    data, error = tool.end(search, timeout=400, foreign=True)
    assert "NNI broke down: its status is ERROR" in error and len(completed(data)) == 4
    assert len(set(re.findall(r"NNI's portal: \S+", error))) >= 2 and portal in error


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_loses_no_design(tool):
    search = tool.search("--engine", "nni", proxy="noop:hold=2", trials=4)
    spec, _, pid = tool.wait_for(lambda: len(tool.scored()) > 2 and tool.scored()[-1])
    os.kill(int(pid), signal.SIGKILL)
    tool.go()
    data, error = tool.end(search, timeout=400)
    assert f"worker {pid} was killed by SIGKILL" in error
    assert len(completed(data)) == 4 and spec in {trial["spec_id"] for trial in completed(data)}
    assert len({pid for _, _, pid in tool.scored()}) > 1


@pytest.mark.slow
def test_a_worker_that_lacks_something_of_the_study_ends_the_search(tmp_path):
    from vitspace.errors import StudyFailedError
    from vitspace.searching.engines._nni_workers import STUDY, Workers
    from vitspace.searching.monitor import Monitor

    (tmp_path / STUDY).write_text(json.dumps(["nobody", str(tmp_path / "s.journal"), "", "{}"]))
    stopped = r"worker \d+ stopped: .*there is no file"
    with Workers(tmp_path, 1, Monitor()) as workers, pytest.raises(StudyFailedError, match=stopped):
        for _ in range(600):
            time.sleep(0.1)
            workers.look(progress=False)


@pytest.fixture
def experiment(monkeypatch):
    """An experiment that is not started; what NNI answers is set by the test."""
    from vitspace.searching.engines import _nni_experiment as module

    made = module.Experiment({"experiment_working_directory": "/nowhere"}, "Random", {})

    class Inner:
        id, config = "x", made._inner.config
        status, counts = "RUNNING", {}

        def get_status(self):
            if isinstance(self.status, Exception):
                raise self.status
            return self.status

        def get_job_statistics(self):
            return [{"trialJobStatus": name, "trialJobNumber": n} for name, n in self.counts.items()]

    made._inner, made.now = Inner(), 0.0
    monkeypatch.setattr(module.time, "monotonic", lambda: made.now)
    made._answered = 0.0
    return made


@pytest.mark.parametrize("busy", ["WAITING", "RUNNING", "UNKNOWN"])
def test_an_experiment_is_used_up_when_its_last_process_has_ended(experiment, busy):
    experiment._inner.status, experiment._inner.counts = "TUNER_NO_MORE_TRIAL", {busy: 1, "FAILED": 2}
    for experiment.now in (1.0, 100.0):
        look = experiment.look()
        assert (look.used_up, look.failed) == (False, 2)
    experiment._inner.counts = {"SUCCEEDED": 3}
    assert not experiment.look().used_up  # one that was proposed may not have started
    experiment.now = 113.0
    assert experiment.look().used_up


def test_an_experiment_that_does_not_answer_is_waited_for_and_then_given_up(experiment):
    from vitspace.searching.engines._nni_experiment import BreakdownError

    experiment._inner.status = requests.ConnectionError("refused")
    assert experiment.look() is None
    experiment.now = 61.0
    with pytest.raises(BreakdownError, match="it does not answer: refused"):
        experiment.look()


def test_an_experiment_that_stopped_names_its_log(experiment):
    from vitspace.searching.engines._nni_experiment import BreakdownError

    experiment._inner.status = "ERROR"
    with pytest.raises(BreakdownError, match="its status is ERROR; see /nowhere/x/log"):
        experiment.look()
