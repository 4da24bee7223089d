"""This process among those that train: alone, or one of those that torchrun starts, one a GPU."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from vitspace.errors import InputError
from vitspace.machine.devices import check_device


@dataclass(frozen=True)
class ProcessGroup:
    """This process among the others.

    Attributes:
        rank: Its number.
        world: How many there are.
        device: Where it trains.
        local: How many of them are on this machine.
    """

    rank: int
    world: int
    device: torch.device
    local: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """Return the sum over all processes."""
        if self.world > 1:
            dist.all_reduce(values)
        return values


def started() -> int:
    """Return how many processes torchrun started, or 1."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def processes(device: str) -> Iterator[ProcessGroup]:
    """Join the processes that torchrun started, or be the only one.

    Args:
        device: auto, cpu, cuda, cuda:1 or mps; under torchrun each process takes the GPU of its local rank.

    Raises:
        InputError: there is no such device, or fewer GPUs than processes.
    """
    world = started()
    if world == 1:
        yield ProcessGroup(0, 1, check_device(device))
        return
    rank, local = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
    if rank:
        logging.getLogger().setLevel(logging.WARNING)
    where = check_device(device)
    if where.type == "cuda":
        if local >= torch.cuda.device_count():
            raise InputError(f"each process has a GPU, but there are {torch.cuda.device_count()} for {local + 1}")
        where = torch.device("cuda", local)
        torch.cuda.set_device(where)
    dist.init_process_group("nccl" if where.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(rank, world, where, int(os.environ.get("LOCAL_WORLD_SIZE", world)))
    finally:
        dist.destroy_process_group()
