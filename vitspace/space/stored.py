"""Stored lattices: explored once, then read from the cache folder."""

import hashlib
import json
import logging
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np

from vitspace.cache import cache_folder, exclusive
from vitspace.files import write_with
from vitspace.sources import sources_of
from vitspace.space.exploring import explore
from vitspace.space.lattice import Entries, Lattice
from vitspace.space.schema import Schema
from vitspace.spec import KINDS, part_type

_log = logging.getLogger(__name__)
_COLUMNS = [field.name for field in fields(Entries)]


def lattice_of(schema: Schema) -> Lattice:
    """Return a space's lattice: as stored for this space file and these sources, or explored and stored.

    Raises:
        InputError: the space is too large to be explored.
    """
    path = cache_folder() / f"lattice-{schema.name}-{_key(schema)}.npz"
    with exclusive(path.stem):  # of several processes that need it, one explores it and the others wait
        return _read(path, schema.name) or _explored(schema, path)


def _explored(schema: Schema, path: Path) -> Lattice:
    lattice = explore(schema)
    try:
        write_with(path, lambda temporary: _write(temporary, lattice))
    except OSError as error:
        _log.warning("the cache %s cannot be used (%s), so that nothing is kept", path, error)
    return lattice


def _key(schema: Schema) -> str:
    """Return a digest of all that decides a lattice: the space file, and the code of spaces and of the families."""
    families = {part_type(kind, family).__module__ for family in schema.families for kind in KINDS}
    sources = sources_of(explore.__module__, Schema.__module__, *sorted(families))
    return hashlib.sha256((schema.config.model_dump_json() + sources).encode()).hexdigest()[:12]


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
