"""A cache of what was counted of parts, in memory and on disk."""

import atexit
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from vitspace.cache import load, store
from vitspace.files import write_atomic
from vitspace.sources import sources_of
from vitspace.spec import PartSpec

_FLUSH_AT = 200

Found = dict[str, Any]


class Remembered:
    """A cache of counts by part and context; read from the disk at the first call, written in lots and at exit.

    An entry holds for the code of the module that counts, for that of the part's family, and for torch's version.
    Entries that the package ships were counted by the same code, and hold for all versions of torch.

    Args:
        name: The name of the cache's entries on the disk.
        finder: Our module that counts.
        shipped: Folder of the shipped entries, one file a family; see `write_shipped`.
    """

    def __init__(self, name: str, finder: str, shipped: Path | None = None) -> None:
        self.name, self.finder, self.shipped = name, finder, shipped
        self._known: dict[str, dict[str, Found]] = {}
        self._unwritten: dict[str, dict[str, Found]] = {}

    def __call__(self, part: PartSpec, context: list[Any], find: Callable[[], Found]) -> Found:
        """Return the cached count of a part in its context, or count it."""
        family = type(part).__module__
        kind = self._kind(family)
        if kind not in self._known:
            self._load(kind, family)
        known, key = self._known[kind], json.dumps([part.kind, part.identity(), context], sort_keys=True)
        if key not in known:
            known[key] = self._unwritten[kind][key] = find()
            if len(self._unwritten[kind]) >= _FLUSH_AT:
                self._flush()
        return known[key]

    def found(self, family: str) -> dict[str, Found]:
        """Return the entries of a family's module that were read or counted so far."""
        return self._known.get(self._kind(family), {})

    def _kind(self, family: str) -> str:
        return f"{self.name}-{sources_of(self.finder, family)}-{torch.__version__}"

    def _load(self, kind: str, family: str) -> None:
        if not self._known:
            atexit.register(self._flush)
        shipped = read_shipped(self.shipped, family, self.finder) if self.shipped else {}
        self._known[kind], self._unwritten[kind] = shipped | load(kind), {}

    def _flush(self) -> None:
        for kind, found in self._unwritten.items():
            if found:
                store(kind, found)
                found.clear()


def read_shipped(folder: Path, family: str, finder: str) -> dict[str, Found]:
    """Return the shipped entries of a family's module; none where there is no file, or other code counted them."""
    path = _shipped_file(folder, family)
    if not path.is_file():
        return {}
    data = json.loads(gzip.decompress(path.read_bytes()))
    found: dict[str, Found] = data["found"]
    return found if data["sources"] == sources_of(finder, family) else {}


def write_shipped(folder: Path, family: str, finder: str, found: dict[str, Found]) -> Path:
    """Write the entries of a family's parts; the same bytes for the same entries."""
    data = {"sources": sources_of(finder, family), "found": found}
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    path = _shipped_file(folder, family)
    write_atomic(path, gzip.compress(text.encode(), mtime=0))
    return path


def _shipped_file(folder: Path, family: str) -> Path:
    """Return the file of a family's shipped entries; there is none for a family of another package."""
    return folder / f"{family.removeprefix('vitspace.families.')}.json.gz"
