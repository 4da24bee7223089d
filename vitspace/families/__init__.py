"""The families: one file each, and whatever the entry-point group ``vitspace.families`` adds.

A family's file defines ``Stem``, ``Stage`` and ``Head`` (see `vitspace.spec`) and, in another package, may define
``ABOUT`` (see `vitspace.about`); files that begin with an underscore are no families. Importing this package registers
them all, and every anchor with timm.

A family of another package that cannot be loaded costs a warning, and an error where it is asked for: all else works.
"""

import importlib
import logging
import pkgutil
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from vitspace.about import register
from vitspace.anchors import Anchor, anchor, list_anchors
from vitspace.spec import KINDS, has_part, mark_broken

_log = logging.getLogger(__name__)

ENTRY_POINT_GROUP = "vitspace.families"


def _load() -> dict[str, ModuleType]:
    names = [info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")]
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.name in modules:
            _log.warning("%s is ignored: there is a family %s already", _named(point), point.name)
        elif module := _loaded(point):
            modules[point.name] = module
            if told := getattr(module, "ABOUT", None):
                register(told)
    return modules


def _loaded(point: EntryPoint) -> ModuleType | None:
    """Return the module of another package's family, or None, with a warning, where it is broken."""
    try:
        module: ModuleType = point.load()
    except Exception as error:  # whatever another package raises
        _tell_broken(point, f"{type(error).__name__}: {' '.join(str(error).split())}")
        return None
    if missing := [kind for kind in KINDS if not has_part(kind, point.name)]:
        _tell_broken(point, f"it defines no {missing[0]} of family {point.name!r}")
        return None
    return module


def _tell_broken(point: EntryPoint, why: str) -> None:
    message = f"{_named(point)} cannot be loaded: {why}"
    mark_broken(point.name, message)
    _log.warning("%s", message)


def _named(point: EntryPoint) -> str:
    package = f" of package {point.dist.name} {point.dist.version}" if point.dist else ""
    return f"family {point.name!r}{package} (entry point {point.value!r} in {ENTRY_POINT_GROUP})"


#: Family name -> its module.
FAMILIES = _load()

import vitspace.families._timm  # noqa: E402, F401 (registers the anchors, which are of the families, with timm)

__all__ = ["FAMILIES", "Anchor", "anchor", "list_anchors"]
