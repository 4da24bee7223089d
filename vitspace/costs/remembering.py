"""Remembering: what was found of parts, in memory and on disk."""

import atexit
import json
from collections.abc import Callable
from typing import Any

import torch

from vitspace.cache import load, store
from vitspace.sources import sources_of
from vitspace.spec import PartSpec

_FLUSH_AT = 200

Found = dict[str, Any]


class Remembered:
    """What was found of each part in its context; read from the disk when first asked, written in lots and at exit.

    It is kept for the code that finds it, for that of the part's family, and for torch's version.

    Args:
        name: What the cache's entries are called.
        finder: Our module that finds it.
    """

    def __init__(self, name: str, finder: str) -> None:
        self.name, self.finder = name, finder
        self._known: dict[str, dict[str, Found]] = {}
        self._unwritten: dict[str, dict[str, Found]] = {}

    def __call__(self, part: PartSpec, context: list[Any], find: Callable[[], Found]) -> Found:
        """Return what was found before, or find it."""
        kind = self._kind(type(part).__module__)
        if kind not in self._known:
            self._load(kind)
        known, key = self._known[kind], json.dumps([part.kind, part.identity(), context], sort_keys=True)
        if key not in known:
            known[key] = self._unwritten[kind][key] = find()
            if len(self._unwritten[kind]) >= _FLUSH_AT:
                self._flush()
        return known[key]

    def _kind(self, family: str) -> str:
        return f"{self.name}-{sources_of(self.finder, family)}-{torch.__version__}"

    def _load(self, kind: str) -> None:
        if not self._known:
            atexit.register(self._flush)
        self._known[kind], self._unwritten[kind] = load(kind), {}

    def _flush(self) -> None:
        for kind, found in self._unwritten.items():
            if found:
                store(kind, found)
                found.clear()
