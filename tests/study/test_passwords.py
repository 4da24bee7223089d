from pathlib import Path
from types import SimpleNamespace

import pytest
from optuna.study import StudyDirection
from sqlalchemy.exc import OperationalError

from vitspace.errors import InputError, StudyFailedError
from vitspace.searching.copying import copy_study
from vitspace.study import storage as module
from vitspace.study.config import StudyConfig
from vitspace.study.passwords import without_passwords
from vitspace.study.storage import RetryingStorage, naming_storage, open_storage, resume_command
from vitspace.study.store import StudyStore
from vitspace.study.troubles import StorageError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:s3cret@db:5432/v", "postgresql://u:***@db:5432/v"),
        ("postgresql+psycopg://:s3cret@db/v", "postgresql+psycopg://:***@db/v"),
        ("postgresql://u:s3@cr:et@db/v", "postgresql://u:***@db/v"),
        ("postgresql://u:s3/cr/et@db/v", "postgresql://u:***@db/v"),
        ("postgresql://u:s3@cr/et@db/v", "postgresql://u:***@db/v"),
        ("postgresql://u@corp:s3cret@db/v", "postgresql://u@corp:***@db/v"),
        ("postgresql://db/v?user=u&password=s3cret", "postgresql://db/v?user=u&password=***"),
        ("postgresql://db:5432/v?password=s3@cret&user=u", "postgresql://db:5432/v?password=***&user=u"),
        ("mysql://db/v?passwd=s3cret&ssl_Password=s3", "mysql://db/v?passwd=***&ssl_Password=***"),
        ("search --storage 'postgresql://u:s3'\"'\"'cret@db/v' --trials 5", "'postgresql://u:***@db/v' --trials 5"),
        ("the storage 'postgresql://db/v?password=s3cret', then", "'postgresql://db/v?password=***', then"),
        ("a gRPC proxy is grpc://HOST:PORT, but got 'grpc://u:s3cret@h:1'", "'grpc://u:***@h:1'"),
        ("a gRPC proxy is grpc://HOST:PORT, but got 'grpc://s3cret@h:1'", "'grpc://***@h:1'"),
        ("the storage 'sqlite:///u:s3cret@x/y.db'", "'sqlite:///u:***@x/y.db'"),
        ("a folder, but 'postgresql:/u:s3cret@db/v'", "a folder, but 'postgresql:/u:***@db/v'"),
        ("but got 'postgresql://u:s3cretaaaa...bbb'", "'postgresql://u:***'"),
        ("x --storage=postgresql://u:s3cret@a/v y postgresql://w:s3cret@b/v", "://u:***@a/v y postgresql://w:***@b/v"),
    ],
)
def test_a_password_is_left_out_wherever_it_stands(text, shown):
    assert without_passwords(text).endswith(shown) and "s3" not in without_passwords(text)


@pytest.mark.parametrize(
    "url", ["u:s3cret@host/x", "u:s3/cr@et@host/x", "sqlite:///u:s3cret@x/y.db", "grpc://s3cret@h"]
)
@pytest.mark.parametrize("create", [True, False])
def test_the_error_of_a_storage_that_lacks_the_beginning_of_its_url_holds_no_password(
    url, create, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as raised:
        open_storage(url, create=create)
    assert "***@" in str(raised.value) and "s3" not in str(raised.value)


@pytest.fixture
def mistaken(tmp_path, monkeypatch):
    """A journal whose path is a URL without its beginning."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "u:s3cret@host").mkdir()
    return "u:s3cret@host/x.journal"


def test_no_command_shows_a_password_of_a_journal_of_such_a_name(mistaken):
    assert resume_command("s", mistaken).endswith("--storage 'u:***@host/x.journal'")
    StudyStore.create(open_storage("s.journal"), "s", StudyConfig(space="msg"), {})
    assert copy_study("s", mistaken, "s.journal") == 0
    assert StudyStore.open(mistaken, "s").record().storage == "u:***@host/x.journal"
    with pytest.raises(InputError, match=r"in u:\*\*\*@host/x.journal; give the copy another"):
        copy_study("s", mistaken, "s.journal")


@pytest.mark.parametrize("damage", ["no record", "SQLite format 3\0", "folder"])
def test_no_error_shows_a_password_of_a_damaged_storage_of_such_a_name(mistaken, damage):
    if damage == "folder":
        Path(mistaken).mkdir()
    else:
        open_storage(mistaken).create_new_study([StudyDirection.MINIMIZE], "s")
        text = Path(mistaken).read_text()
        Path(mistaken).write_text(f"{damage}\n{text}" if damage[0] == "S" else f"{text}{damage}\n{text}")
    with pytest.raises(InputError) as raised:
        StudyStore.open(mistaken, "s")
    assert "u:***@host" in str(raised.value) and "s3" not in str(raised.value)


def test_a_storage_of_such_a_name_that_fails_meanwhile_shows_no_password(mistaken, caplog):
    storage = open_storage(mistaken)
    storage.create_new_study([StudyDirection.MINIMIZE], "s")
    Path(mistaken).unlink()
    with pytest.raises(StorageError) as raised:
        storage.get_all_studies()
    assert "s3" not in str(raised.value) and "u:***@host" in str(raised.value)
    with pytest.raises(StudyFailedError) as failed, naming_storage(mistaken):
        raise StorageError(f"no room for {mistaken}")
    assert "s3" not in str(failed.value)


def test_what_is_waited_for_shows_no_password_of_a_storage_of_such_a_name(mistaken, caplog, monkeypatch):
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _: None))
    answers = [OperationalError("", {}, Exception(f"no route to {mistaken}"))] * 8

    class Away:
        def get_all_studies(self):
            if answers:
                raise answers.pop()
            return []

    assert RetryingStorage(Away(), mistaken).get_all_studies() == []
    assert "asking again" in caplog.text and "s3" not in caplog.text


URLS = (
    "postgresql://u:my hunter22@host/x",
    "postgresql://a/b:Secret123@h/x",
    "postgresql://u:p@ss:Secret123@host/x",
    "mysql://u:s3/cr@et@db/v",
    "postgresql://db/v?password=hunter22&user=u",
)


@pytest.mark.parametrize("url", [*URLS, "postgresql://u:p%40ss%3ASecret123@host/x"])
def test_what_a_driver_says_of_a_url_in_parts_holds_no_password(url):
    secrets = ("Secret123", "ss:Secret123", "p@ss", "hunter22", "s3/cr", "cr@et")
    ends = [url[i:] for i in range(len(url))]
    for said in [*ends, 'could not translate host name "ss:Secret123@host" to address', "password p@ss:Secret123"]:
        masked = without_passwords(f'driver: "{said}" is wrong', url)
        assert not [secret for secret in secrets if secret in url and secret in masked and len(secret) > 5], said


@pytest.mark.parametrize(
    "text",
    [
        "studies.journal",
        "sqlite:////tmp/a@b/s.db",
        "grpc://host:13000",
        "postgresql://u@db:5432/v?sslmode=require",
        "vitspace search --storage grpc://host:13000 --data hf:me@v1",
    ],
)
def test_what_holds_no_password_is_left_as_it_is(text):
    assert without_passwords(text) == text
