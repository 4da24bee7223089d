"""Real processes of the command line, with the proxy of noop.py registered."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

SPACE = """
family: msg
axes:
  dim: {values: [16, 32, 48, 64, 80, 96, 112, 128], scale: [1, 2, 4, 8]}
  depth: {each: [1, 2]}
  head_dim: [16]
  mlp_ratio: {each: [1, 2]}
"""
HERE = Path(__file__).parent


class Tool:
    """Runs `vitspace` in a folder with a small space; kills what a test leaves running."""

    def __init__(self, cwd, plugins, storage="studies.journal"):
        self.cwd, self.storage, self.started = cwd, storage, []
        (cwd / "small.yaml").write_text(SPACE)
        paths = [str(plugins), str(HERE), str(HERE.parent.parent)]
        fast = {"VITSPACE_LEASE": "3", "VITSPACE_HEARTBEAT": "0.5", "VITSPACE_PATIENCE": "30"}
        self.env = os.environ | {"PYTHONPATH": ":".join(paths), "OMP_NUM_THREADS": "1", "COLUMNS": "160"} | fast

    def start(self, *args, **env):
        """Start a command."""
        out, log = (self.cwd / f"{name}-{len(self.started)}" for name in ("stdout", "stderr"))
        command = [sys.executable, "-m", "vitspace", *map(str, args)]
        with out.open("w") as stdout, log.open("w") as stderr:
            process = subprocess.Popen(command, cwd=self.cwd, env=self.env | env, stdout=stdout, stderr=stderr)
        process.out, process.log = out, log
        self.started.append(process)
        return process

    def search(self, *args, proxy="noop", trials=8, resume=False, **env):
        """Start a search of study s, or go on with it."""
        what = ["--resume"] if resume else ["--space", "small.yaml", "--proxy", proxy, "--sampler", "random"]
        options = ["--study", "s", "--storage", self.storage, "--trials", trials, "--json"]
        return self.start("search", *what, *options, *args, **env)

    def worker(self, *args, **env):
        """Start a worker of study s."""
        return self.start("worker", "s", "--storage", self.storage, *args, **env)

    def end(self, process, check=0, timeout=200):
        """Wait for a command; return its JSON and its standard error."""
        process.wait(timeout)
        out = process.out.read_text()
        error = process.log.read_text()
        assert process.returncode == check, error
        assert "Traceback" not in error, error
        return json.loads(out) if out else None, error

    def scored(self):
        """(spec id, seed, pid) of every scoring that began."""
        log = self.cwd / "scored.log"
        return [tuple(line.split()) for line in log.read_text().splitlines()] if log.exists() else []

    def wait_for(self, condition, timeout=150):
        """Wait until a condition holds."""
        deadline = time.monotonic() + timeout
        while not (found := condition()):
            failed = any((process.poll() or 0) > 0 for process in self.started)
            assert time.monotonic() < deadline and not failed, [p.log.read_text() for p in self.started]
            time.sleep(0.05)
        return found

    def close(self):
        for process in self.started:
            if process.poll() is None:
                process.terminate()
        for process in self.started:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def completed(data):
    """The completed trials, each design once."""
    trials = [trial for trial in data["trials"] if trial["state"] == "complete"]
    assert len({trial["spec_id"] for trial in trials}) == len(trials)
    return trials
