"""The direction of imports: a module imports only from layers below its own, and only what is public there."""

from pathlib import Path

import pytest
from importing import UNREADABLE, Import, imports

import vitspace

ROOT = Path(vitspace.__file__).parent

# From the bottom; those on one line may import each other, never in a circle.
LADDER = [
    {"errors", "interrupts"},
    {
        *("about", "units", "precision", "words", "image_sizes", "carry", "pareto", "statistics", "bounds"),
        *("locks", "files", "folders", "cache", "machine", "tracking"),
    },
    {"sources"},
    {"plots"},
    {"budget", "spec", "sized", "measured", "doubt"},
    {"layers", "network"},
    {"fitting", "costs", "sharing"},
    {"anchors"},
    {"families"},
    {"tasks"},
    {"accuracy"},
    {"latency"},
    {"space"},
    {"study"},
    {"data", "design"},
    {"proxies"},
    {"training", "supernet"},
    {"searching", "profile", "fidelity", "analysis"},
    {"report"},
    {"export", "api"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(LADDER) for name in names}

#: Late imports that save a command seconds, each with what is not loaded without need.
SAVING = {
    "anchors/__init__.py imports vitspace.anchors.counting": "torch, where the costs of the published rows are kept",
    "latency/gate.py imports vitspace.latency.calibration": "scipy, where no latency is limited",
    "latency/gate.py imports vitspace.latency.counted": "scipy, where no latency is limited",
    "latency/gate.py imports vitspace.latency.devices": "scipy, where no latency is limited",
    "profile/memory.py imports vitspace.tasks.building": "torch, in the process that starts the one that is measured",
    "searching/engines/_lazy.py": "an engine's package, where it is only asked what the engine can do",
    "space/space.py imports vitspace.latency": "the back ends, where a space is only drawn from",
    "spec.py imports vitspace.families": "torch, where no spec is read: the families register their parts in spec.py",
}
#: Files that load the modules of their own folder by name, each with what a module's name is.
REGISTRIES = {
    "data/__init__.py": "a source of images",
    "families/__init__.py": "a family",
    "proxies/combinations/__init__.py": "a combination of scores",
    "proxies/registry.py": "a proxy",
    "proxies/scores/__init__.py": "a training-free score",
    "searching/engines/__init__.py": "an engine",
    "tasks/heads/__init__.py": "a dense task",
}
#: Packages whose names are loaded when first asked for, each with what is not loaded without need.
LAZY = {
    "__init__.py": "torch, by `import vitspace` and `vitspace --help`",
}


def upward(found: list[Import]) -> set[str]:
    """Imports from a layer above."""
    return {str(each) for each in found if each.owner in LEVEL and LEVEL.get(each.target, 0) > LEVEL[each.owner]}


def circles(found: list[Import]) -> set[str]:
    """Groups of packages that import each other, directly or by way of others, late imports counted."""
    arrows: dict[str, set[str]] = {}
    for each in found:
        if each.owner != each.target and str(each) not in SAVING:
            arrows.setdefault(each.owner, set()).add(each.target)
    reached = {name: _reached(name, arrows) for name in arrows}
    groups = {frozenset(name for name in reached[start] if start in reached.get(name, ())) for start in arrows}
    return {f"{' and '.join(sorted(group))} import each other" for group in groups if group}


def _reached(start: str, arrows: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = arrows.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def late(found: list[Import]) -> set[str]:
    """Imports inside functions, outside the command line, registries and lazy packages."""
    return {str(each) for each in found if each.late and each.owner != "cli" and not _by_design(each)}


def _by_design(each: Import) -> bool:
    if each.module == UNREADABLE:
        return True  # which is a rule of its own
    own = each.path.rpartition("/")[0].replace("/", ".")
    in_own_folder = f"{each.module}.".startswith(f"{own}.")
    return each.by_name and (each.path in LAZY or (each.path in REGISTRIES and in_own_folder))


def private(found: list[Import]) -> set[str]:
    """Names or modules with a leading underscore, taken from another package."""
    return {
        f"{each}: {name}"
        for each in found
        if each.owner != each.target
        for name in (*each.module.split("."), *each.names)
        if name.startswith("_")
    }


def unreadable(found: list[Import]) -> set[str]:
    """Modules loaded by a name that nothing in the file tells."""
    return {each.path for each in found if each.module == UNREADABLE}


RULES = {"upward": upward, "circles": circles, "late": late, "private": private, "unreadable": unreadable}


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
    assert {
        each.path for each in ours if each.by_name and not {str(each), each.path} & SAVING.keys()
    } == REGISTRIES.keys() | LAZY.keys()


# What the rules find, on planted trees.


def planted(root: Path, sources: dict[str, str]) -> list[Import]:
    for name, text in sources.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return imports(root)


def test_an_upward_import_is_found(tmp_path):
    found = planted(tmp_path, {"costs/parts.py": "from vitspace.space import Space"})
    assert upward(found) == {"costs/parts.py imports vitspace.space"}


def test_packages_that_import_each_other_are_found_by_a_late_import_too(tmp_path):
    one = "def draw():\n    from vitspace.report.words import headline"
    found = planted(tmp_path, {"fidelity/figure.py": one, "report/words.py": "from vitspace.fidelity import cards"})
    assert circles(found) == {"fidelity and report import each other"}
    assert circles(planted(tmp_path, {"fidelity/figure.py": "import json"})) == set()


def test_a_circle_of_three_packages_is_found(tmp_path):
    one = "def run():\n    from vitspace.costs import cost"
    found = planted(
        tmp_path,
        {"costs/parts.py": "import vitspace.budget", "budget.py": "from vitspace.units import read", "units.py": one},
    )
    assert circles(found) == {"budget and costs and units import each other"}
    assert circles(planted(tmp_path, {"units.py": "import math"})) == set()


def test_a_late_import_is_found_outside_the_command_line(tmp_path):
    text = "class Study:\n    def report(self):\n        from vitspace.report import write_report"
    found = planted(tmp_path, {"study/record.py": text, "cli/report.py": text})
    assert late(found) == {"study/record.py imports vitspace.report"}


@pytest.mark.parametrize("text", ["from vitspace.report.words import _count", "from vitspace.report import _words"])
def test_a_private_name_or_module_of_another_package_is_found(text, tmp_path):
    found = planted(tmp_path, {"export/card.py": text, "report/page.py": text})
    assert private(found) == {f"export/card.py imports {text.split()[1]}: {text.split()[3]}"}
    deep = planted(tmp_path, {"export/card.py": "import vitspace.report._words.count"})
    assert private(deep) == {"export/card.py imports vitspace.report._words.count: _words"}


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ("from vitspace.report import words\nwords._count()", "report"),
        ("import vitspace.report.words as words\nwords._count()", "report.words"),
        ("import vitspace.report.words\nvitspace.report.words._count()", "report.words"),
        ("from vitspace.report.words import Headline\ndef f():\n    return Headline._count", "report.words"),
    ],
)
def test_a_private_name_is_found_where_it_is_taken_as_an_attribute(text, module, tmp_path):
    found = planted(tmp_path, {"export/card.py": text, "report/page.py": text})
    assert private(found) == {f"export/card.py imports vitspace.{module}: _count"}
    assert late(found) == set()
    assert private(planted(tmp_path, {"export/card.py": text.replace("_count", "_replace")})) == set()


def test_imports_of_the_package_itself_are_followed(tmp_path):
    found = planted(tmp_path, {"costs/parts.py": "from vitspace import __version__, space"})
    assert upward(found) == {"costs/parts.py imports vitspace.space"} and private(found) == set()


@pytest.mark.parametrize("text", ["from .. import space", "from ..space import Space", "from ..space.axes import Axes"])
def test_a_relative_import_is_followed(text, tmp_path):
    found = planted(tmp_path, {"costs/parts.py": text})
    assert [each.target for each in found] == ["space"] and len(upward(found)) == 1


@pytest.mark.parametrize(
    "call",
    [
        "importlib.import_module('vitspace.space.moves')",
        "import_module('vitspace.space.' + name)",
        "import_module(f'vitspace.space.{name}')",
        "__import__('vitspace.space')",
    ],
)
def test_a_module_that_is_loaded_by_name_is_found(call, tmp_path):
    found = planted(
        tmp_path, {"costs/parts.py": f"def count(name):\n    return {call}", "space/moves.py": "import vitspace.costs"}
    )
    assert {each.target for each in found if each.owner == "costs"} == {"space"}
    assert len(upward(found)) == len(late(found)) == 1
    assert circles(found) == {"costs and space import each other"}


def test_the_modules_of_a_name_that_cannot_be_read_are_those_that_the_file_names(tmp_path):
    lazy = "HOMES = {'cost': 'vitspace.costs.networks'}\ndef __getattr__(name):\n    return import_module(HOMES[name])"
    found = planted(tmp_path, {"units.py": lazy, "costs/networks.py": "import vitspace.units"})
    assert upward(found) == {"units.py imports vitspace.costs.networks"}
    assert circles(found) == {"costs and units import each other"}
    assert unreadable(planted(tmp_path, {"pareto.py": "def load(name):\n    return import_module(name)"})) == {
        "pareto.py"
    }


@pytest.mark.parametrize("text", ["from vitspace import cost", "import vitspace\nvitspace.cost"])
def test_a_lazy_name_of_the_package_is_an_import_of_its_home(text, tmp_path):
    lazy = "_HOMES = {'cost': 'vitspace.costs.networks'}"
    assert upward(planted(tmp_path, {"__init__.py": lazy, "pareto.py": text})) == {
        "pareto.py imports vitspace.costs.networks"
    }


def test_a_registry_loads_by_name_from_its_own_folder_only(tmp_path):
    text = "def load(name):\n    return import_module(f'{__name__}.{name}')"
    assert late(planted(tmp_path, {"data/__init__.py": text})) == set()
    other = planted(
        tmp_path, {"data/__init__.py": "def load(name):\n    return import_module(f'vitspace.families.{name}')"}
    )
    assert late(other) == {"data/__init__.py imports vitspace.families"}
