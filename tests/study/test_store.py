import os

import optuna
import pytest

from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore, check_new, free_name, study_names
from vitspace.study.trial import Trial

CONFIG = StudyConfig(space="msg", budget="4G")


@pytest.fixture(params=["s.journal", "sqlite:///{}/s.db"])
def storage(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return open_storage(request.param.format(tmp_path))


def complete(number):
    return Trial(
        number,
        "complete",
        anchor("msg_tiny").spec,
        anchor="msg_tiny",
        params=25,
        macs=3_800_000_000,
        latency_ms=90.0,
        latency={"p10_ms": 89.0, "p90_ms": 89.0},
        score=-0.8,
        seconds=30.0,
        seed=7,
        details={"accuracy": 0.8, "curve": [[1, 3.0]]},
    )


def test_a_trial_reads_back_as_written(storage):
    store = StudyStore.create(storage, "s", CONFIG, {})
    written = complete(0)
    store.save(store.study.ask(), written)
    assert store.trials() == [written]
    assert store.study.trials[0].values == [-0.8, 3.8, 90.0]


def test_a_result_is_one_fact(storage):
    store = StudyStore.create(storage, "s", CONFIG, {})
    store.save(store.study.ask(), complete(0))
    assert list(store.study.trials[0].user_attrs) == ["result"]


def test_rejections_keep_their_reason_and_have_no_values(storage):
    store = StudyStore.create(storage, "s", CONFIG, {})
    store.save(store.study.ask(), Trial(0, "invalid", why="head_dim must divide dim"))
    assert store.trials() == [Trial(0, "invalid", why="head_dim must divide dim")]
    assert store.record().completed == []


def test_a_running_trial_is_no_result(storage):
    store = StudyStore.create(storage, "s", CONFIG, {})
    store.study.ask()
    assert store.trials() == []


def test_facts_of_the_study_read_back(storage):
    store = StudyStore.create(storage, "s", CONFIG, {"command": "vitspace search"})
    store.set(reference_point=[3.0, 4e9, 188.0], reference={"noise": 0.04}, seconds=12.5)
    record = StudyStore.load(storage, "s").record()
    assert record.config == CONFIG and record.resolved == {"command": "vitspace search"}
    assert (record.reference_point, record.reference, record.seconds) == ((3.0, 4e9, 188.0), {"noise": 0.04}, 12.5)


def test_names(storage):
    StudyStore.create(storage, "s", CONFIG, {})
    assert (free_name(storage, "t"), free_name(storage, "s")) == ("t", "s-2")
    with pytest.raises(InputError, match="'s' exists; go on with --resume"):
        StudyStore.create(storage, "s", CONFIG, {})
    with pytest.raises(InputError, match="a study is one of s, but got 'x'"):
        StudyStore.load(storage, "x")
    assert study_names(storage) == ["s"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("/no/such/folder/s.journal", "a storage lies in an existing folder"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/none", "cannot be reached"),
        ("oracle-of-delphi://x", "cannot be reached"),
        ("/", "a storage is a file, but '/' is a folder"),
        ("/dev/null", "a storage is a file, but '/dev/null' is a device or pipe"),
    ],
)
def test_a_storage_that_cannot_be_reached(url, message):
    with pytest.raises(InputError, match=message):
        open_storage(url)


def test_asking_for_an_sqlite_file_that_is_not_there_makes_none(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        open_storage(f"sqlite:///{tmp_path}/typo.db", create=False)
    assert not list(tmp_path.iterdir())


def test_an_incomplete_last_line_is_dropped_and_the_study_goes_on(tmp_path, caplog):
    path = tmp_path / "s.journal"
    store = StudyStore.create(open_storage(str(path)), "s", CONFIG, {})
    store.save(store.study.ask(), complete(0))
    path.write_bytes(path.read_bytes() + b'{"op_code": 4, "worker')
    store = StudyStore.load(open_storage(str(path)), "s")
    running = store.study.ask()
    assert "incomplete record" in caplog.text
    store.save(running, complete(1))
    assert StudyStore.load(open_storage(str(path)), "s").trials() == [complete(0), complete(1)]


def test_resuming_keeps_who_went_on_with_what(storage):
    store = StudyStore.create(storage, "s", CONFIG, {"command": "first"})
    run = {"command": "second", "engine": "ray", "sampler": "random"}
    store.resume(CONFIG.model_copy(update={"trials": 12, "timeout": 1.0}), run)
    assert store.record().config == CONFIG.model_copy(update={"trials": 12})
    assert store.record().resolved == {"command": "first", "resumed": [run]}
    assert (store.config.trials, store.config.engine, store.config.sampler) == (12, "ray", "random")


def test_a_study_that_another_program_made_is_none_of_ours(storage):
    optuna.create_study(storage=storage, study_name="theirs")
    with pytest.raises(InputError, match=r"study 'theirs' has no configuration.*vitspace studies delete theirs"):
        StudyStore.load(storage, "theirs")


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a[/b]", "", ".hidden", "a b"])
def test_a_name_that_is_no_folder_name_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="a study's name is of letters, digits"):
        check_new(str(tmp_path / "s.journal"), name)


def test_a_name_is_short_enough_for_a_file(tmp_path):
    with pytest.raises(InputError, match="of at most 200 bytes, but got 201"):
        check_new(str(tmp_path / "s.journal"), "n" * 201)


def test_a_storage_that_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="a storage needs a folder that can be written, but '/proc' is none"):
        check_new("/proc/s.journal", "a")
    StudyStore.create(open_storage(f"{tmp_path}/s.journal"), "s", CONFIG, {})
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match=r"a storage can be written, but '.*s\.journal' may only be read"):
        check_new(f"{tmp_path}/s.journal", "a")
    assert [path.name for path in tmp_path.iterdir()] == ["s.journal"]
