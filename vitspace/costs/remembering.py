"""Remembering: what was found of parts, in memory and on disk."""

import atexit
import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch

from vitspace.cache import load, store
from vitspace.host import origin, sources_digest
from vitspace.spec import PartSpec

_FLUSH_AT = 200

Found = dict[str, Any]


class Remembered:
    """What was found of each part in its context; read from the disk when first asked, written in lots and at exit.

    Args:
        name: What the cache's entries are called.
        sources: Our modules that decide what is found, beside torch's version.
    """

    def __init__(self, name: str, *sources: str) -> None:
        self.name, self.sources = name, sources
        self._unwritten: dict[str, Found] = {}

    def __call__(self, part: PartSpec, context: list[Any], find: Callable[[], Found]) -> Found:
        """Return what was found before, or find it."""
        key = json.dumps([part.kind, part.identity(), context, origin(type(part).__module__)], sort_keys=True)
        if key not in self._known:
            self._known[key] = self._unwritten[key] = find()
            if len(self._unwritten) >= _FLUSH_AT:
                self._flush()
        return self._known[key]

    @cached_property
    def _known(self) -> dict[str, Found]:
        atexit.register(self._flush)
        return load(self._kind)

    @cached_property
    def _kind(self) -> str:
        return f"{self.name}-{sources_digest(*self.sources)}-{torch.__version__}"

    def _flush(self) -> None:
        if self._unwritten:
            store(self._kind, self._unwritten)
            self._unwritten.clear()
