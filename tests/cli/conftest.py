import sys

import pytest

from vitspace.cli import main


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
