"""The direction of imports: a module imports only from layers below its own, and only what is public there."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import vitspace

ROOT = Path(vitspace.__file__).parent

# From the bottom; those on one line may import each other, never in a circle.
LADDER = [
    {"errors", "interrupts"},
    {"about", "units", "pareto", "statistics", "files", "cache", "machine", "tracking"},
    {"sources"},
    {"plots"},
    {"budget", "spec"},
    {"anchors", "layers", "network"},
    {"fitting"},
    {"families"},
    {"costs"},
    {"accuracy"},
    {"latency"},
    {"space"},
    {"study"},
    {"data", "design"},
    {"proxies"},
    {"training"},
    {"searching", "profile", "fidelity", "analysis"},
    {"report"},
    {"export", "api"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(LADDER) for name in names}

#: Late imports that save a command seconds, each with what is not loaded without need.
SAVING = {
    "latency/gate.py imports vitspace.latency.calibration": "scipy, where no latency is limited",
    "latency/gate.py imports vitspace.latency.counted": "scipy, where no latency is limited",
    "profile/memory.py imports vitspace.network": "torch, in the process that starts the one that is measured",
    "space/space.py imports vitspace.latency": "the back ends, where a space is only drawn from",
}


@dataclass(frozen=True)
class Import:
    """An import of ours: the importing file, the module imported from, the names taken, whether inside a function."""

    path: str
    module: str
    names: tuple[str, ...]
    late: bool

    @property
    def owner(self) -> str:
        """The package or root module that the file is in."""
        return self.path.split("/")[0].removesuffix(".py")

    @property
    def target(self) -> str:
        """The package or root module that is imported from; empty of the package itself."""
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.path} imports {'.'.join(filter(None, ['vitspace', self.module]))}"


def imports(root: Path) -> list[Import]:
    """Return every import of ours under a folder, those inside functions and for type checkers too."""
    found = []
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for node, late in _walk(ast.parse(path.read_text()), False):
            found += [Import(name, module, names, late) for module, names in _ours(node)]
    return found


def _walk(node: ast.AST, late: bool) -> Iterator[tuple[ast.AST, bool]]:
    late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield child, late
        yield from _walk(child, late)


def _ours(node: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "vitspace":
        module = node.module.partition(".")[2]
        names = tuple(alias.name for alias in node.names)
        if module:
            yield module, names
        else:  # from vitspace import x
            yield from ((name, ()) for name in names if name in LEVEL)
    elif isinstance(node, ast.Import):
        yield from ((a.name.partition(".")[2], ()) for a in node.names if a.name.startswith("vitspace."))


def upward(found: list[Import]) -> set[str]:
    """Imports from a layer above."""
    return {str(each) for each in found if each.owner in LEVEL and LEVEL[each.target] > LEVEL[each.owner]}


def circles(found: list[Import]) -> set[str]:
    """Pairs of packages that import each other, late imports counted."""
    arrows = {(each.owner, each.target) for each in found if each.owner != each.target}
    return {f"{a} and {b} import each other" for a, b in arrows if (b, a) in arrows and a < b}


def late(found: list[Import]) -> set[str]:
    """Imports inside functions, outside the command line."""
    return {str(each) for each in found if each.late and each.owner != "cli"}


def private(found: list[Import]) -> set[str]:
    """Names or modules with a leading underscore, taken from another package."""
    return {
        f"{each}: {name}"
        for each in found
        if each.owner != each.target
        for name in (*each.module.split("."), *each.names)
        if name.startswith("_") and name != "__version__"
    }


RULES = {"upward": upward, "circles": circles, "late": late, "private": private}


@pytest.fixture(scope="module")
def ours():
    return imports(ROOT)


def test_every_module_has_a_place(ours):
    names = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in ROOT.rglob("*.py")}
    assert names - {"__init__", "__main__"} == set(LEVEL)


@pytest.mark.parametrize("rule", RULES)
def test_imports_keep_the_rule(rule, ours):
    assert RULES[rule](ours) - SAVING.keys() == set()


def test_no_exception_has_outlived_its_reason(ours):
    broken = set().union(*(rule(ours) for rule in RULES.values()))
    assert SAVING.keys() - broken == set()


# What the rules find, on planted trees.


def planted(root: Path, **sources: str) -> list[Import]:
    for name, text in sources.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return imports(root)


def test_an_upward_import_is_found(tmp_path):
    found = planted(tmp_path, costs__parts="from vitspace.space import Space")
    assert upward(found) == {"costs/parts.py imports vitspace.space"}


def test_packages_that_import_each_other_are_found_by_a_late_import_too(tmp_path):
    one = "def draw():\n    from vitspace.report.words import headline"
    found = planted(tmp_path, fidelity__figure=one, report__words="from vitspace.fidelity import cards")
    assert circles(found) == {"fidelity and report import each other"}
    assert circles(planted(tmp_path, fidelity__figure="import json")) == set()


def test_a_late_import_is_found_outside_the_command_line(tmp_path):
    text = "class Study:\n    def report(self):\n        from vitspace.report import write_report"
    found = planted(tmp_path, study__record=text, cli__report=text)
    assert late(found) == {"study/record.py imports vitspace.report"}


@pytest.mark.parametrize("text", ["from vitspace.report.words import _count", "from vitspace.report import _words"])
def test_a_private_name_or_module_of_another_package_is_found(text, tmp_path):
    found = planted(tmp_path, export__card=text, report__page=text)
    assert private(found) == {f"export/card.py imports {text.split()[1]}: {text.split()[3]}"}
    deep = planted(tmp_path, export__card="import vitspace.report._words.count")
    assert private(deep) == {"export/card.py imports vitspace.report._words.count: _words"}


def test_imports_of_the_package_itself_are_followed(tmp_path):
    found = planted(tmp_path, costs__parts="from vitspace import __version__, space")
    assert upward(found) == {"costs/parts.py imports vitspace.space"} and private(found) == set()
