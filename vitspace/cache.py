"""Cache: what was measured on this machine, kept between runs in one SQLite file."""

import json
import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

_log = logging.getLogger(__name__)
_SCHEMA = "CREATE TABLE IF NOT EXISTS entries (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key))"


def cache_path() -> Path:
    """Return the cache's file: in ``VITSPACE_CACHE``, or in the user's cache folder."""
    folder = os.environ.get("VITSPACE_CACHE")
    return (Path(folder) if folder else user_cache_path("vitspace")) / "cache.sqlite"


def cached(kind: str, key: dict[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what is stored under a key, or make and store it; several processes may do so at once."""
    text = json.dumps(key, sort_keys=True)
    found = _query("SELECT value FROM entries WHERE kind = ? AND key = ?", (kind, text))
    if found:
        return json.loads(found[0][0])
    value = make()
    _query("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", (kind, text, json.dumps(value)))
    return value


def _query(statement: str, values: tuple[str, ...]) -> list[tuple[str]]:
    path = cache_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
            connection.execute(_SCHEMA)
            return connection.execute(statement, values).fetchall()
    except (OSError, sqlite3.Error) as error:
        _log.warning("the cache %s cannot be used (%s), so that measurements are made again", path, error)
        return []
