"""The tutorial's commands, as a newcomer types them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vitspace.cli import app

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "tutorial.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_first_commands_print_what_the_tutorial_says():
    size, draw = blocks("bash")[0].splitlines()
    printed = CliRunner().invoke(app, size.split()[1:]).stdout
    [designs] = re.findall(r"([\d,]+) distinct designs", printed)
    assert f"There are {designs} such designs" in TEXT
    assert len(CliRunner().invoke(app, draw.split()[1:]).stdout.splitlines()) == 1 + 5


@pytest.mark.slow
def test_the_whole_tutorial_runs(tmp_path):
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "vitspace"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m vitspace "$@"\n')
    program.chmod(0o755)
    env = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    for block in blocks("bash"):
        subprocess.run(["bash", "-euc", block], cwd=tmp_path, env=env, check=True)
    for block in blocks("python"):
        subprocess.run([sys.executable, "-c", block], cwd=tmp_path, check=True)
    assert (tmp_path / "reports" / "first" / "report.md").exists() and (tmp_path / "picked" / "spec.json").exists()
