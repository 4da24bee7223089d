"""This process among those that torchrun starts."""

from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from forks import FORKS
from noting import Notes

from vitspace.data import IGNORED
from vitspace.training import loading, loop, processes
from vitspace.training.goals import OfImages, OfPixels
from vitspace.training.loading import HERE
from vitspace.training.processes import ProcessGroup
from vitspace.training.run import Training


@pytest.mark.parametrize(("told", "local"), [({"LOCAL_WORLD_SIZE": "2"}, 2), ({}, 4)])
def test_processes_of_this_machine_are_those_that_share_it(monkeypatch, told, local):
    for name, value in ({"WORLD_SIZE": "4", "RANK": "2", "LOCAL_RANK": "0"} | told).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(processes.dist, "init_process_group", lambda backend: None)
    monkeypatch.setattr(processes.dist, "destroy_process_group", lambda: None)
    with processes.processes("cpu") as place:
        assert place == ProcessGroup(2, 4, torch.device("cpu"), local)


def test_shared_memory_is_parted_among_the_processes_of_this_machine(ask, monkeypatch):
    asked = []
    monkeypatch.setattr(loop, "plan_loading", lambda *given: asked.append(given) or HERE)
    Training(ask(workers=2), Notes(), ProcessGroup(0, 1, torch.device("cpu"), local=3))
    [(workers, _, parts, marks_shared)] = asked
    assert (workers, parts, marks_shared) == (2, 3, True)


@pytest.mark.parametrize(("data", "workers"), [({}, 2), ({"data": "digits"}, 0)])
def test_images_on_disk_are_loaded_by_processes_that_share_the_cores(ask, monkeypatch, data, workers):
    asked = []
    monkeypatch.setattr(loop, "plan_loading", lambda *given: asked.append(given) or HERE)
    monkeypatch.setattr(loading, "cores", lambda: range(6))
    Training(ask(workers=None, **data), Notes(), ProcessGroup(0, 1, torch.device("cpu"), local=3))
    assert asked[0][0] == workers


def shares(goal, place, counts):
    """The shares of micro-batches of which as many images, or pixels of 16, count."""
    if isinstance(goal, OfImages):
        targets = [torch.zeros(count, dtype=torch.int64) for count in counts]
    else:
        targets = [torch.where(torch.arange(16).view(1, 4, 4) < count, 1, IGNORED) for count in counts]
    training = SimpleNamespace(goal=goal, place=place)
    return torch.stack(loop.Loop._shares(training, [(None, each) for each in targets])).tolist()


def _share_pixels(folder, rank, counts, found):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    place = ProcessGroup(rank, 2, torch.device("cpu"))
    found.put((rank, shares(OfPixels(3), place, counts)))
    dist.destroy_process_group()


@pytest.mark.parametrize("counts", [([16, 0], [3, 1]), ([1, 0], [0, 0]), ([0, 0], [0, 0])])
def test_pixels_of_two_processes_count_alike(tmp_path, counts):
    found = FORKS.Queue()
    started = [FORKS.Process(target=_share_pixels, args=(tmp_path, rank, counts[rank], found)) for rank in range(2)]
    for process in started:
        process.start()
    given = dict(found.get(timeout=60) for _ in started)
    for process in started:
        process.join()
    total = sum(map(sum, counts))
    # The processes' gradients are averaged: a share is twice the part of all pixels.
    for rank in range(2):
        assert given[rank] == pytest.approx([2 * n / max(1, total) for n in counts[rank]])


def test_images_count_alike_without_a_word_to_other_processes(monkeypatch):
    monkeypatch.delattr(ProcessGroup, "total")
    place = ProcessGroup(0, 2, torch.device("cpu"))
    assert shares(OfImages(3), place, [6, 2]) == [0.75, 0.25] and shares(OfImages(3), place, [4]) == [1]
