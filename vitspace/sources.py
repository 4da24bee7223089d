"""Digests of the code that a kept number comes from, so that other code does not read the number."""

import ast
import hashlib
import platform
import secrets
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from vitspace.cache import cache_path, load, store

PACKAGE = Path(__file__).parent
#: How specs are drawn and families are called decides no number.
_LOOKS = ("vitspace.plots", "vitspace.about")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Source:
    """One of our modules: a digest of its code, and the modules that it imports; ``name.*`` is all of a package."""

    digest: str
    imports: tuple[str, ...]


@cache
def sources_of(*modules: str) -> str:
    """Return a digest of the code of modules and of all that they import.

    Imports between our modules are followed; comments and docstrings do not count. A package that loads its modules by
    name, as the families and the scores are, counts with all of them. Imports inside functions and for type checkers
    are not followed, and what only draws is left out. A module of another package counts with all modules of that
    package; one without a file, such as one typed into a notebook, is like nothing that was there before.
    """
    ours = [name for name in modules if name.partition(".")[0] == PACKAGE.name]
    others = sorted({name.partition(".")[0] for name in modules} - {PACKAGE.name})
    digests = [source.digest for name, source in followed(ours).items() if not name.startswith(_LOOKS)]
    digests += map(_other, others)
    return _short("".join(digests).encode())


def followed(modules: Iterable[str], package: Path = PACKAGE) -> dict[str, Source]:
    """Return modules of a package, and all modules of it that they import, by name, sorted."""
    found: dict[str, Source] = {}
    waiting, known, fresh = list(modules), _known(cache_path()), {}
    while waiting:
        name = waiting.pop()
        path = None if name in found else _file(name, package)
        if path is None:
            continue
        stat = path.stat()
        entry = known.get(str(path))
        if entry is None or entry["stat"] != [stat.st_mtime_ns, stat.st_size]:
            entry = {"stat": [stat.st_mtime_ns, stat.st_size], **asdict(read_source(name, path))}
            known[str(path)] = fresh[str(path)] = entry
        found[name] = Source(entry["digest"], tuple(entry["imports"]))
        waiting += [each for name in found[name].imports for each in _expanded(name, package)]
    if fresh:
        store(_kind(), fresh)
    return dict(sorted(found.items()))


def read_source(name: str, path: Path) -> Source:
    """Read a module's file."""
    tree = ast.parse(path.read_bytes())
    imports = dict.fromkeys(_imports(tree.body, name.partition(".")[0]))
    if path.name == "__init__.py" and "import_module(f'{__name__}." in ast.unparse(tree):
        imports |= {f"{name}.*": None}
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return Source(_short(_dump(tree).encode()), tuple(imports))


def _dump(node: Any) -> str:
    """Write a tree as `ast.dump` does, but the same in every version of Python: what is empty is left out."""
    if isinstance(node, list):
        return f"[{','.join(map(_dump, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    keep = isinstance(node, ast.Constant)
    written = (f"{name}={_dump(value)}" for name, value in ast.iter_fields(node) if keep or value not in (None, []))
    return f"{type(node).__name__}({','.join(written)})"


def _imports(body: Iterable[ast.AST], package: str) -> Iterator[str]:
    """Yield what statements import of the package, those inside functions and for type checkers left out."""
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == package:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == package)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from _imports(node.orelse, package)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _imports(ast.iter_child_nodes(node), package)


def _file(name: str, package: Path) -> Path | None:
    """Return a module's file, or None where the name is of something inside a module, or of the package itself."""
    inside = name.split(".")[1:]
    folder = package.joinpath(*inside)
    paths = (folder / "__init__.py", folder.with_suffix(".py")) if inside else ()
    return next((path for path in paths if path.is_file()), None)


def _expanded(name: str, package: Path) -> list[str]:
    """Return a module's name, or the names of all modules of a package."""
    if not name.endswith(".*"):
        return [name]
    parent = name.removesuffix(".*")
    return [f"{parent}.{path.stem}" for path in package.joinpath(*parent.split(".")[1:]).glob("[!_]*.py")]


@cache
def _known(path: Path) -> dict[str, dict[str, Any]]:
    """Return what was read of files before, as the cache at ``path`` has it."""
    return load(_kind())


def _kind() -> str:
    return f"sources {platform.python_version()} 2"


@cache
def _other(package: str) -> str:
    """Return a digest of all modules of another package."""
    paths = _files(sys.modules[package])
    return _short(b"".join(path.read_bytes() for path in paths)) if paths else secrets.token_hex(6)


def _files(top: ModuleType) -> list[Path]:
    if hasattr(top, "__path__"):
        return sorted(path for folder in top.__path__ for path in Path(folder).rglob("*.py"))
    file = Path(getattr(top, "__file__", None) or "")
    return [file] if file.is_file() else []


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]
