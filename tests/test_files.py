from pathlib import Path

import pytest

from vitspace.files import whole_files, whole_folder, write_atomic, write_with


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_atomic(path, "whole")
    assert path.read_text() == "whole"

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_with(path, fail)
    assert path.read_text() == "whole"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_files_of_a_folder_are_replaced_together_or_not_at_all(tmp_path):
    write_atomic(tmp_path / "a.txt", "former")
    write_atomic(tmp_path / "mine.txt", "stays")
    with pytest.raises(OSError, match="disk full"), whole_files(tmp_path) as new:
        write_atomic(new / "a.txt", "later")
        raise OSError("disk full")
    assert (tmp_path / "a.txt").read_text() == "former"
    with whole_files(tmp_path) as new:
        write_atomic(new / "a.txt", "later")
        write_atomic(new / "b.txt", "added")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.txt": "later",
        "b.txt": "added",
        "mine.txt": "stays",
    }


def test_an_empty_current_folder_is_filled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="disk full"), whole_folder(Path()):
        raise OSError("disk full")
    assert list(tmp_path.iterdir()) == []
    with whole_folder(Path()) as new:
        write_atomic(new / "a.txt", "made")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
