"""Counts and measurements of this machine, kept between runs in one SQLite file."""

import fcntl
import hashlib
import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from vitspace.errors import shown
from vitspace.locks import holders, take
from vitspace.words import plural

_log = logging.getLogger(__name__)
_SCHEMA = "CREATE TABLE IF NOT EXISTS entries (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key))"
#: Seconds for which another process that does the same task is waited for.
PATIENCE = 3600.0
_TOLD: set[Path] = set()
#: The key under which an entry holds a digest of the rest of it.
_SEAL = "seal"


def cache_folder() -> Path:
    """Return the cache's folder: ``VITSPACE_CACHE``, or the user's cache folder."""
    folder = os.environ.get("VITSPACE_CACHE")
    return Path(folder) if folder else user_cache_path("vitspace")


def cache_path() -> Path:
    """Return the cache's file."""
    return cache_folder() / "cache.sqlite"


def load(kind: str, key: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the values of a kind by key, or the one under a key."""
    query, values = "SELECT key, value FROM entries WHERE kind = ?", [kind]
    if key is not None:
        query, values = f"{query} AND key = ?", [kind, key]
    rows = _attempt(lambda connection: connection.execute(query, values).fetchall(), [])
    return dict(_decoded(rows))


def _decoded(rows: list[tuple[str, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    damaged = []
    for name, value in rows:
        try:
            yield name, _unsealed(value)
        except (ValueError, RecursionError):
            damaged.append(name)
    if damaged:
        words = "left out of %s, as damaged or of an older version: %s, such as %s"
        _log.warning(words, cache_path(), plural(len(damaged), "entry"), shown(damaged[0]))


def store(kind: str, entries: dict[str, dict[str, Any]]) -> None:
    """Store values under their keys, replacing earlier ones."""
    rows = [(kind, key, _sealed(value)) for key, value in entries.items()]
    _attempt(lambda connection: connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", rows), None)


def _sealed(value: dict[str, Any]) -> str:
    """Return a value as JSON that says so when it is changed."""
    plain = json.loads(json.dumps(value))
    return json.dumps(plain | {_SEAL: _digest(plain)})


def _unsealed(text: str) -> dict[str, Any]:
    data = json.loads(text)
    if not isinstance(data, dict) or data.pop(_SEAL, None) != _digest(data):
        raise ValueError("it is not what was stored")
    return data


def _digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]


@contextmanager
def exclusive(task: str) -> Iterator[None]:
    """Wait until no other process does this task, or for `PATIENCE`; without a usable cache folder not at all."""
    path = cache_folder() / f"{task}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError:  # `load` and `store` say so
        yield
        return
    with lock:
        if not take(lock, fcntl.LOCK_EX, PATIENCE, task):
            _log.warning("%s: %s is no longer waited for", task, holders(lock))
        yield


def _attempt(work: Callable[[sqlite3.Connection], Any], otherwise: Any) -> Any:
    """Do work on the cache and commit; if the cache cannot be used, log that once and return ``otherwise``."""
    path = cache_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _on(path, work)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            _set_aside(path, error)
            return _on(path, work)
    except (OSError, sqlite3.Error) as error:
        if path not in _TOLD:
            _log.warning("the cache %s cannot be used (%s), so that nothing is kept", path, error)
            _TOLD.add(path)
        return otherwise


def _on(path: Path, work: Callable[[sqlite3.Connection], Any]) -> Any:
    with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
        connection.execute(_SCHEMA)
        return work(connection)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is no database, a damaged one, or one of other tables than ours."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_ERROR,
    )


def _set_aside(path: Path, error: sqlite3.DatabaseError) -> None:
    """Give a damaged cache another name, with what SQLite keeps beside it; of several processes one does."""
    with exclusive("cache"):
        try:
            if _on(path, lambda connection: connection.execute("PRAGMA quick_check(1)").fetchone()) == ("ok",):
                _on(path, lambda connection: connection.execute("SELECT kind, key, value FROM entries").fetchone())
                return  # another process has made it anew
        except sqlite3.DatabaseError as now:
            if not _is_damage(now):
                raise
        names = (path.with_name(f"{path.name}.damaged-{number}") for number in count(1))
        aside = next(each for each in names if not each.exists())
        for suffix in ("-journal", "-wal", "-shm"):
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                beside.replace(aside.with_name(aside.name + suffix))
        path.replace(aside)
        _log.warning("the cache %s is damaged (%s), set aside as %s and made anew", path, error, aside.name)
