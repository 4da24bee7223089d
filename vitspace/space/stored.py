"""Lattices that are read rather than explored: those that the package ships, and those that this machine explored."""

import hashlib
import json
import logging
import lzma
import zipfile
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from vitspace.cache import cache_folder, exclusive
from vitspace.files import write_atomic, write_with
from vitspace.image_sizes import format_image_size
from vitspace.sources import sources_of
from vitspace.space.exploring import explore
from vitspace.space.lattice import Entries, Lattice
from vitspace.space.schema import Schema
from vitspace.spec import KINDS, part_type

_log = logging.getLogger(__name__)
_COLUMNS = [field.name for field in fields(Entries)]
#: The lattices of our spaces, one file a space; see `write_shipped`.
SHIPPED = Path(__file__).parent / "explored"


def lattice_of(schema: Schema) -> Lattice:
    """Return a space's lattice: as shipped or stored for this space file and these sources, or explored and stored.

    Raises:
        InputError: the space is too large to be explored.
    """
    key = key_of(schema)
    if lattice := read_shipped(schema.name, key):
        return lattice
    path = cache_folder() / f"lattice-{schema.name}-{key}.npz"
    with exclusive(path.stem):  # of several processes that need it, one explores it and the others wait
        return _stored(path, schema.name) or _explored(schema, path)


def read_shipped(name: str, key: str, folder: Path = SHIPPED) -> Lattice | None:
    """Return the shipped lattice of a space; None where there is none, or it is of another space file or other code."""
    path = folder / f"{name}.xz"
    if not path.is_file():
        return None
    file = BytesIO(lzma.decompress(path.read_bytes()))
    if file.readline().decode().strip() != key:
        return None
    return _read(BytesIO(file.read()), name)


def write_shipped(schema: Schema, folder: Path = SHIPPED) -> Path:
    """Explore a space and write its lattice for the package; the same bytes for the same space file and code."""
    path, file = folder / f"{schema.name}.xz", BytesIO()
    _write(file, explore(schema))
    folder.mkdir(exist_ok=True)
    write_atomic(path, lzma.compress(f"{key_of(schema)}\n".encode() + file.getvalue(), preset=9 | lzma.PRESET_EXTREME))
    return path


def _explored(schema: Schema, path: Path) -> Lattice:
    lattice = explore(schema)
    try:
        write_with(path, lambda temporary: _write_file(temporary, lattice))
    except OSError as error:
        _log.warning("the cache %s cannot be used (%s), so that nothing is kept", path, error)
    return lattice


def key_of(schema: Schema) -> str:
    """Return a digest of all that decides a lattice: what the space file says, the code of spaces and of families."""
    families = {part_type(kind, family).__module__ for family in schema.families for kind in KINDS}
    sources = sources_of(explore.__module__, Schema.__module__, *sorted(families))
    space = schema.config.model_dump_json()
    if schema.written.resolution != schema.resolution:
        values = sorted((key, sorted(known.items())) for key, known in schema.written.values.items())
        space += f" written for {format_image_size(schema.written.resolution)} {json.dumps(values)}"
    if schema.task:
        space += f" for {schema.task} {schema.task.sources}"
    return hashlib.sha256((space + sources).encode()).hexdigest()[:12]


def _write_file(path: Path, lattice: Lattice) -> None:
    with path.open("wb") as file:
        _write(file, lattice)


def _write(file: IO[bytes], lattice: Lattice) -> None:
    columns = {
        f"{step}-{name}": _packed(getattr(entries, name))
        for step, entries in enumerate(lattice.entries)
        for name in _COLUMNS
    }
    options = np.frombuffer(json.dumps(lattice.options).encode(), dtype=np.uint8)
    np.savez(file, allow_pickle=False, options=options, **columns)


def _stored(path: Path, name: str) -> Lattice | None:
    """Return what is stored, or None where nothing is, or it is damaged."""
    try:
        with path.open("rb") as file:
            return _read(file, name)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        _log.warning("%s is damaged (%s), and made again", path, error)
        return None


def _read(file: IO[bytes], name: str) -> Lattice:
    with np.load(file, allow_pickle=False) as stored:
        options = json.loads(stored["options"].tobytes())
        entries = [Entries(**{c: _unpacked(stored[f"{step}-{c}"]) for c in _COLUMNS}) for step in range(len(options))]
    return Lattice(name, entries, options)


def _packed(column: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the differences of neighbours [N] byte by byte [8, N], which compress to a third of the numbers."""
    return np.ascontiguousarray(np.diff(column, prepend=0).view(np.uint8).reshape(-1, 8).T)


def _unpacked(packed: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the numbers that were packed."""
    return np.cumsum(np.ascontiguousarray(packed.T).view(np.int64).ravel())
