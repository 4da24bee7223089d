"""The data set that every source returns, and the request that it takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vitspace.errors import InputError
from vitspace.machine.resources import available_memory
from vitspace.units import format_bytes


@contextmanager
def permitted() -> Iterator[None]:
    """Turn what may not be read, or is more than memory holds, into one clear error."""
    try:
        yield
    except PermissionError as error:
        raise InputError(f"data are files that this user may read, but got {error}") from None
    except MemoryError as error:
        raise InputError(f"{_ROOM}, but memory ran out: {error}; {_LESS}") from None


_ROOM = "data are kept in memory, a byte for each value"
_LESS = "ask for fewer images by max_train and max_val, or for smaller ones by img_size"


def check_room(count: int, img_size: int) -> None:
    """Check that memory holds images before they are made.

    Args:
        count: How many.
        img_size: Side of the image in pixels.

    Raises:
        InputError: it does not.
    """
    needed, free = 3 * count * img_size**2, available_memory()
    if needed > free:
        raise InputError(
            f"{_ROOM}, but {count:,} images of {img_size:,} px take {format_bytes(needed)}, and "
            f"{format_bytes(free)} are free; {_LESS}"
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification set, decoded and kept in memory.

    Attributes:
        name: The text it was loaded from, ``digits`` or ``imagefolder:DIR``.
        train_images: uint8 [N, 3, H, W].
        train_labels: int64 [N], numbers into ``classes``.
        val_images: uint8 [M, 3, H, W].
        val_labels: int64 [M].
        classes: Names of the classes.
        skipped: How many of the images drawn could not be decoded.
        mirrors: Whether a mirrored image keeps its class.
        passed_over: How many visible files of a folder are not taken, since they are no images.
    """

    name: str
    train_images: Tensor
    train_labels: Tensor
    val_images: Tensor
    val_labels: Tensor
    classes: tuple[str, ...]
    skipped: int = 0
    mirrors: bool = True
    passed_over: int = 0


@dataclass(frozen=True)
class DataRequest:
    """Size and number of the images that a source loads.

    Attributes:
        img_size: Side of the image in pixels.
        seed: Seed of images that are generated, split or drawn.
        max_train: At most so many training images, drawn evenly over classes; None is the source's own number.
        max_val: The same for validation.
    """

    img_size: int
    seed: int = 0
    max_train: int | None = None
    max_val: int | None = None


@dataclass(frozen=True)
class Files:
    """The files that a data set is read from.

    Attributes:
        root: Their folder.
        paths: They, each below it.
        rest: What follows the folder in the data set's text.
    """

    root: Path
    paths: tuple[Path, ...]
    rest: str = ""


def draw_evenly(labels: np.ndarray, classes: int, limit: int | None, rng: np.random.Generator) -> np.ndarray:
    """Draw items evenly over classes, and return their sorted numbers.

    The share of a class that has too few items goes to the others; a remainder is distributed at random.

    Args:
        labels: Class of each item, from 0, [N].
        classes: How many there are.
        limit: At most so many items are drawn; None draws all.
        rng: Draws them.
    """
    orders = [rng.permutation(np.flatnonzero(labels == label)) for label in range(classes)]
    sizes = [len(order) for order in orders]
    total = sum(sizes) if limit is None else min(limit, sum(sizes))
    counts = [0] * classes
    while total:
        hungry = [i for i in rng.permutation(classes) if counts[i] < sizes[i]]
        share = max(1, total // len(hungry))
        for i in hungry[:total]:
            taken = min(share, sizes[i] - counts[i])
            counts[i] += taken
            total -= taken
    return np.sort(np.concatenate([order[:count] for order, count in zip(orders, counts, strict=True)]))


def part_of(dataset: Dataset, fraction: float, seed: int = 0) -> Dataset:
    """Return the data set with a share of its training images, at least one, drawn evenly over classes."""
    labels = dataset.train_labels.numpy()
    limit = max(1, round(fraction * len(labels)))
    chosen = draw_evenly(labels, len(dataset.classes), limit, np.random.default_rng([seed, 3]))
    return replace(dataset, train_images=dataset.train_images[chosen], train_labels=dataset.train_labels[chosen])


def resize(images: Tensor, img_size: int) -> Tensor:
    """Resize by bilinear interpolation: uint8 [N, 3, H, W] -> uint8 [N, 3, img_size, img_size]."""
    if images.shape[-2:] == (img_size, img_size):
        return images.contiguous()
    check_room(len(images), img_size)
    out = torch.empty(len(images), 3, img_size, img_size, dtype=torch.uint8)
    for start in range(0, len(images), 1024):
        part = images[start : start + 1024].float()
        part = F.interpolate(part, size=(img_size, img_size), mode="bilinear", antialias=True)
        out[start : start + 1024] = part.round_().clamp_(0, 255)
    return out
