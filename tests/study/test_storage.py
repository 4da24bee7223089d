import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from sqlalchemy.exc import OperationalError

from vitspace.errors import InputError, StudyFailedError
from vitspace.searching.queue import Queue
from vitspace.study import storage as module
from vitspace.study.config import StudyConfig
from vitspace.study.storage import (
    RetryingStorage,
    absolute_url,
    batched,
    naming_storage,
    open_storage,
    resume_command,
    storage_file,
)
from vitspace.study.store import StudyStore, study_names
from vitspace.study.trial import Trial
from vitspace.study.troubles import StorageError

CONFIG = StudyConfig(space="msg", budget="4G")


def unreachable(words="connection refused"):
    error = optuna.exceptions.StorageInternalError("commit")
    error.__cause__ = OperationalError("SELECT", {}, sqlite3.OperationalError(words))
    return error


class Flaky:
    """A storage that is away for some calls."""

    def __init__(self, errors):
        self.errors = errors

    def get_all_studies(self):
        if self.errors:
            raise self.errors.pop()
        return []


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)


def test_a_storage_that_is_away_is_asked_again(quick):
    assert RetryingStorage(Flaky([unreachable()] * 4)).get_all_studies() == []


def test_patience_ends(quick, monkeypatch):
    monkeypatch.setenv("VITSPACE_PATIENCE", "0")
    with pytest.raises(StorageError, match=r"^connection refused$"):
        RetryingStorage(Flaky([unreachable()] * 4)).get_all_studies()


def test_a_name_that_holds_space_is_no_full_disk(quick):
    words = 'connection to server on socket "/workspace/.s.PGSQL.5432" failed: Connection refused'
    assert RetryingStorage(Flaky([unreachable(words)] * 4)).get_all_studies() == []


@pytest.mark.parametrize(
    "error",
    [
        unreachable("database or disk is full"),
        unreachable('could not extend file "base/1/2": No space left on device'),
        unreachable("attempt to write a readonly database"),
        unreachable("no such table: studies"),
        OSError("full"),
    ],
)
def test_what_waiting_does_not_cure_is_raised_at_once(quick, error):
    with pytest.raises(StorageError):
        RetryingStorage(Flaky([error])).get_all_studies()


def test_what_is_no_failure_of_the_storage_is_not_told_as_one(quick):
    with pytest.raises(ValueError, match="a bug"):
        RetryingStorage(Flaky([ValueError("a bug")])).get_all_studies()
    with pytest.raises(ConnectionError, match="no cluster"), naming_storage("studies.journal"):
        raise ConnectionError("no cluster")


def test_passwords_are_neither_printed_nor_stored(quick, monkeypatch):
    url = "postgresql://me:s3cret@db:5432/vitspace"
    assert resume_command("s", url).endswith("--storage 'postgresql://me:***@db:5432/vitspace'")
    monkeypatch.setattr(module, "_open", lambda url: Flaky([unreachable(f"no route to {url}")]).get_all_studies())
    with pytest.raises(InputError, match=r"'postgresql://me:\*\*\*@db:5432/vitspace' cannot be reached") as raised:
        open_storage(url)
    assert "s3cret" not in str(raised.value)
    with pytest.raises(StudyFailedError) as failed, naming_storage(url):
        raise StorageError("gone")
    assert "s3cret" not in str(failed.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite+pysqlite:///:memory:"])
def test_a_storage_in_memory_is_refused(url):
    with pytest.raises(InputError, match="a storage outlives its process"):
        open_storage(url)


@pytest.mark.parametrize("url", ["sqlite:///s.db", "sqlite+pysqlite:///s.db", "sqlite:///s.db?timeout=5"])
def test_sqlite_is_one_whatever_driver_its_url_names(tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    assert storage_file(url) == Path("s.db")
    with pytest.raises(InputError, match=r"there is no file 's\.db'"):
        open_storage(url, create=False)
    assert open_storage(url).inner._backend.engine.connect().exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    monkeypatch.chdir("/")
    open_storage(absolute_url(url.replace("s.db", f"{tmp_path}/s.db")), create=False)


def test_a_study_knows_where_it_is(tmp_path):
    for url in (str(tmp_path / "s.journal"), f"sqlite:///{tmp_path}/s.db"):
        StudyStore.create(open_storage(url), "s", CONFIG, {})
        store = StudyStore.open(url, "s")
        assert (store.name, store.url, store.record().storage) == ("s", url, url)


def test_a_storage_is_named_for_other_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute_url("s.journal") == f"{tmp_path}/s.journal"
    assert absolute_url("sqlite+pysqlite:///s.db?timeout=5") == f"sqlite+pysqlite:///{tmp_path}/s.db?timeout=5"
    assert absolute_url("postgresql://u:s3@cret@db/v") == "postgresql://u:s3@cret@db/v"


@pytest.mark.parametrize(
    ("url", "module", "cure"),
    [
        ("postgresql+psycopg://u@127.0.0.1:1/v", "psycopg", r"pip install 'vitspace\[postgresql\]'"),
        ("postgresql+psycopg2://u@db/v", "psycopg2", r"say postgresql\+psycopg://, which needs: pip install 'vitsp"),
        ("grpc://127.0.0.1:1", "grpc", r"pip install 'vitspace\[grpc\]'"),
    ],
)
def test_a_driver_that_is_missing_says_how_to_install_it(monkeypatch, url, module, cure):
    for name in [name for name in sys.modules if name.partition(".")[0] == module or "optuna.storages._grpc." in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(module), *sys.meta_path])
    with pytest.raises(InputError, match=rf"^the storage '.*' needs: .*{cure}"):
        open_storage(url)


class Missing:
    """An importer of a machine where a module is not installed."""

    def __init__(self, module):
        self.module = module

    def find_spec(self, name, path=None, target=None):
        if name == self.module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_threads_take_each_waiting_trial_of_sqlite_once(tmp_path):
    url = f"sqlite:///{tmp_path}/s.db"
    store = StudyStore.create(open_storage(url), "s", CONFIG, {})
    for dim in range(20):
        store.study.enqueue_trial({"dim": dim})
    taken = []

    def take():
        queue = Queue(StudyStore.load(open_storage(url), "s"))
        taken.extend(queue.ask().number for _ in range(10))

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(20))


@pytest.mark.parametrize("url", ["grpc://host", "grpc://:13000", "grpc://host:port"])
def test_a_grpc_proxy_has_a_host_and_a_port(url):
    pytest.importorskip("grpc", reason="a gRPC proxy needs: pip install 'vitspace[grpc]'")
    with pytest.raises(InputError, match="a gRPC proxy is grpc://HOST:PORT, but got"):
        open_storage(url)


def test_a_study_goes_through_a_grpc_proxy(tmp_path):
    pytest.importorskip("grpc", reason="a gRPC proxy needs: pip install 'vitspace[grpc]'")
    from optuna.storages._grpc.server import make_server

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = make_server(open_storage(f"sqlite:///{tmp_path}/s.db"), "127.0.0.1", port)
    server.start()
    try:
        store = StudyStore.create(open_storage(f"grpc://127.0.0.1:{port}"), "s", CONFIG, {})
        store.study.enqueue_trial({"dim": 32})
        queue = Queue(store)
        assert queue.end(queue.ask(), Trial(0, "invalid", why="too wide"))
        assert [trial.why for trial in store.trials()] == ["too wide"]
    finally:
        server.stop(0).wait()


def test_what_is_stored_together_is_there_afterwards(tmp_path):
    for url in (str(tmp_path / "j"), f"sqlite:///{tmp_path}/s.db"):
        study = optuna.create_study(storage=open_storage(url))
        trial = study.ask()
        with batched(study._storage):
            trial.set_user_attr("a", 1)
            trial.suggest_categorical("b", (1, 2))
        [stored] = open_storage(url).get_all_trials(study._study_id)
        assert stored.user_attrs == {"a": 1} and set(stored.params) == {"b"}


def test_the_command_that_goes_on_names_the_storage():
    assert resume_command("s", "studies.journal") == "vitspace search --study s --resume"
    assert resume_command("s", "sqlite:///a b.db") == "vitspace search --study s --resume --storage 'sqlite:///a b.db'"


@pytest.mark.parametrize("content", [None, b"", b"not a database", "other"])
def test_reading_makes_no_database(tmp_path, content):
    """Of a file that is missing, empty, no database, or one of another program."""
    file = tmp_path / "studies.db"
    if content == "other":
        with sqlite3.connect(file) as other:
            other.execute("CREATE TABLE things (name TEXT)")
        other.close()
    elif content is not None:
        file.write_bytes(content)
    before = file.read_bytes() if file.exists() else None
    with pytest.raises(InputError, match=r"no file|is none: |cannot be reached"):
        open_storage(f"sqlite:///{file}", create=False)
    assert (file.read_bytes() if file.exists() else None) == before
    assert {path.name for path in tmp_path.iterdir()} <= {"studies.db"}


def test_a_database_whose_writer_was_killed_is_opened_by_who_only_reads(tmp_path):
    """A rollback journal that is left is played back before the file is read."""
    path = tmp_path / "s.db"
    StudyStore.create(open_storage(f"sqlite:///{tmp_path}/first.db"), "s", CONFIG, {})
    with closing(sqlite3.connect(tmp_path / "first.db")) as opened:
        opened.execute("VACUUM INTO ?", [str(path)])
    words = "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN; CREATE TABLE more (x);"
    words += "INSERT INTO more VALUES (zeroblob(100000));"
    killed = (
        "import os, sqlite3, sys; opened = sqlite3.connect(sys.argv[1]); opened.executescript(sys.argv[2]); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed, path, words], check=False)
    assert path.with_name("s.db-journal").stat().st_size
    assert study_names(open_storage(f"sqlite:///{path}", create=False)) == ["s"]
