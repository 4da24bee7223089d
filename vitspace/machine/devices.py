"""Where a proxy runs, and under which precision and seed."""

import logging
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import torch

from vitspace.errors import InputError, shown

_log = logging.getLogger(__name__)


def check_device(text: str, what: str = "training") -> torch.device:
    """Read ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``; auto is the first GPU, else the CPU.

    Args:
        text: The device.
        what: What runs there, which is said where auto is the CPU; empty says nothing.

    Raises:
        InputError: there is no such device here.
    """
    there = available_devices()
    if text == "auto":
        name = "cuda:0" if "cuda:0" in there else "cpu"
        if name == "cpu" and what:
            _log.info("device auto: no CUDA device here, so that %s runs on the CPU", what)
        return torch.device(name)
    name = "cuda:0" if text == "cuda" else text
    if name not in there:
        raise InputError(f"device is one of auto, {', '.join(there)} on this machine, but got {shown(text)}")
    return torch.device(name)


def available_devices() -> list[str]:
    """Names of the devices that are there: cpu, cuda:0, cuda:1, ..., mps."""
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count())), *mps]


def default_threads(device: str) -> int | None:
    """Return the threads of one network: one on the CPU; elsewhere None, torch's own number.

    Two threads wait for each other at every operator, and both stand still where another program takes one's core.

    Args:
        device: As `check_device` reads it.
    """
    on_cpu = device == "cpu" or (device == "auto" and "cuda:0" not in available_devices())
    return 1 if on_cpu else None


@contextmanager
def computing_on(threads: int | None) -> Iterator[None]:
    """Compute on so many threads within, and on as many as before afterwards; None leaves torch's number."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def autocast(precision: str, device: torch.device) -> AbstractContextManager:
    """Return the context of a forward pass: bf16, float32, or auto, which is bf16 on CUDA and float32 elsewhere."""
    if precision == "bf16" or (precision == "auto" and device.type == "cuda"):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch, NumPy and random inside the block; their global states are as before afterwards."""
    cuda = [device.index or 0] if device.type == "cuda" else []
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        for index in cuda:
            torch.cuda.default_generators[index].manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device's or the host's memory ran out; the CPU's allocator says so in words only."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
