import resource
import threading

import pytest

from vitspace.errors import InputError
from vitspace.study.journal import JournalFile


def lines(path):
    return path.read_text().splitlines()


def test_logs_are_lines_that_read_back(tmp_path):
    journal = JournalFile(tmp_path / "j")
    journal.append_logs([{"op_code": 1}, {"op_code": 2}])
    journal.append_logs([{"op_code": 3}])
    assert list(journal.read_logs(0)) == [{"op_code": 1}, {"op_code": 2}, {"op_code": 3}]
    assert list(journal.read_logs(2)) == [{"op_code": 3}]


@pytest.mark.parametrize("tail", [b"x", b'{"op_code": ' + b"1" * 200_000])
def test_an_incomplete_last_line_is_dropped_before_the_next_is_written(tmp_path, caplog, tail):
    path = tmp_path / "j"
    journal = JournalFile(path)
    journal.append_logs([{"op_code": 1}])
    path.write_bytes(path.read_bytes() + tail)
    journal.append_logs([{"op_code": 2}])
    assert lines(path) == ['{"op_code":1}', '{"op_code":2}']
    assert "incomplete record" in caplog.text


def test_a_file_of_one_incomplete_line_is_emptied(tmp_path):
    (tmp_path / "j").write_bytes(b'{"op_code"')
    JournalFile(tmp_path / "j")
    assert (tmp_path / "j").read_bytes() == b""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"first line\nprecious last line", "holds something else"),
        (b"SQLite format 3\x00 and pages", "is SQLite's: say sqlite:///"),
        (b"{}", "holds something else"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_stays_as_it_is(tmp_path, content, words):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"a path as a storage is a journal file, but .*{words}"):
        JournalFile(path)
    assert path.read_bytes() == content


def test_a_line_that_does_not_fit_on_the_disk_is_taken_back(tmp_path):
    path = tmp_path / "j"
    journal = JournalFile(path)
    journal.append_logs([{"op_code": 1}])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            journal.append_logs([{"op_code": "x" * 1000}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert lines(path) == ['{"op_code":1}']


def test_threads_do_not_mix_their_lines(tmp_path):
    def write(name):
        journal = JournalFile(tmp_path / "j")
        for n in range(50):
            journal.append_logs([{"op_code": name, "n": n}, {"op_code": name, "n": n}])

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logs = list(JournalFile(tmp_path / "j").read_logs(0))
    assert len(logs) == 200 and all(a == b for a, b in zip(logs[::2], logs[1::2], strict=True))


def test_what_is_appended_together_is_written_once_and_others_do_not_wait(tmp_path):
    journal = JournalFile(tmp_path / "j")
    with journal.batched():
        journal.append_logs([{"op_code": 1}])
        journal.append_logs([{"op_code": 2}])
        other = threading.Thread(target=journal.append_logs, args=([{"b": 1}],))
        other.start()
        other.join()
        assert lines(tmp_path / "j") == ['{"b":1}']
    assert lines(tmp_path / "j") == ['{"b":1}', '{"op_code":1}', '{"op_code":2}']
    journal.append_logs([{"op_code": 3}])
    assert lines(tmp_path / "j")[-1] == '{"op_code":3}'
