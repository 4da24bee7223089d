from dataclasses import asdict

import pytest

from vitspace import cache
from vitspace.errors import InputError
from vitspace.proxies import score_tables as module
from vitspace.proxies.score_tables import keep, local_rows, new_row, read_table, write_table

ROW = new_row("params", "abc", "mat_1", 0, "own", 1.5)


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))


def test_rows_of_another_version_are_passed_over():
    keep([ROW])
    other = asdict(ROW) | {"more": 1}
    cache.store(module._KIND, {"older params": other, f"{module._digest('params')} params": other})
    assert local_rows() == [ROW]


@pytest.mark.parametrize("library", ["torch", "timm"])
def test_another_library_measures_anew(monkeypatch, library):
    keep([ROW])
    monkeypatch.setattr(module, "versions", lambda: {"torch": "1", "timm": "1", library: "0"})
    module._digest.cache_clear()
    assert local_rows() == []
    monkeypatch.undo()
    module._digest.cache_clear()


def test_a_damaged_entry_is_left_out(caplog, monkeypatch):
    monkeypatch.setattr(cache, "_sealed", lambda value: '{"a": ')
    cache.store("kind", {"one": {}})
    assert cache.load("kind") == {}
    assert "as damaged or of an older version: 1 entry, such as 'one'" in caplog.text


def test_a_damaged_table_is_named_with_its_line(tmp_path):
    write_table(tmp_path / "scores.csv", [ROW])
    path = tmp_path / "scores.csv"
    path.write_text(path.read_text().replace(",0,own", ",,own"))
    with pytest.raises(InputError, match=r"scores\.csv, line 2: seed, value and seconds are numbers"):
        read_table(path)
