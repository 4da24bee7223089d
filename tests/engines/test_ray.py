"""The Ray engine on a real cluster of two nodes, one of which is killed in mid-study."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("ray", reason="engine 'ray' needs: pip install 'vitspace[ray]'")

SCRIPT = """
import json
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
from vitspace.engines import Silent
from vitspace.searching import Place, search

class Killer(Silent):
    def ended(self, trial, record):
        if len(record.completed) == 3 and self.nodes:
            cluster.remove_node(self.nodes.pop(), allow_graceful=False)

if __name__ == "__main__":
    fast = {"health_check_period_ms": 1000, "health_check_failure_threshold": 10, "health_check_initial_delay_ms": 0}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": fast})
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    monitor = Killer()
    monitor.nodes = [node]
    settings = {"space": "small.yaml", "proxy": "noop:sleep=0.5", "sampler": "random", "engine": "ray", "trials": 10}
    record, _ = search(settings, Place("studies.journal", "s"), monitor=monitor)
    data = record.to_json() | {"killed": not monitor.nodes}
    Path("out.json").write_text(json.dumps(data))
    ray.shutdown()
    cluster.shutdown()
"""


@pytest.mark.slow
def test_a_lost_node_loses_no_trial(tmp_path, tool):
    (tmp_path / "study.py").write_text(SCRIPT)
    env = tool.env | {"RAY_worker_niceness": "0"}
    done = subprocess.run(
        [sys.executable, "study.py"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["killed"]
    assert len([t for t in data["trials"] if t["state"] == "complete"]) == 10
