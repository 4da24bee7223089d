"""cifar10:DIR: CIFAR-10 in its binary version, or as an image folder.

The Python version is pickled, and unpickling runs whatever code the file holds, so that it is not read.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from vitspace.data import imagefolder
from vitspace.data._base import Dataset, Request, draw_evenly, resize
from vitspace.errors import InputError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BINARY = "cifar-10-batches-bin"
_FILES = ([f"data_batch_{number}.bin" for number in range(1, 6)], ["test_batch.bin"])
_LAYOUT = f"{BINARY}/ (the binary version) or train/CLASS/ and val/CLASS/ with images"
_RECORD = 1 + 3 * 32 * 32


def check(argument: str) -> None:
    """Raise InputError unless the folder holds CIFAR-10 in a form that is read."""
    binary = _binary(argument)
    if binary is None:
        imagefolder.check(argument)
        return
    for path in (binary / name for names in _FILES for name in names):
        if not path.is_file():
            raise InputError(f"{BINARY} has data_batch_1.bin to data_batch_5.bin and test_batch.bin, but no {path}")
        if not path.stat().st_size or path.stat().st_size % _RECORD:
            raise InputError(f"{path} holds records of {_RECORD} bytes, but has {path.stat().st_size} bytes")


def load(argument: str, request: Request) -> Dataset:
    """Load the set; the images are drawn evenly over classes where the request limits them."""
    binary = _binary(argument)
    if binary is None:
        return replace(imagefolder.load(argument, request), name=f"cifar10:{argument}")
    limits = (request.max_train, request.max_val)
    train, val = (
        _split([binary / name for name in names], limit, request, number)
        for number, (names, limit) in enumerate(zip(_FILES, limits, strict=True))
    )
    return Dataset(f"cifar10:{argument}", *train, *val, CLASSES)


def _binary(argument: str) -> Path | None:
    """Return the folder of the binary version, or None where DIR is an image folder.

    Raises:
        InputError: DIR is neither.
    """
    if not argument:
        raise InputError(f"cifar10 needs a folder, cifar10:DIR, with {_LAYOUT}, but got none")
    root = Path(argument).expanduser()
    for folder in (root, root / BINARY):
        if (folder / "data_batch_1.bin").is_file():
            return folder
    if (root / "train").is_dir():
        return None
    pickled = any((folder / "data_batch_1").is_file() for folder in (root, root / "cifar-10-batches-py"))
    found = "the pickled Python version, which is not read since it could run code" if pickled else "neither"
    raise InputError(f"cifar10:DIR holds {_LAYOUT}, but {root} holds {found}")


def _split(paths: list[Path], limit: int | None, request: Request, number: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Read files of records, a label and 3 * 32 * 32 bytes each: uint8 [N, 3, H, W] and int64 [N]."""
    records = np.concatenate([np.fromfile(path, np.uint8) for path in paths]).reshape(-1, _RECORD)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= len(CLASSES):
        raise InputError(f"labels of {paths[0].parent} are 0 to 9, but one is {labels.max()}")
    members = [np.flatnonzero(labels == label) for label in range(len(CLASSES))]
    drawn = draw_evenly([len(at) for at in members], limit, np.random.default_rng([request.seed, number]))
    chosen = np.sort(np.concatenate([at[i] for at, i in zip(members, drawn, strict=True)]))
    images = torch.from_numpy(records[chosen, 1:].reshape(-1, 3, 32, 32))
    return resize(images, request.img_size), torch.from_numpy(labels[chosen])
