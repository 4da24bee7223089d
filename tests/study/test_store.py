import pytest

from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore, free_name, open_storage, study_names
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
        latency={"p10_ms": 89.0},
        score=-0.8,
        seconds=30.0,
        seed=7,
        details={"accuracy": 0.8, "curve": [[1, 3.0]]},
    )


def test_a_trial_reads_back_as_written(storage):
    store = StudyStore.create(storage, "s", CONFIG, {})
    written = complete(0)
    store.save(store.ask(), written)
    assert store.trials() == [written]
    assert store.study.trials[0].values == [-0.8, 3.8, 90.0]


def test_rejections_keep_their_reason_and_have_no_values(storage):
    store = StudyStore.create(storage, "s", CONFIG, {})
    store.save(store.ask(), Trial(0, "invalid", why="head_dim must divide dim"))
    assert store.trials() == [Trial(0, "invalid", why="head_dim must divide dim")]
    assert store.record().completed == []


def test_a_running_trial_is_no_result(storage):
    store = StudyStore.create(storage, "s", CONFIG, {})
    store.ask()
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
        ("/no/such/folder/s.journal", "a journal lies in an existing folder"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/none", "cannot be reached"),
        ("oracle-of-delphi://x", "cannot be reached"),
    ],
)
def test_a_storage_that_cannot_be_reached(url, message):
    with pytest.raises(InputError, match=message):
        open_storage(url)
