"""Stored lattices: explored once, then read from the cache folder."""

import hashlib
import json
import logging
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vitspace.cache import cache_folder, exclusive
from vitspace.files import write_with
from vitspace.host import origin, sources_digest
from vitspace.space.exploring import explore
from vitspace.space.lattice import Entries, Lattice
from vitspace.spec import KINDS, part_type

if TYPE_CHECKING:
    from vitspace.space.space import Space

_log = logging.getLogger(__name__)
_OF_SPACES = ("axes", "config", "exploring", "rules", "space", "variables")
_SOURCES = ("costs", "families", "layers", "spec", *(f"space/{name}" for name in _OF_SPACES))
_COLUMNS = [field.name for field in fields(Entries)]


def lattice_of(space: "Space") -> Lattice:
    """Return a space's lattice: as stored for this space file and these sources, or explored and stored.

    Raises:
        InputError: the space is too large to be explored.
    """
    path = cache_folder() / f"lattice-{space.name}-{_key(space)}.npz"
    with exclusive(path.stem):  # of several processes that need it, one explores it and the others wait
        return _read(path, space.name) or _explored(space, path)


def _explored(space: "Space", path: Path) -> Lattice:
    lattice = explore(space)
    try:
        write_with(path, lambda temporary: _write(temporary, lattice))
    except OSError as error:
        _log.warning("the cache %s cannot be used (%s), so that nothing is kept", path, error)
    return lattice


def _key(space: "Space") -> str:
    """Return a digest of all that decides a lattice: the space file, our sources, and those of other families."""
    parts = [part_type(kind, family) for family in space.families for kind in KINDS]
    others = sorted({origin(part.__module__) for part in parts})
    texts = [space.config.model_dump_json(), sources_digest(*_SOURCES), *others]
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:12]


def _write(path: Path, lattice: Lattice) -> None:
    columns = {
        f"{step}-{name}": getattr(entries, name) for step, entries in enumerate(lattice.entries) for name in _COLUMNS
    }
    options = np.frombuffer(json.dumps(lattice.options).encode(), dtype=np.uint8)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, options=options, **columns)


def _read(path: Path, name: str) -> Lattice | None:
    """Return what is stored, or None where nothing is, or it is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            options = json.loads(stored["options"].tobytes())
            steps = range(len(options))
            entries = [Entries(**{column: stored[f"{step}-{column}"] for column in _COLUMNS}) for step in steps]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        _log.warning("%s is damaged (%s), and made again", path, error)
        return None
    return Lattice(name, entries, options)
