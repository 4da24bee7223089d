"""The benchmarks take names that are there: each is imported, and so is what its functions import."""

import sys
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

import pytest
from importing import imports

BENCH = Path(__file__).parent / "bench"


@pytest.fixture
def modules(monkeypatch):
    """The names of the benchmarks, which are imported from their folder and forgotten afterwards."""
    monkeypatch.syspath_prepend(BENCH)
    names = [path.stem for path in sorted(BENCH.glob("*.py"))]
    assert not sys.modules.keys() & set(names)
    yield names
    for name in names:
        sys.modules.pop(name, None)


def test_every_benchmark_is_imported(modules):
    for name in modules:
        import_module(name)


def test_what_their_functions_import_is_there():
    late = [each for each in imports(BENCH) if each.late and not each.by_name]
    for each in late:
        for name in ("", *each.names):
            resolve_name(".".join(filter(None, ["vitspace", each.module, name])))
