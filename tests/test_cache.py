"""A cache that is damaged, or cannot be written."""

import sqlite3
from contextlib import closing
from multiprocessing import get_context

import numpy as np
import pytest

from vitspace import cache
from vitspace.errors import InputError
from vitspace.folders import check_folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fill(folder):
    cache.store("kind", {str(number): {"value": number} for number in range(500)})
    return (folder / "cache.sqlite").read_bytes()


def other_tables(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE entries (name TEXT)")


def overwritten(path, start, length, seed=0):
    data = bytearray(path.read_bytes())
    data[start : start + length] = np.random.default_rng(seed).integers(0, 256, length, dtype=np.uint8).tobytes()
    path.write_bytes(bytes(data))


DAMAGE = {
    "garbage": lambda path: path.write_bytes(b"garbage" * 1000),
    "zeros": lambda path: path.write_bytes(bytes(8192)),
    "header": lambda path: overwritten(path, 0, 100),
    "first page": lambda path: overwritten(path, 100, 3996),
    "other tables": other_tables,
    "text": lambda path: path.write_text("{}" * 400),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_cache_is_set_aside_and_made_anew(folder, name, caplog):
    fill(folder)
    DAMAGE[name](folder / "cache.sqlite")
    damaged = (folder / "cache.sqlite").read_bytes()
    cache.store("kind", {"a": {"value": 1}})
    assert cache.load("kind") == {"a": {"value": 1}}
    assert (folder / "cache.sqlite.damaged-1").read_bytes() == damaged
    assert len(caplog.records) == 1 and "set aside as cache.sqlite.damaged-1" in caplog.text


def test_what_is_set_aside_is_kept(folder):
    for number in (1, 2, 3):
        fill(folder)
        (folder / "cache.sqlite").write_bytes(b"garbage %d" % number * 100)
        assert cache.load("kind") == {}
    assert {path.name for path in folder.glob("*.damaged-*")} == {f"cache.sqlite.damaged-{n}" for n in (1, 2, 3)}


@pytest.mark.parametrize("seed", range(20))
def test_damage_anywhere_raises_nothing_and_leaves_a_cache_that_keeps(folder, seed):
    size = len(fill(folder))
    rng = np.random.default_rng(seed)
    overwritten(folder / "cache.sqlite", int(rng.integers(size)), int(rng.integers(1, 6000)), seed)
    cache.load("kind")
    for _ in range(2):
        cache.store("new", {str(number): {"value": number} for number in range(300)})
    assert cache.load("new", "7") == {"7": {"value": 7}}


def _store(number):
    cache.store("kind", {str(number): {"value": number}})


def test_of_several_processes_one_makes_it_anew(folder):
    folder.mkdir()
    (folder / "cache.sqlite").write_bytes(b"garbage" * 1000)
    started = [get_context("fork").Process(target=_store, args=(number,)) for number in range(4)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert sorted(cache.load("kind")) == ["0", "1", "2", "3"]
    assert len(list(folder.glob("*.damaged-*"))) == 1


@pytest.mark.parametrize("where", ["file", "folder", "below a file"])
def test_a_cache_that_cannot_be_written_is_said_once(tmp_path, monkeypatch, caplog, where):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder" / "cache.sqlite").mkdir(parents=True)
    place = {"file": "file", "folder": "folder", "below a file": "file/deep/deeper"}[where]
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path / place))
    for _ in range(2):
        cache.store("kind", {"a": {"value": 1}})
        assert cache.load("kind") == {}
    with cache.exclusive("task"):
        pass
    assert len(caplog.records) == 1 and "so that nothing is kept" in caplog.text


@pytest.mark.parametrize("number", [28, 122])
def test_a_full_disk_is_noticed_before_the_work(tmp_path, monkeypatch, number):
    from pathlib import Path

    def full(self, data):
        raise OSError(number, "full")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"a calibration needs a folder that can be written, but .* is none: full"):
        check_folder(tmp_path / "out", "a calibration")
    assert not list(tmp_path.iterdir())
