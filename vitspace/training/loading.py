"""Processes that load images, and how their batches come here, within what the system lets them share.

Tensors of other processes come through shared memory (/dev/shm), of which a container has 64 MB where nobody asked for
more, and each takes a file descriptor. Where that is too little, batches come through pipes, which is slower.
"""

import logging
import multiprocessing
import os
import resource
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from vitspace.errors import FailureError, InputError
from vitspace.machine.host import cores

SHARED = Path("/dev/shm")
#: Batches of a loading process that wait; torch's own number.
_AHEAD = 2
#: Descriptors of a process's pipes, of a batch in shared memory, and of all else.
_PER_PROCESS, _PER_BATCH, _BESIDE = 6, 2, 16
_SIGNS = ("DataLoader worker (pid", "shared memory", "Too many open files", "received 0 items of ancdata")
_log = logging.getLogger(__name__)

#: Images with their labels or masks.
Pairs = list[tuple[Tensor, int | Tensor] | None]
Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Loading:
    """How images are loaded.

    Attributes:
        workers: Processes that load them; 0 loads them here.
        pipes: Whether batches come through pipes and not through shared memory.
    """

    workers: int = 0
    pipes: bool = False

    def loader(self, images: Any, batch: int, **settings: Any) -> DataLoader:
        """Return batches of the pairs that can be read, as `loaded` takes them."""
        collate = arrays if self.pipes else tensors
        return DataLoader(images, batch, num_workers=self.workers, collate_fn=collate, **settings)


#: Without other processes.
HERE = Loading()


def usual_workers(processes: int = 1) -> int:
    """Return how many processes load images from disk for each of some processes that train: cores, up to 8."""
    return max(1, min(8, len(cores()) // processes))


def plan_loading(workers: int, batch_bytes: int, processes: int = 1, marks_shared: bool = True) -> Loading:
    """Return how images are loaded here; what differs from what was asked for is logged.

    Args:
        workers: Processes that load images, for each that trains.
        batch_bytes: Bytes of the largest batch.
        processes: Processes of this machine that train.
        marks_shared: Whether loading processes can mark files that they cannot read; see `shared_flags`.
    """
    if not workers:
        return HERE
    if why := _without_sharing() or ("" if marks_shared else "no room to mark files that cannot be read"):
        _log.warning("images are loaded without other processes, which cannot share memory here: %s", why)
        return HERE
    handles, room, needed = _handles_left(), _shared_left() // processes, (_AHEAD * workers + 2) * batch_bytes
    if (most := (handles - _BESIDE) // _PER_PROCESS) < workers:
        words = "images are loaded by %d processes for %d: %d more files can be open (ulimit -n)"
        _log.warning(words, most := max(0, most), workers, handles)
        return Loading(most, pipes=most > 0)
    if handles < _BESIDE + workers * (_PER_PROCESS + _AHEAD * _PER_BATCH):
        _log.warning("batches come through pipes, which is slower: %d more files can be open (ulimit -n)", handles)
        return Loading(workers, pipes=True)
    if needed > room:
        words = "batches come through pipes, which is slower: %s has %s left, and they take %s (docker run --shm-size)"
        _log.warning(words, SHARED, _mb(room), _mb(needed))
        return Loading(workers, pipes=True)
    return Loading(workers)


def loaded(loader: DataLoader) -> Iterator[Batch]:
    """Yield float32 [B, 3, S, S] and int64 [B], of masks [B, S, S], of each batch of which an image can be read.

    Raises:
        InputError: no image can be read.
        FailureError: a loading process died, or found no resources.
    """
    try:
        for found in loader:
            if found is not None:
                yield tuple(torch.as_tensor(part) for part in found)  # type: ignore[misc]
    except InputError as error:
        raise InputError(_last_line(error).removeprefix(f"{InputError.__module__}.InputError: ")) from None
    except (OSError, RuntimeError, ValueError) as error:
        if not any(sign in str(error) for sign in _SIGNS):
            raise
        raise FailureError(
            f"a process that loads images failed: {_last_line(error)}; --workers 0 loads them without, or docker run "
            "--shm-size and ulimit -n give more"
        ) from None


def _last_line(error: Exception) -> str:
    """Return what an exception says; torch puts the traceback of another process before it."""
    return [line.strip() for line in str(error).splitlines() if line.strip()][-1]


def tensors(pairs: Pairs) -> Batch | None:
    """Stack the pairs that can be read, in shared memory where this is another process."""
    kept = [pair for pair in pairs if pair is not None]
    return tuple(default_collate(kept)) if kept else None


def arrays(pairs: Pairs) -> tuple[np.ndarray, np.ndarray] | None:
    """Stack the pairs that can be read as arrays, which another process sends through its pipe."""
    kept = [pair for pair in pairs if pair is not None]
    if not kept:
        return None
    return np.stack([image.numpy() for image, _ in kept]), np.stack([np.asarray(label) for _, label in kept])


def shared_flags(count: int) -> Tensor:
    """Return bool [count] of zeros that loading processes write to as well; of this process's own without room."""
    flags = torch.zeros(count, dtype=torch.bool)
    try:
        return flags.share_memory_()
    except (OSError, RuntimeError) as error:
        _log.debug("flags are not shared: %s", error)
        return flags


def _without_sharing() -> str:
    """Say why processes cannot have locks and flags of theirs, which lie in shared memory; empty where they can."""
    try:
        multiprocessing.Lock()
        torch.zeros(1).share_memory_()
    except (ImportError, OSError, RuntimeError) as error:
        return str(error)
    return ""


def _mb(count: int) -> str:
    return f"{count / 2**20:.0f} MB"


def _shared_left() -> int:
    return shutil.disk_usage(SHARED).free if SHARED.is_dir() else 1 << 60


def _handles_left() -> int:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    here = Path("/proc/self/fd")
    used = len(os.listdir(here)) if here.is_dir() else 64  # noqa: PTH208 (what is listed is gone by then)
    return (1 << 30 if limit == resource.RLIM_INFINITY else limit) - used
