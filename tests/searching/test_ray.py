"""The Ray engine on a real cluster of two nodes, one of which is killed in mid-study."""

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from optuna.trial import TrialState
from processes import completed

from vitspace.errors import FailureError
from vitspace.searching.engines import ray as engine
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="engine 'ray' needs: pip install 'vitspace[ray]'"
)

SCRIPT = """
import json
import threading
import time
from pathlib import Path
import psutil
import ray
from ray.cluster_utils import Cluster
import vitspace

def kill_while_scoring(cluster, node, killed):
    raylet, seen, log = psutil.Process(node.all_processes["raylet"][0].process.pid), 3, Path("scored.log")
    while not killed:
        time.sleep(0.05)
        lines = log.read_text().splitlines() if log.exists() else []
        pids = {str(process.pid) for process in raylet.children(recursive=True)}
        for spec, seed, pid in map(str.split, lines[seen:]):
            if pid in pids and seed == "0" and not killed:
                cluster.remove_node(node, allow_graceful=False)
                killed.append(spec)
        seen = max(seen, len(lines))

if __name__ == "__main__":
    fast = {"health_check_period_ms": 1000, "health_check_failure_threshold": 10, "health_check_initial_delay_ms": 0}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": fast})
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    killed = []
    threading.Thread(target=kill_while_scoring, args=(cluster, node, killed), daemon=True).start()
    settings = {"proxy": "noop:sleep=2", "sampler": "random", "engine": "ray", "trials": 10}
    record = vitspace.search("small.yaml", study="s", **settings).record
    data = record.to_json() | {"killed": killed}
    Path("out.json").write_text(json.dumps(data))
    ray.shutdown()
    cluster.shutdown()
"""


@pytest.mark.parametrize(
    ("address", "why"),
    [("127.0.0.1:9", "refused"), ("127.0.0.1:x", "invalid literal")],
)
def test_a_cluster_that_does_not_answer_is_one_line_and_nothing_is_stored(tool, address, why):
    _, error = tool.end(tool.search("--engine", "ray", RAY_ADDRESS=address), check=2)
    [line] = [line for line in error.splitlines() if line.startswith("error: ")]
    assert f"RAY_ADDRESS names a Ray cluster, but got {address!r}: " in line and why in line
    assert not (tool.cwd / "studies.journal").exists()


def test_a_cluster_that_does_not_start_is_one_line_that_says_what_room_it_has(monkeypatch, tmp_path):
    def fail(**settings):
        raise RuntimeError("The node timed out.\n  at raylet.cc:12\n  at gcs.cc:30")

    monkeypatch.setattr(engine, "ray", SimpleNamespace(is_initialized=lambda: False, init=fail))
    monkeypatch.setattr(engine.shutil, "disk_usage", lambda folder: SimpleNamespace(free=3 << 20))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with pytest.raises(FailureError) as caught:
        engine.check(StudyConfig(space="msg", engine="ray"))
    told = str(caught.value)
    assert "\n" not in told and "timed out" in told and f"3 MB in {tmp_path}" in told and "--engine optuna" in told


#: What /dev/shm and /tmp hold, and the exit code of a search: Ray's objects have room in either.
ROOMS = {"64m 1g": 0, "1m 1g": 0, "64m 200k": 1}


@pytest.mark.slow
@pytest.mark.parametrize("rooms", ROOMS)
def test_ray_in_a_container_of_little_shared_memory_runs_or_is_one_line(tmp_path, tool, rooms):
    """In a mount namespace; /dev/shm is 64 MB in a container where nobody asked for more."""
    alone = ["unshare", "-m"]
    if not shutil.which("unshare") or subprocess.run([*alone, "mount", "-t", "tmpfs", "none", "/dev/shm"]).returncode:
        pytest.skip("needs the right to mount, as root has it")
    shm, tmp = rooms.split()
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # short, as Ray's sockets lie in it
    mounts = f"mount -t tmpfs -o size={shm} none /dev/shm && mount -t tmpfs -o size={tmp} none {folder}"
    search = f"{sys.executable} -m vitspace search --space small.yaml --proxy params --accuracy proxy --anchors none"
    command = f"{mounts} && exec {search} --trials 3 --study s --engine ray --json"
    env = tool.env | {"RAY_TMPDIR": str(folder)}
    done = subprocess.run([*alone, "sh", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True)
    folder.rmdir()
    assert done.returncode == ROOMS[rooms] and "Traceback" not in done.stderr, done.stderr
    if ROOMS[rooms]:
        [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert f"0 MB in {folder}" in line
    else:
        assert len(completed(json.loads(done.stdout))) == 3


@pytest.mark.slow
def test_a_study_without_room_on_the_cluster_is_not_stored(tool):
    _, error = tool.end(tool.search("--engine", "ray", "--gpus", 64), check=2, foreign=True)
    assert "error: an evaluation needs 64 GPU, but the Ray cluster has 0" in error
    assert not (tool.cwd / "studies.journal").exists()


OTHER_CODE = """
import ray
import vitspace
from vitspace.errors import InputError
from vitspace.searching import checks

checks.sources_of = lambda *modules: "of another version"
try:
    vitspace.search("small.yaml", study="s", proxy="noop", sampler="random", engine="ray", trials=3, workers=1)
except InputError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_node_of_another_version_is_refused_and_no_trial_is_lost(tmp_path, tool):
    (tmp_path / "study.py").write_text(OTHER_CODE)
    command = [sys.executable, "study.py"]
    done = subprocess.run(command, cwd=tmp_path, env=tool.env, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    refused = (
        "a node of the Ray cluster cannot evaluate for this study: the code of vitspace, or of the proxy, is not here"
    )
    assert done.stdout.startswith(refused)
    trials = StudyStore.open(str(tmp_path / "studies.journal"), "s").frozen()
    assert trials and not any(trial.state == TrialState.RUNNING for trial in trials) and not tool.scored()


@pytest.mark.slow
def test_a_lost_node_loses_no_trial(tmp_path, tool):
    (tmp_path / "study.py").write_text(SCRIPT)
    env = tool.env | {"RAY_worker_niceness": "0"}
    done = subprocess.run(
        [sys.executable, "study.py"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / "out.json").read_text())
    [killed] = data["killed"]  # the design that was being scored on the node
    assert len(completed(data)) == 10 and killed in {trial["spec_id"] for trial in completed(data)}
    assert [spec for spec, seed, _ in tool.scored() if seed == "0"].count(killed) == 2
