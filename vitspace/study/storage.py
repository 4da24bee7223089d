"""Opens the storage of studies by path or URL, and asks it again while a server is away."""

import logging
import random
import shlex
import sqlite3
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, GrpcStorageProxy, JournalStorage, RDBStorage, get_storage
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, PendingRollbackError

from vitspace.errors import InputError, StudyFailedError, StudyGoneError, shown
from vitspace.interrupts import deferring_interrupts
from vitspace.machine.host import seconds_from_environment
from vitspace.study.journal import JournalFile
from vitspace.study.optuna_private import backend_of
from vitspace.study.passwords import path_without_password, storage_without_password, without_password_of
from vitspace.study.troubles import DamagedError, GoneError, LostError, StorageError

DEFAULT_STORAGE = "studies.journal"
#: Seconds for which a server may be away in mid-study; ``VITSPACE_PATIENCE`` sets another number.
PATIENCE = 120.0
_GRPC = "grpc://"
#: What SQLite and PostgreSQL say of a full disk, and SQLite of a file that must not be written: waiting is no cure.
_LASTING = ("disk is full", "disk full", "No space left", "readonly database", "no such table")
#: What installs a module that a storage needs.
_CURES = {
    "psycopg": "pip install 'vitspace[postgresql]'",
    "psycopg2": "pip install psycopg2, or say postgresql+psycopg://, which needs: pip install 'vitspace[postgresql]'",
    "grpc": "pip install 'vitspace[grpc]'",
    "google": "pip install 'vitspace[grpc]'",
}
T = TypeVar("T")

_log = logging.getLogger(__name__)

optuna.logging.set_verbosity(optuna.logging.WARNING)


def patience() -> float:
    """Return for how many seconds a storage that does not answer is asked again, ``VITSPACE_PATIENCE``.

    Raises:
        InputError: it is no finite number.
    """
    return seconds_from_environment("VITSPACE_PATIENCE", PATIENCE)


def open_storage(url: str = DEFAULT_STORAGE, create: bool = True) -> BaseStorage:
    """Open a journal file (a path), a database (``sqlite:///studies.db``), or a gRPC proxy (``grpc://host:port``).

    Args:
        url: The storage.
        create: Whether a file is made where there is none.

    Raises:
        InputError: the storage cannot be reached or is damaged.
    """
    if (sqlite := _sqlite(url)) and (not sqlite.database or ":memory:" in sqlite.database):
        raise InputError(f"a storage outlives its process, but {url!r} is in memory; say sqlite:///FILE")
    file = storage_file(url)
    if file and not create and not file.exists():
        missing = path_without_password(str(file))
        raise InputError(f"a storage is a journal file or a database URL, but there is no file {missing!r}")
    if file and not file.resolve().parent.is_dir():
        missing = path_without_password(str(file.resolve().parent))
        raise InputError(f"a storage lies in an existing folder, but there is no {missing!r}")
    if file and file.exists() and not file.is_file():
        other = path_without_password(str(file))
        raise InputError(f"a storage is a file, but {other!r} is a {'folder' if file.is_dir() else 'device or pipe'}")
    if sqlite and file and not create:
        _check_database(file)
    try:
        return _open(url)
    except (InputError, DamagedError) as error:
        raise InputError(without_password_of(url, str(error))) from None
    except Exception as error:
        # Drivers raise their own types; whichever it is, the storage is not to be had.
        why = f"the storage {url!r} {_cure(error) or f'cannot be reached: {_storage_trouble(error)}'}"
        raise InputError(without_password_of(url, why)) from None


def _check_database(file: Path) -> None:
    """Refuse an SQLite file without studies, in which Optuna would make its tables.

    Nothing is written but where SQLite cannot read it before it has taken back what a killed process left half done.

    Raises:
        InputError: it is empty, cannot be read, is no database, or one of something else.
    """
    problem = "it is empty"
    try:
        if file.stat().st_size:
            try:
                names = _tables(file, "ro")
            except sqlite3.OperationalError:
                names = _tables(file, "rw")
            problem = "" if "studies" in names else "it has no table of studies"
    except (OSError, sqlite3.Error) as error:
        problem = f"{error}"
    if problem:
        other = path_without_password(str(file))
        raise InputError(f"a storage is a database of studies, but {other!r} is none: {problem}")


def _tables(file: Path, mode: str) -> set[str]:
    """Return the names of the tables in an SQLite file, opened to be read, ``ro``, or written, ``rw``."""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode={mode}", uri=True, timeout=60)) as opened:
        return {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def storage_option(url: str) -> str:
    """Return what names a storage at the end of a command, without a password: nothing where it is the default."""
    return "" if url == DEFAULT_STORAGE else f" --storage {shlex.quote(storage_without_password(url))}"


def resume_command(study: str, url: str) -> str:
    """Return the command that goes on with a study."""
    return f"vitspace search --study {shlex.quote(study)} --resume{storage_option(url)}"


def storage_file(url: str) -> Path | None:
    """Return the file of a journal or of an SQLite database, or None for a server's URL."""
    if "://" not in url:
        return Path(url)
    return Path(sqlite.database or "") if (sqlite := _sqlite(url)) else None


def absolute_url(url: str) -> str:
    """Return a storage's URL or path as processes of this machine that run in other folders open it."""
    if (file := storage_file(url)) is None:
        return url
    sqlite = _sqlite(url)
    whole = str(file.resolve())
    return sqlite.set(database=whole).render_as_string(hide_password=False) if sqlite else whole


def _sqlite(url: str) -> URL | None:
    """Return the parts of an SQLite database's URL, whatever driver it names; None of another storage's."""
    try:
        parsed = make_url(url) if "://" in url else None
    except (ArgumentError, ValueError):
        return None
    return parsed if parsed is not None and parsed.get_backend_name() == "sqlite" else None


def _cure(error: BaseException) -> str:
    """Say what to install where a module is missing; an empty string where that is unknown, or not what is wrong."""
    cause = error.__cause__ or error
    name = (cause.name or "").partition(".")[0] if isinstance(cause, ModuleNotFoundError) else ""
    return f"needs: {_CURES[name]}" if name in _CURES else ""


def _storage_trouble(error: BaseException) -> str:
    """Say in one line why a storage does not do what it is asked: the driver's words."""
    cause = error.__cause__ or error
    driver = getattr(cause, "orig", None) or cause
    return str(driver).splitlines()[0] if str(driver) else type(driver).__name__


@contextmanager
def naming_storage(url: str) -> Iterator[None]:
    """Say which storage it was that did not do what it was asked."""
    try:
        yield
    except GoneError as error:
        why = f"the study is no longer in the storage {url!r}: it was deleted meanwhile"
        raise StudyGoneError(without_password_of(url, why)) from error
    except LostError as error:
        raise StudyGoneError(without_password_of(url, f"the storage {url!r} cannot be used: {error}")) from error
    except StorageError as error:
        why = f"the storage {url!r} cannot be used: {error}; what was stored before is kept"
        raise StudyFailedError(without_password_of(url, why)) from error


@contextmanager
def _as_storage_error(url: str) -> Iterator[None]:
    """Raise what the storage's driver raises as a `StorageError`, and what is said of what is stored as it is."""
    try:
        yield
    except StorageError as error:
        raise type(error)(without_password_of(url, str(error))) from error
    except KeyError as error:
        raise GoneError(without_password_of(url, _storage_trouble(error))) from error
    except Exception as error:
        drivers = (optuna.exceptions.StorageInternalError, DBAPIError, PendingRollbackError, sqlite3.Error, OSError)
        if not (isinstance(error, drivers) or type(error).__module__.startswith("grpc")):
            raise
        raise StorageError(without_password_of(url, _storage_trouble(error))) from error


def _open(url: str) -> BaseStorage:
    if url.startswith(_GRPC):
        return RetryingStorage(_grpc(url), url)
    if "://" in url:
        sqlite = _sqlite(url) is not None
        # A connection that a server's restart closed is replaced when it is next taken from the pool.
        arguments = {"connect_args": {"timeout": 60}} if sqlite else {"pool_pre_ping": True}
        database = RDBStorage(url, engine_kwargs=arguments)
        if sqlite:
            _one_writer(database)
        return RetryingStorage(get_storage(database), url)
    return RetryingStorage(JournalStorage(JournalFile(Path(url), patience())), url)


def _one_writer(database: RDBStorage) -> None:
    """Have SQLite lock before it reads what it is about to write, so that no two workers take the same trial."""

    @event.listens_for(database.engine, "connect")
    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # else the driver begins transactions at the first write
        # With these a transaction does not wait for the disk: a killed process loses nothing, and a power cut the last
        # moments, but never the file.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(database.engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    database.engine.dispose()


def _grpc(url: str) -> BaseStorage:
    host, _, port = url.removeprefix(_GRPC).partition(":")
    if not host or "@" in host or not port.isdecimal():
        raise InputError(without_password_of(url, f"a gRPC proxy is grpc://HOST:PORT, but got {shown(url)}"))
    with warnings.catch_warnings():
        # Experimental in name.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        proxy = GrpcStorageProxy(host=host, port=int(port))
    proxy.wait_server_ready(timeout=10)
    return proxy


class _Retrying(BaseStorage):
    """What `RetryingStorage` is made of: asks the storage it holds, again while it is away.

    Attributes:
        inner: That storage.
        url: The path or URL that it was opened by.
    """

    def __init__(self, inner: BaseStorage, url: str = "") -> None:
        self.inner, self.url = inner, url

    @contextmanager
    def batched(self) -> Iterator[None]:
        """Write to a journal's disk once for all that this thread stores within, and reads only afterwards."""
        backend = backend_of(self.inner)
        if not isinstance(backend, JournalFile):
            yield
            return
        with deferring_interrupts():
            with _as_storage_error(self.url), backend.batched():
                yield
            self._settle()

    def _settle(self) -> None:
        """Read what was written to a journal; it refuses line by line what came too late, and the first is raised."""
        refused = None
        while True:
            try:
                with _as_storage_error(self.url):
                    self.inner.get_all_studies()
                break
            except UpdateFinishedTrialError as error:
                refused = refused or error
        if refused:
            raise refused

    def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        with _as_storage_error(self.url):
            return _retrying(lambda: getattr(self.inner, name)(*args, **kwargs), self.url)


def _retrying(ask: Callable[[], T], url: str = "") -> T:
    """Ask a storage, again while it is away, for as long as `PATIENCE`."""
    began, pause = time.monotonic(), 0.1
    while True:
        try:
            with deferring_interrupts():
                return ask()
        except Exception as error:
            waited = time.monotonic() - began
            if not _passing(error) or waited > patience():
                raise
            if pause > 1:
                _log.warning("the storage is away: %s; asking again", without_password_of(url, _storage_trouble(error)))
        time.sleep(pause * random.uniform(0.5, 1))
        pause = min(2 * pause, 3.0)


def url_of(storage: BaseStorage) -> str:
    """Return the path or URL that a storage was opened by; an empty string where it was not opened here."""
    return storage.url if isinstance(storage, _Retrying) else ""


def batched(storage: BaseStorage) -> AbstractContextManager[None]:
    """Store what is stored within at once where the storage can, which is much faster; none of it is read within."""
    return storage.batched() if isinstance(storage, _Retrying) else nullcontext()


def _passing(error: Exception) -> bool:
    """Whether a storage may do later what it did not do now: it restarts, or others write to it."""
    for cause in (error, error.__cause__):
        if isinstance(cause, PendingRollbackError):
            return True  # a connection that was lost within a transaction, and is made anew
        if isinstance(cause, DBAPIError):
            lasting = any(words in str(cause.orig) for words in _LASTING)
            return (cause.connection_invalidated or isinstance(cause, OperationalError)) and not lasting
        code = getattr(cause, "code", None)
        if callable(code):
            return getattr(code(), "name", "") == "UNAVAILABLE"
    return False


def _asking(name: str) -> Callable[..., Any]:
    def method(self: _Retrying, *args: Any, **kwargs: Any) -> Any:
        return self._ask(name, *args, **kwargs)

    return method


_NAMES = (*BaseStorage.__abstractmethods__, "get_best_trial", "remove_session")

#: A storage that waits while its server is away, for as long as `PATIENCE`.
RetryingStorage = type("RetryingStorage", (_Retrying,), {name: _asking(name) for name in _NAMES})
