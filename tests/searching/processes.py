"""Real processes of the command line, with the proxy of noop.py registered."""

import json
import os
import sys
import time
from pathlib import Path

import pytest
from blank import blank_figures
from forks import FORKS

SPACE = """
family: msg
axes:
  dim: {values: [16, 32, 48, 64, 80, 96, 112, 128], scale: [1, 2, 4, 8]}
  depth: {each: [1, 2]}
  head_dim: [16]
  mlp_ratio: {each: [1, 2]}
"""
HERE = Path(__file__).parent


def run_command(args, cwd, env, out, log):
    """Be the process `vitspace ARGS`; its workers are processes of their own in any case."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ |= env
    sys.path[:0] = env["PYTHONPATH"].split(os.pathsep)
    for number, path in ((1, out), (2, log)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))
    sys.argv = ["vitspace", *args]
    from vitspace.cli import main

    with pytest.MonkeyPatch.context() as patch:
        blank_figures(patch)
        main()


class Command:
    """A running command: what it prints is in two files."""

    def __init__(self, args, cwd, env, number):
        self.out, self.log = (cwd / f"{name}-{number}" for name in ("stdout", "stderr"))
        self.out.touch()
        self.log.touch()
        self.process = FORKS.Process(target=run_command, args=(args, cwd, env, self.out, self.log))
        self.process.start()
        self.pid, self.kill, self.terminate = self.process.pid, self.process.kill, self.process.terminate

    def poll(self):
        return self.process.exitcode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout=None):
        """Return the exit code; TimeoutError where it still runs then."""
        self.process.join(timeout)
        if self.poll() is None:
            raise TimeoutError(f"still running after {timeout} s: {self.log.read_text()}")
        return self.poll()


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
        self.started.append(Command([str(arg) for arg in args], self.cwd, self.env | env, len(self.started)))
        return self.started[-1]

    def search(self, *args, proxy="noop", trials=8, resume=False, **env):
        """Start a search of study s, or go on with it."""
        what = (
            ["--resume"]
            if resume
            else ["--space", "small.yaml", "--proxy", proxy, "--sampler", "random", "--accuracy", "proxy"]
        )
        alone = [] if "--workers" in args or "--engine" in args else ["--workers", 0]
        options = ["--study", "s", "--storage", self.storage, "--trials", trials, "--json"]
        return self.start("search", *what, *options, *alone, *args, **env)

    def worker(self, *args, **env):
        """Start a worker of study s."""
        return self.start("worker", "s", "--storage", self.storage, *args, **env)

    def end(self, command, check=0, timeout=200, foreign=False):
        """Wait for a command; return its JSON and its standard error; ``foreign`` programs may print tracebacks."""
        code, out, error = command.wait(timeout), command.out.read_text(), command.log.read_text()
        assert code == check, error
        assert foreign or "Traceback" not in error, error
        return json.loads(out) if out else None, error

    def scored(self):
        """(spec id, seed, pid) of every scoring that began."""
        log = self.cwd / "scored.log"
        return [tuple(line.split()) for line in log.read_text().splitlines()] if log.exists() else []

    def go(self):
        """Let scorings go on that ``noop:hold`` holds."""
        (self.cwd / "go").touch()

    def wait_for(self, condition, timeout=150):
        """Wait until a condition holds."""
        deadline = time.monotonic() + timeout
        while not (found := condition()):
            failed = any((command.poll() or 0) > 0 for command in self.started)
            assert time.monotonic() < deadline and not failed, [c.log.read_text() for c in self.started]
            time.sleep(0.05)
        return found

    def close(self):
        for command in self.started:
            if command.poll() is None:
                command.terminate()
        for command in self.started:
            try:
                command.wait(30)
            except TimeoutError:
                command.kill()
                command.process.join()


def completed(data):
    """The completed trials, each design once."""
    trials = [trial for trial in data["trials"] if trial["state"] == "complete"]
    assert len({trial["spec_id"] for trial in trials}) == len(trials)
    return trials
