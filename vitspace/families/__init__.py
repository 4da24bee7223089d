"""The families: one file each, and whatever the entry-point group ``vitspace.families`` adds.

A family's file defines ``Stem``, ``Stage`` and ``Head`` (see `vitspace.spec`); files that begin with an underscore are
no families. Importing this package registers them
all, and every anchor with timm.
"""

import importlib
import pkgutil
from importlib.metadata import entry_points
from types import ModuleType

import vitspace.models  # noqa: F401 (registers the anchors with timm)
from vitspace.anchors import Anchor, anchor, list_anchors
from vitspace.spec import Spec

ENTRY_POINT_GROUP = "vitspace.families"


def _load() -> dict[str, ModuleType]:
    names = [info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")]
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.name not in modules:
            modules[point.name] = point.load()
    return modules


#: Family name -> its module.
FAMILIES = _load()

__all__ = ["FAMILIES", "Anchor", "Spec", "anchor", "list_anchors"]
