import sys

import pytest

from vitspace.cli import main


@pytest.fixture(autouse=True)
def _made_up_latency(monkeypatch):
    """Searches in this process take a network's multiply-adds for its milliseconds."""
    from vitspace.costs import cost
    from vitspace.latency import Latency

    def measure(spec, settings):
        ms = cost(spec).macs / 1e8
        return Latency(ms, ms, ms, ms, ms, ms, 1.0, 1.0, 0.0, "eager", settings.runs, 1, 1, "float32", "test")

    monkeypatch.setattr("vitspace.searching.evaluate.measure", measure)


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Call the command line in an empty folder; return its code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["vitspace", *args])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return run
