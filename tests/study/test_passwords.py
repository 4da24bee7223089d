import pytest

from vitspace.errors import InputError
from vitspace.study.passwords import without_passwords
from vitspace.study.storage import open_storage


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
