"""What a kept number depends on: the code it comes from, and no other."""

import ast
import importlib
import sys
from types import ModuleType

import pytest

import vitspace.families  # noqa: F401 (the roots below are loaded)
from vitspace import sources
from vitspace.sources import PACKAGE, followed, sources_of

#: The modules whose code decides what is kept on a machine; see the callers of `sources_of`.
ROOTS = [
    "vitspace.costs.parts",
    "vitspace.families",
    "vitspace.latency.measuring",
    "vitspace.latency.work",
    "vitspace.proxies.scores",
    "vitspace.proxies.training.train",
    "vitspace.space.exploring",
]
FILES = {
    "__init__": "",
    "low": "SIZE = 1",
    "high": "from house.low import SIZE",
    "checked": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.low import SIZE\n",
    "late": "def size():\n    from house.low import SIZE\n    return SIZE\n",
    "room/__init__": "import importlib\n\nload = lambda name: importlib.import_module(f'{__name__}.{name}')\n",
    "room/chair": "import house.low",
    "room/_leg": "",
}


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A package of some modules."""
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "house"
    (folder / "room").mkdir(parents=True)
    for name, text in FILES.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def digests(house, name):
    return {module: source.digest for module, source in followed([f"house.{name}"], house).items()}


@pytest.mark.parametrize(
    ("name", "modules"),
    [
        ("high", {"house.high", "house.low"}),
        ("checked", {"house.checked"}),
        ("late", {"house.late"}),
        ("room", {"house.room", "house.room.chair", "house.low"}),
    ],
)
def test_imports_are_followed(house, name, modules):
    assert digests(house, name).keys() == modules


@pytest.mark.parametrize(("text", "same"), [('"""Words."""\n\nSIZE = 1  # why', True), ("SIZE = 2", False)])
def test_code_counts_and_words_do_not(house, text, same):
    before = digests(house, "high")
    (house / "low.py").write_text(text)
    assert (digests(house, "high") == before) == same


def test_what_was_read_before_is_looked_up(house, monkeypatch):
    before = digests(house, "high")
    sources._known.cache_clear()
    monkeypatch.setattr(sources, "read_source", None)
    assert digests(house, "high") == before


@pytest.mark.parametrize("root", ROOTS)
def test_what_is_kept_does_not_depend_on_reports_and_searches(root):
    found = followed([root]).keys() - {"vitspace.plots.schematic"}  # by which a spec draws itself
    rooms = {name.split(".")[1] for name in found}
    assert not rooms & {
        "analysis",
        "api",
        "cli",
        "export",
        "fidelity",
        "plots",
        "profile",
        "report",
        "searching",
        "study",
    }


def test_no_module_that_decides_a_number_imports_inside_a_function():
    """Such an import would not be followed."""
    late = set()
    for name in followed(ROOTS):
        path = PACKAGE.joinpath(*name.split(".")[1:])
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
        inside = [node for each in functions for node in ast.walk(each) if isinstance(node, ast.ImportFrom)]
        late |= {(name, node.module) for node in inside if node.module and node.module.startswith("vitspace")}
    # An anchor's status is told by costs, and nothing that is kept is told by a status.
    assert late == {("vitspace.anchors", "vitspace.anchors.counting")}


@pytest.fixture
def forgetful():
    yield
    sources_of.cache_clear()
    sources._other.cache_clear()


def again(module):
    sources_of.cache_clear()
    sources._other.cache_clear()
    return sources_of(module)


def test_every_module_of_another_package_counts(tmp_path, monkeypatch, forgetful):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "spread_family" / "deep").mkdir(parents=True)
    for module in ("__init__", "plain", "deep/__init__", "deep/layers"):
        (tmp_path / "spread_family" / f"{module}.py").write_text("SIZE = 1")
    importlib.import_module("spread_family.plain")
    before = sources_of("spread_family.plain")
    assert again("spread_family.plain") == before
    (tmp_path / "spread_family" / "deep" / "layers.py").write_text("SIZE = 2")
    assert again("spread_family.plain") != before
    for name in ("spread_family", "spread_family.plain"):
        del sys.modules[name]


def test_what_has_no_source_is_never_what_was_there_before(monkeypatch, forgetful):
    monkeypatch.setitem(sys.modules, "spread_notebook", ModuleType("spread_notebook"))
    first = sources_of("spread_notebook")
    assert sources_of("spread_notebook") == first
    assert again("spread_notebook") != first
