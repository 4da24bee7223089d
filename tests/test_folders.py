import multiprocessing
import os
import platform
import random
import signal
import threading
import time
from pathlib import Path

import pytest
from forks import FORKS

from vitspace import folders
from vitspace.errors import InputError
from vitspace.files import write_atomic, write_with
from vitspace.folders import LOCK, contents, note_replaced, owning, whole_files, whole_folder

FORK = multiprocessing.get_context("fork")
NAMES = ("a.txt", "b.txt", "c.txt")


def hold(folder, ready, forks=False):
    with owning(folder, "an export"):
        if forks:
            FORK.Process(target=time.sleep, args=(60,)).start()
        ready.put(os.getpid())
        time.sleep(60)


@pytest.fixture
def holding(tmp_path):
    """A process that owns a folder, and the number of its process."""
    ready = FORKS.Queue()
    process = FORKS.Process(target=hold, args=(tmp_path / "out", ready))
    process.start()
    yield process, ready.get(timeout=30)
    process.kill()
    process.join()


def test_a_folder_has_one_owner_that_a_refusal_names(tmp_path, holding):
    _, pid = holding
    words = rf"one process at a time makes an export in '.*out', but process {pid} on {platform.node()} does"
    for patience in (0, 0.1):
        with pytest.raises(InputError, match=words), owning(tmp_path / "out", "an export", patience):
            pass


def test_a_killed_owner_owns_nothing(tmp_path, holding):
    process, _ = holding
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with owning(tmp_path / "out"):
        assert (tmp_path / "out" / LOCK).read_text() == f"process {os.getpid()} on {platform.node()}\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "out"] and list((tmp_path / "out").iterdir()) == []


def test_what_a_killed_owner_forked_does_not_own_its_folder(tmp_path):
    ready = FORKS.Queue()
    process = FORKS.Process(target=hold, args=(tmp_path / "out", ready, True))
    process.start()
    ready.get(timeout=30)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with owning(tmp_path / "out"):
        pass


def test_a_lock_of_anything_else_is_no_owner(tmp_path):
    (tmp_path / LOCK).write_bytes(b"process 1 on \xff\x00 and more")
    with owning(tmp_path):
        pass


def test_a_folder_that_was_made_for_nothing_is_removed(tmp_path):
    with pytest.raises(OSError, match="disk full"), owning(tmp_path / "new" / "out"):
        raise OSError("disk full")
    assert list(tmp_path.iterdir()) == []
    with owning(tmp_path / "new" / "out"):
        (tmp_path / "new" / "out" / "a.txt").touch()
    assert contents(tmp_path / "new" / "out") == [tmp_path / "new" / "out" / "a.txt"]


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path):
    (tmp_path / "file").touch()
    words = r"a training needs a folder that can be written, but got '.*file/out'"
    with pytest.raises(InputError, match=words), owning(tmp_path / "file" / "out", "a training"):
        pass


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_folder_is_replaced_with_its_lock(tmp_path, monkeypatch, exchanges):
    if not exchanges:
        monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    out = tmp_path / "out"
    write_atomic(out / "old.txt", "old")
    with owning(out):
        with whole_folder(out) as new:
            write_atomic(new / "new.txt", "new")
        assert {path.name for path in out.iterdir()} == {"new.txt", LOCK}
        process = FORKS.Process(target=hold, args=(out, FORKS.Queue()))
        process.start()
        process.join(30)
        assert process.exitcode == 1  # refused
    assert {path.name for path in out.iterdir()} == {"new.txt"} and list(tmp_path.iterdir()) == [out]


def test_a_replaced_folder_is_never_absent(tmp_path):
    out, seen, stop = tmp_path / "out", [], threading.Event()
    write_atomic(out / "a.txt", "0")

    def look():
        while not stop.is_set():
            seen.append((out / "a.txt").exists())

    looking = threading.Thread(target=look)
    looking.start()
    for n in range(200):
        with whole_folder(out) as new:
            (new / "a.txt").write_text(str(n))
    stop.set()
    looking.join()
    assert all(seen) and len(seen) > 10


def replace_again_and_again(out, ready, how):
    ready.put(True)
    for n in range(10**6):
        with owning(out):
            with how(out) as new:
                for name in NAMES:
                    write_atomic(new / name, str(n))
            write_with(out / "state.pt", lambda path: path.write_bytes(b"0" * 10**6))


@pytest.mark.parametrize("how", [whole_folder, whole_files])
def test_what_a_kill_at_any_moment_leaves_is_whole_and_cleared_by_the_next_run(tmp_path, how):
    draw, out = random.Random(0), tmp_path / "out"
    for _ in range(8):
        ready = FORKS.Queue()
        process = FORKS.Process(target=replace_again_and_again, args=(out, ready, how))
        process.start()
        ready.get(timeout=30)
        time.sleep(draw.uniform(0, 0.1))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        with owning(out):
            made = {path.name: path for path in contents(out)}
            assert len({made[name].read_text() for name in NAMES if made}) <= 1
            write_with(out / "state.pt", lambda path: path.touch())
        assert {path.name for path in out.iterdir()} <= {*NAMES, "state.pt"}
        assert list(tmp_path.iterdir()) == [out]


def test_a_folder_that_was_moved_away_by_a_killed_process_is_put_back(tmp_path):
    former = tmp_path / ".out.v1.abcdefgh.new.5" / "former"
    write_atomic(former / "a.txt", "kept")
    with owning(tmp_path / "out.v1.5"):
        assert (tmp_path / "out.v1.5" / "a.txt").read_text() == "kept"
    assert list(tmp_path.iterdir()) == [tmp_path / "out.v1.5"]


def test_files_that_a_killed_process_was_moving_are_moved(tmp_path):
    write_atomic(tmp_path / ".files.abcdefgh.whole" / "b.txt", "rest")
    write_atomic(tmp_path / ".files.abcdefgh.new" / "c.txt", "half")
    write_atomic(tmp_path / ".mine.txt", "stays")
    with owning(tmp_path):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"b.txt", ".mine.txt"}


def test_temporary_files_of_living_processes_stay(tmp_path):
    def write(path):
        with owning(tmp_path):
            write_atomic(tmp_path / "a.txt", "another's")
        path.write_text("mine")

    write_with(tmp_path / "a.txt", write)
    assert (tmp_path / "a.txt").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


def test_a_page_of_something_else_is_not_replaced_without_a_word(tmp_path, caplog):
    page = tmp_path / "report.md"
    note_replaced(page, "# rank score")
    page.write_text("# rank score\n\nand more")
    note_replaced(page, "# rank score\n\nand other")
    assert not caplog.text
    note_replaced(page, "# zico score")
    assert "held another report, 'rank score', which is replaced" in caplog.text


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
