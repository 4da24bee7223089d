"""This process among those that train: alone, or one of those that torchrun starts, one a GPU."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from vitspace.errors import FailureError, InputError
from vitspace.machine.devices import check_device


class ProcessLostError(FailureError):
    """Another of the processes has ended, so that nothing can be told to it any more."""


@dataclass(frozen=True)
class ProcessGroup:
    """This process among the others.

    What is told to the others raises ProcessLostError where one of them has ended.

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
        return self._reduced(values, dist.ReduceOp.SUM)

    @property
    def agree(self) -> Callable[[Sequence[Tensor]], None] | None:
        """`average`; None for one process."""
        return self.average if self.world > 1 else None

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their means over all processes, in one exchange."""
        means = self.total(torch.cat([each.flatten() for each in tensors])).div_(self.world)
        for each, mean in zip(tensors, means.split([each.numel() for each in tensors]), strict=True):
            each.copy_(mean.view_as(each))

    def any(self, mine: bool) -> bool:
        """Return whether something holds in any process."""
        return bool(self._reduced(torch.tensor(int(mine)), dist.ReduceOp.MAX))

    def least(self, mine: int) -> int:
        """Return the least number of all processes."""
        return int(self._reduced(torch.tensor(mine), dist.ReduceOp.MIN))

    def _reduced(self, values: Tensor, how: dist.ReduceOp.RedOpType) -> Tensor:
        if self.world > 1:
            try:
                dist.all_reduce(values, how)
            except RuntimeError as error:  # of its back ends
                raise ProcessLostError(f"another of the {self.world} processes has ended") from error
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
    here = int(os.environ.get("LOCAL_WORLD_SIZE", world))
    if rank:
        logging.getLogger().setLevel(logging.WARNING)
    where = check_device(device)
    if where.type == "cuda":
        if here > torch.cuda.device_count():
            raise InputError(f"each process has a GPU, but there are {torch.cuda.device_count()} for {here}")
        where = torch.device("cuda", local)
        torch.cuda.set_device(where)
    # Numbers that lie beside a GPU go by gloo, so that the GPU is not waited for.
    dist.init_process_group("cpu:gloo,cuda:nccl" if where.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(rank, world, where, here)
    finally:
        dist.destroy_process_group()
