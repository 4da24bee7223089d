"""Every block of Python, YAML and TOML in a document is one, and the names of ours that it uses are there."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "reports").rglob("*.md")]
BLOCKS = [
    pytest.param(language, text, id=f"{page.relative_to(ROOT)}-{number}")
    for page in sorted(PAGES)
    for number, (language, text) in enumerate(
        re.findall(r"^```(python|yaml|toml)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL), start=1
    )
]


def missing(code):
    """The names of vitspace that a program uses and that are not there."""
    tree = ast.parse(code)
    wanted = [
        (node.module, name.name) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names
    ]
    wanted += [
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    ]
    ours = [(module, name) for module, name in wanted if module.split(".")[0] == "vitspace"]
    return [f"{module}.{name}" for module, name in ours if not hasattr(importlib.import_module(module), name)]


@pytest.mark.parametrize(("language", "text"), BLOCKS)
def test_a_block_is_of_its_language(language, text):
    if language == "python":
        assert missing(text) == []
    elif language == "yaml":
        assert yaml.safe_load(text)
    else:
        assert tomllib.loads(text)


def test_a_name_that_is_not_there_is_found():
    code = "import vitspace\nfrom vitspace.spec import part, Sepc\nvitspace.serach()\nvitspace.cost(1)"
    assert missing(code) == ["vitspace.spec.Sepc", "vitspace.serach"]
