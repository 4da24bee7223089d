"""The direction of imports: a module imports only from layers below its own."""

import ast
from pathlib import Path

import vitspace

ROOT = Path(vitspace.__file__).parent

# From the bottom; modules on one line may import each other.
LADDER = [
    {"errors", "interrupts"},
    {"about", "units", "pareto", "statistics", "files", "cache", "host", "tracking"},
    {"sources"},
    {"budget", "spec", "plots"},
    {"anchors", "layers", "network"},
    {"families"},
    {"costs"},
    {"accuracy"},
    {"latency"},
    {"space"},
    {"study"},
    {"data", "design"},
    {"proxies"},
    {"training"},
    {"searching", "report", "profile", "fidelity", "analysis", "export"},
    {"api"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(LADDER) for name in names}


def owner(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("vitspace"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names if alias.name in LEVEL}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("vitspace.")}
    return found


def test_every_module_has_a_place():
    names = {owner(path) for path in ROOT.rglob("*.py")} - {"__init__", "__main__"}
    assert names == set(LEVEL)


def test_no_import_points_upward():
    upward = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in ROOT.rglob("*.py")
        if owner(path) not in ("__init__", "__main__")
        for name in imports(path)
        if LEVEL[name] > LEVEL[owner(path)]
    ]
    assert not upward
