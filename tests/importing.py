"""Reads the imports of a package: plain ones, those inside functions, and those of modules by name."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "vitspace"
#: Functions that load a module by its name.
LOADERS = ("import_module", "__import__")
#: Public names of named tuples.
TUPLES = ("_asdict", "_fields", "_make", "_replace")
#: Stands for the module that is loaded where its name cannot be read.
UNREADABLE = "?"


@dataclass(frozen=True)
class Import:
    """An import of ours.

    Attributes:
        path: The importing file.
        module: The module imported from, without the package's name.
        names: The names taken from it.
        late: Whether it stands inside a function.
        by_name: Whether the module is loaded by its name, as a text.
    """

    path: str
    module: str
    names: tuple[str, ...] = ()
    late: bool = False
    by_name: bool = False

    @property
    def owner(self) -> str:
        """The package or root module that the file is in."""
        return self.path.split("/")[0].removesuffix(".py")

    @property
    def target(self) -> str:
        """The package or root module that is imported from."""
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.path} imports {PACKAGE}.{self.module}"


def imports(root: Path) -> list[Import]:
    """Return every import of ours under a folder, those for type checkers too, each once."""
    homes = _homes(root / "__init__.py")
    files = [_File(path, root, homes) for path in sorted(root.rglob("*.py"))]
    return list(dict.fromkeys(each for file in files for each in file.imports()))


def _homes(path: Path) -> dict[str, str]:
    """Return the modules of the names that the package itself loads when they are first asked for."""
    if not path.exists():
        return {}
    tables = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Dict)]
    pairs = [pair for table in tables for pair in zip(table.keys, table.values, strict=True)]
    return {key.value: home for key, value in pairs if isinstance(key, ast.Constant) and (home := _ours(_text(value)))}


class _File:
    """A module's file, and what is imported in it."""

    def __init__(self, path: Path, root: Path, homes: dict[str, str]) -> None:
        self.path, self.homes, self.tree = path.relative_to(root).as_posix(), homes, ast.parse(path.read_text())
        names = self.path.removesuffix(".py").removesuffix("__init__").strip("/").split("/")
        self.name = ".".join([PACKAGE, *filter(None, names)])
        inside = [PACKAGE, *self.path.split("/")[:-1]]
        self.packages = [".".join(inside[: len(inside) - up]) for up in range(len(inside))]

    def imports(self) -> Iterator[Import]:
        """Give all imports of ours."""
        for node, late in _walk(self.tree, False):
            for module, names in self._imported(node):
                yield Import(self.path, module, names, late)
            if isinstance(node, ast.Call) and _called(node) in LOADERS:
                for module in self._loaded(node):
                    yield Import(self.path, module, (), late, by_name=True)
        yield from self._attributes()

    def _attributes(self) -> Iterator[Import]:
        """Give the private names that are taken from what is imported, as in ``formats._plain``."""
        bound: dict[str, str] = {}
        for node in ast.walk(self.tree):
            names = [each.asname or each.name for each in getattr(node, "names", []) if isinstance(each, ast.alias)]
            if homes := [module for module, _ in self._imported(node)] if names else []:
                bound |= dict(zip(names, homes if len(homes) == len(names) else homes * len(names), strict=False))
        for node in ast.walk(self.tree):
            private = isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr) and node.attr not in TUPLES
            if private and (module := bound.get(ast.unparse(node.value))):
                yield Import(self.path, module, (node.attr,))

    def _imported(self, node: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
        if isinstance(node, ast.ImportFrom):
            above = self.packages[node.level - 1] if node.level else ""
            module = ".".join(filter(None, [above, node.module]))
            names = tuple(alias.name for alias in node.names)
            if module == PACKAGE:
                yield from ((self.homes.get(name, name), ()) for name in names if not name.startswith("__"))
            elif ours := _ours(module):
                yield ours, names
        elif isinstance(node, ast.Import):
            yield from ((ours, ()) for alias in node.names if (ours := _ours(alias.name)))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == PACKAGE:
            yield from ((self.homes[name], ()) for name in [node.attr] if name in self.homes)

    def _loaded(self, call: ast.Call) -> list[str]:
        """Return the modules that a call loads by name: of one it cannot read, all that the file's texts name."""
        name = self._start(call.args[0]) if call.args else ""
        if name.startswith("."):
            name = self.packages[0] + name
        if name:
            return [ours] if (ours := _ours(name)) else []
        texts = (self._start(node) for node in ast.walk(self.tree) if isinstance(node, ast.Constant | ast.JoinedStr))
        found = [ours for text in texts if re.fullmatch(r"[\w.]+", text) and (ours := _ours(text))]
        return sorted(set(found)) or [UNREADABLE]

    def _start(self, node: ast.AST) -> str:
        """Return a text as far as it can be read."""
        start = ""
        for part in node.values if isinstance(node, ast.JoinedStr) else [node]:
            value = part.value if isinstance(part, ast.FormattedValue) else part
            if isinstance(value, ast.Name) and value.id == "__name__":
                start += self.name
            elif text := _text(value):
                start += text
            else:
                break
        return start


def _walk(node: ast.AST, late: bool) -> Iterator[tuple[ast.AST, bool]]:
    late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield child, late
        yield from _walk(child, late)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _text(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _ours(name: str) -> str:
    """Return a module's name without the package's; an empty text of another package's."""
    package, _, module = name.partition(".")
    return module.strip(".") if package == PACKAGE else ""
