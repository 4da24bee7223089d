"""What loading processes share, and what happens where that is little."""

import os
import resource
import signal
from collections import namedtuple

import pytest
import torch
from torch.utils.data import Dataset

from vitspace.errors import FailureError, InputError
from vitspace.training import loading
from vitspace.training.loading import HERE, Loading, loaded, plan_loading, shared_flags

Room = namedtuple("Room", "total used free")
MB = 1 << 20


class Pairs(Dataset):
    """Eight pairs, of which one cannot be read and one raises where it is told to."""

    def __init__(self, error=None):
        self.error = error

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if self.error and index == 6:
            raise self.error
        return None if index == 3 else (torch.full((3, 4, 4), float(index)), index)


class Deadly(Dataset):
    """Eight pairs, of which none is ever given."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def shared(monkeypatch):
    """Set how many bytes of shared memory and how many file descriptors are left."""

    def leave(room=1 << 40, handles=10_000):
        monkeypatch.setattr(loading.shutil, "disk_usage", lambda path: Room(room, 0, room))
        monkeypatch.setattr(loading, "_handles_left", lambda: handles)

    return leave


@pytest.mark.parametrize("how", [HERE, Loading(2), Loading(2, pipes=True)])
def test_batches_are_the_same_however_they_come(how):
    batches = list(loaded(how.loader(Pairs(), 4)))
    assert [labels.tolist() for _, labels in batches] == [[0, 1, 2], [4, 5, 6, 7]]
    assert all(images.dtype == torch.float32 and labels.dtype == torch.int64 for images, labels in batches)
    assert [images[:, 0, 0, 0].tolist() for images, _ in batches] == [[0, 1, 2], [4, 5, 6, 7]]


@pytest.mark.parametrize("workers", [1, 2, 8, 64])
@pytest.mark.parametrize("batch", [MB, 38 * MB, 600 * MB])
@pytest.mark.parametrize("processes", [1, 8])
@pytest.mark.parametrize("room", [0, 64 * MB, 1 << 30, 1 << 40])
def test_more_shared_memory_is_never_taken_than_there_is(shared, caplog, workers, batch, processes, room):
    shared(room)
    found = plan_loading(workers, batch, processes)
    assert found.workers == workers
    assert found.pipes or (2 * workers + 2) * batch * processes <= room
    assert len(caplog.records) == found.pipes and (not found.pipes or "--shm-size" in caplog.text)


@pytest.mark.parametrize("handles", [0, 10, 20, 40, 64, 100, 200, 1000])
@pytest.mark.parametrize("workers", [0, 1, 4, 16])
def test_no_more_files_are_opened_than_may_be(shared, caplog, handles, workers):
    shared(handles=handles)
    found = plan_loading(workers, MB)
    assert found.workers <= max(0, handles // 6) and found.workers <= workers
    if found != Loading(workers):
        assert len(caplog.records) == 1 and "ulimit -n" in caplog.text


@pytest.mark.parametrize(
    "error", [OSError(30, "Read-only file system"), ImportError("no sem_open"), OSError(28, "full")]
)
def test_without_locks_images_are_loaded_here(monkeypatch, caplog, error):
    def refuse():
        raise error

    monkeypatch.setattr(loading.multiprocessing, "Lock", refuse)
    assert plan_loading(4, MB) == HERE
    assert len(caplog.records) == 1 and str(error) in caplog.text


def test_without_shared_marks_images_are_loaded_here_and_it_is_said_once(caplog):
    assert plan_loading(4, MB, marks_shared=False) == HERE and plan_loading(0, MB, marks_shared=False) == HERE
    assert len(caplog.records) == 1 and "no room to mark files that cannot be read" in caplog.text


def test_flags_are_this_processes_own_where_there_is_no_room(monkeypatch):
    assert shared_flags(5).is_shared()

    def full(self):
        raise RuntimeError("unable to allocate shared memory(shm)")

    monkeypatch.setattr(torch.Tensor, "share_memory_", full)
    flags = shared_flags(5)
    assert flags.tolist() == [False] * 5 and not flags.is_shared()


@pytest.mark.parametrize(
    "error", [RuntimeError("unable to allocate shared memory(shm): No space left"), OSError(24, "Too many open files")]
)
def test_a_loading_process_without_resources_is_one_line(error):
    with pytest.raises(FailureError, match=r"^a process that loads images failed: .*; --workers 0 loads") as caught:
        list(loaded(Loading(1).loader(Pairs(error), 4)))
    assert "\n" not in str(caught.value)


def test_an_exception_of_a_loading_process_is_no_death_of_it():
    with pytest.raises(KeyError, match="DataLoader worker process 0"):
        list(loaded(Loading(1).loader(Pairs(KeyError("mine")), 4)))
    with pytest.raises(ValueError, match="mine") as caught:
        list(loaded(Loading(1).loader(Pairs(ValueError("mine")), 4)))
    assert not isinstance(caught.value, InputError)


@pytest.mark.parametrize("how", [HERE, Loading(1)])
def test_images_of_which_none_can_be_read_are_one_line_wherever_they_are_loaded(how):
    with pytest.raises(InputError, match=r"^none of 8 can be read$"):
        list(loaded(how.loader(Pairs(InputError("none of 8 can be read")), 4)))


def test_a_loading_process_that_is_killed_is_one_line():
    with pytest.raises(FailureError, match=r"images failed: DataLoader worker \(pid.*; --workers 0"):
        list(loaded(Loading(1).loader(Deadly(), 4)))


def test_the_descriptors_left_are_below_the_limit():
    assert loading._handles_left() < resource.getrlimit(resource.RLIMIT_NOFILE)[0]
