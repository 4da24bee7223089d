"""docs/architecture.md shows the layers that tests/test_imports.py holds the code to, and every package."""

import re
from pathlib import Path

from test_imports import LADDER, ROOT

PAGE = (Path(__file__).parents[2] / "docs/architecture.md").read_text()


def test_the_layers_are_those_of_the_imports():
    section = PAGE.partition("## Which imports are allowed")[2]
    block = re.search(r"```text\n(.*?)```", section, re.DOTALL)[1]
    assert [set(line.split(", ")) for line in reversed(block.splitlines())] == LADDER


def test_every_package_and_module_is_in_the_layout():
    table = PAGE.partition("## The layout")[2].partition("## Which")[0]
    packages = {f"{path.parent.name}/" for path in ROOT.glob("*/__init__.py")}
    modules = {path.name for path in ROOT.glob("*.py") if not path.name.startswith("__")}
    assert (packages | modules) - set(re.findall(r"`(\w+(?:/|\.py))`", table)) == set()
