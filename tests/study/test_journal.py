import fcntl
import os
import random
import re
import resource
import signal
import subprocess
import threading
import time

import optuna
import pytest
from forks import FORKS
from optuna.storages import JournalStorage

from vitspace.errors import InputError
from vitspace.study.journal import JournalFile
from vitspace.study.troubles import DamagedError, LostError


def record(name, size=1):
    return {"op_code": 0, "worker_id": "w", "study_name": f"{name}" * size, "directions": [0]}


def line(name):
    return f'{{"op_code":0,"worker_id":"w","study_name":"{name}","directions":[0]}}\n'.encode()


def names(path):
    return [log["study_name"] for log in JournalFile(path).read_logs(0)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "j"


@pytest.fixture
def study(path):
    """A journal of two trials, of which one is complete."""
    made = optuna.create_study(storage=JournalStorage(JournalFile(path)), study_name="s")
    trial = made.ask()
    trial.suggest_categorical("dim", (32, 64))
    made.tell(trial, 1.0)
    made.ask()
    return made


def test_logs_are_lines_that_read_back(path):
    journal = JournalFile(path)
    journal.append_logs([record("a"), record("b")])
    journal.append_logs([record("c")])
    assert list(journal.read_logs(0)) == [record("a"), record("b"), record("c")]
    assert list(journal.read_logs(2)) == [record("c")]
    assert list(journal.read_logs(3)) == []


@pytest.mark.parametrize("tail", [b'{"op', b'{"op_code": ' + b"1" * 200_000])
def test_an_incomplete_last_record_is_dropped_before_the_next_is_written(path, caplog, tail):
    journal = JournalFile(path)
    journal.append_logs([record("a")])
    path.write_bytes(path.read_bytes() + tail)
    assert names(path) == ["a"]
    journal.append_logs([record("b")])
    assert path.read_bytes() == line("a") + line("b")
    assert "incomplete record, which is dropped" in caplog.text


def test_a_last_record_without_a_line_end_gets_it(path):
    path.write_bytes(line("a") + line("b")[:-1])
    JournalFile(path).append_logs([record("c")])
    assert names(path) == ["a", "b", "c"]


JUNK = [
    b"garbage\n",
    b"garbage",
    b"{}\n",
    b'{"op_code":99,"worker_id":"w"}\n',
    b'{"op_code":0,"worker_id":"w"}\n{"op_code":4}\n',
    b'{"op_code":6,"worker_id":"w","trial_id":0,"state":1,"values":null,"datetime_complete":"noon"}\n',
    b"[" * 100_000 + b"\n",
    b'{"op_code":' + b"1" * 5000 + b"}\n",
    "größe\n".encode("utf-16"),
]


@pytest.mark.parametrize("junk", JUNK)
def test_trailing_lines_that_are_no_records_are_set_aside_before_the_next_is_written(path, caplog, junk):
    path.write_bytes(line("a") + junk)
    assert names(path) == ["a"]  # and for reading they are passed over
    JournalFile(path).append_logs([record("b")])
    assert path.read_bytes() == line("a") + line("b")
    assert path.with_name("j.aside").read_bytes().startswith(junk)
    assert "is moved to" in caplog.text


def test_a_running_process_sets_aside_what_another_one_wrote_behind_it(path):
    journal = JournalFile(path)
    journal.append_logs([record("a")])
    path.write_bytes(path.read_bytes() + line("b") + b"garbage\n")
    journal.append_logs([record("c")])
    assert names(path) == ["a", "b", "c"]


@pytest.mark.parametrize("junk", [each for each in JUNK if each.endswith(b"\n")])
def test_a_line_within_the_file_that_is_no_record_is_named_and_nothing_is_written(path, junk):
    path.write_bytes(line("a") + junk + line("b"))
    before = path.read_bytes()
    with pytest.raises(DamagedError, match=r"j:2 is no record of a journal, but .*sed -i\.bak 2d ") as raised:
        names(path)
    assert len(str(raised.value)) < 1000
    with pytest.raises(DamagedError, match="j:2 is no record"):
        JournalFile(path).append_logs([record("c")])
    assert path.read_bytes() == before


def test_the_command_that_takes_a_line_out_works_for_any_path(tmp_path):
    path = tmp_path / "it's mine.journal"
    path.write_bytes(line("a") + b"garbage\n" + line("b"))
    with pytest.raises(DamagedError) as raised:
        names(path)
    subprocess.run(re.search(r"sed .*(?=; else)", str(raised.value)).group(), shell=True, check=True)
    assert names(path) == ["a", "b"]


def test_a_first_line_that_is_no_record_is_named_too(path):
    path.write_bytes(b"garbage\n" + line("a"))
    with pytest.raises(DamagedError, match="j:1 is no record"):
        names(path)


@pytest.mark.parametrize("blank", [b"\n", b"\0" * 4096, b"\0" * 4096 + b"\n", b" \r\n\r\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_a_power_cut_leaves_is_passed_over_with_a_warning(path, caplog, blank, place):
    lines = [line("a"), line("b")]
    path.write_bytes(b"".join([*lines[:place], blank, *lines[place:]]))
    assert names(path) == ["a", "b"]
    assert place == 2 or "what is blank before it is passed over" in caplog.text
    JournalFile(path).append_logs([record("c")])
    assert names(path) == ["a", "b", "c"]


def test_a_record_of_what_no_line_made_says_that_lines_are_lost(path, study):
    made = [line for line in path.read_bytes().splitlines(keepends=True) if b'"op_code":4' not in line]
    path.write_bytes(b"".join(made))
    with pytest.raises(DamagedError, match=r"j:\d+ speaks of trial 0, but no line before it made that: lines are lost"):
        JournalStorage(JournalFile(path))


def test_a_journal_that_holds_a_copy_of_itself_is_refused_as_it_is(path, study):
    whole = path.read_bytes()
    path.write_bytes(whole * 2)
    with pytest.raises(DamagedError, match=r"j:\d+ repeats a line before it, as where a copy of the file was appended"):
        JournalStorage(JournalFile(path))
    assert path.read_bytes() == whole * 2


def mutated(data, draw):
    """Spoil some bytes of a file as crashes, editors and disks do; return it with whether all of it is still there."""
    at, size = draw.randrange(len(data) + 1), draw.randrange(1, 200)
    spoilt = {
        "cut": data[:at],
        "hole": data[:at] + b"\0" * size + data[at + size :],
        "insert": data[:at] + draw.randbytes(size) + data[at:],
        "line": data[: data.find(b"\n", at) + 1] + b"stray\n" + data[data.find(b"\n", at) + 1 :],
        "blank": data[: data.find(b"\n", at) + 1] + b"\n\0\n" + data[data.find(b"\n", at) + 1 :],
        "flip": data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :],
        "tail": data + draw.randbytes(size),
    }
    return draw.choice(sorted(spoilt.items()))


@pytest.mark.parametrize("seed", range(60))
def test_a_spoilt_journal_opens_and_is_written_on_or_is_refused_as_it_is(path, study, seed):
    draw = random.Random(seed)
    kind, data = mutated(path.read_bytes(), draw)
    path.write_bytes(data)
    try:
        storage = JournalStorage(JournalFile(path))
        optuna.create_study(storage=storage, study_name="later")
    except (InputError, DamagedError) as error:
        assert str(path) in str(error) and len(str(error)) < 1000 and kind not in ("blank", "tail")
        assert path.read_bytes() == data
        return
    again = JournalStorage(JournalFile(path)).get_all_studies()
    assert "later" in [each.study_name for each in again]
    aside = path.with_name("j.aside").read_bytes() if path.with_name("j.aside").exists() else b""
    kept = path.read_bytes() + aside
    whole = [each for each in data.split(b"\n")[:-1] if each.strip(b"\0 \r")]
    assert all(each in kept for each in whole)  # no whole line of it is lost


LOSSES = {
    "cut short or replaced": lambda path: os.truncate(path, 10),
    "replaced": lambda path: path.write_bytes(line("x") * 40),
    "deleted": lambda path: path.unlink(),
}


@pytest.mark.parametrize("words", LOSSES)
@pytest.mark.parametrize("reads", [False, True])
def test_a_journal_that_is_lost_is_noticed_before_the_next_write_and_what_is_known_is_kept(path, words, reads):
    journal = JournalFile(path)
    journal.append_logs([record("a"), record("b")])
    LOSSES[words](path)
    before = path.read_bytes() if path.exists() else None
    for name in "cd":
        with pytest.raises(LostError, match=f"its file was .*{words}.* meanwhile; what this process knew of it, 2 rec"):
            if reads and name == "c":
                list(journal.read_logs(2))
            else:
                journal.append_logs([record(name)])
    assert (path.read_bytes() if path.exists() else None) == before
    [kept] = [each for each in path.parent.iterdir() if ".kept-" in each.name]
    assert names(kept) == ["a", "b", *("d" if reads else "cd")]


def test_a_journal_copied_over_itself_is_the_same_one(path):
    journal = JournalFile(path)
    journal.append_logs([record("a")])
    other = path.with_name("copy")
    other.write_bytes(path.read_bytes())
    other.replace(path)
    journal.append_logs([record("b")])
    assert names(path) == ["a", "b"]


def test_a_write_reads_no_more_than_what_is_new(path, monkeypatch):
    journal = JournalFile(path)
    journal.append_logs([record(n) for n in range(2000)])
    list(journal.read_logs(2000))
    read, pread = [], os.pread
    monkeypatch.setattr(os, "pread", lambda *args: read.append(args[1]) or pread(*args))
    journal.append_logs([record("last")])
    assert [log["study_name"] for log in journal.read_logs(2000)] == ["last"]
    assert sum(read) < 2000 < path.stat().st_size


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"first line\nprecious last line", "holds something else"),
        (b"SQLite format 3\x00 and pages", "is SQLite's: say sqlite:///"),
        (b"{}", "holds something else"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_stays_as_it_is(path, content, words):
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"a path as a storage is a journal file, but .*{words}"):
        JournalFile(path)
    assert path.read_bytes() == content


def test_a_line_that_does_not_fit_on_the_disk_is_taken_back(path):
    journal = JournalFile(path)
    journal.append_logs([record("a")])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            journal.append_logs([record("b", size=1000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == line("a")


def test_threads_do_not_mix_their_lines(path):
    def write(name):
        journal = JournalFile(path)
        for n in range(50):
            journal.append_logs([record(f"{name}{n}"), record(f"{name}{n}")])

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logs = names(path)
    assert len(logs) == 200 and all(a == b for a, b in zip(logs[::2], logs[1::2], strict=True))


def append(path, name):
    journal = JournalFile(path)
    for n in range(50):
        journal.append_logs([record(f"{name}{n}")])
        assert f"{name}{n}" in [log["study_name"] for log in journal.read_logs(0)]


def test_processes_append_to_one_file(path):
    processes = [FORKS.Process(target=append, args=(path, name)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert sorted(names(path)) == sorted(f"{name}{n}" for name in "ab" for n in range(50))


def hold(path, ready):
    path.touch()
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        ready.set()
        time.sleep(60)


def test_who_holds_the_lock_for_too_long_is_named(path):
    ready = FORKS.Event()
    process = FORKS.Process(target=hold, args=(path, ready))
    process.start()
    assert ready.wait(30)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        words = rf"after [\d.]+ m?s it is still locked by process {process.pid}, which is suspended"
        with pytest.raises(OSError, match=words):
            JournalFile(path, patience=0.1).append_logs([record("a")])
    finally:
        process.kill()
        process.join()
    JournalFile(path).append_logs([record("a")])


def test_what_is_appended_together_is_written_once_and_others_do_not_wait(path):
    journal = JournalFile(path)
    with journal.batched():
        journal.append_logs([record("a")])
        journal.append_logs([record("b")])
        other = threading.Thread(target=journal.append_logs, args=([record("other")],))
        other.start()
        other.join()
        assert path.read_bytes() == line("other")
    assert names(path) == ["other", "a", "b"]
