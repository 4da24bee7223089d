"""Images with masks of the classes of their pixels, in DIR/train and DIR/val, in ``images/`` and ``masks/`` each.

The mask of ``images/park/7.jpg`` is ``masks/park/7.png``: a PNG of one channel and the image's size, upright. Its
stored values, or the indices of its palette, are the classes from 0 on; 255 is no class.
"""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitspace.data._base import permitted
from vitspace.data._decoding import opened, tell_passed_over
from vitspace.data._picture import as_rgb, orientation
from vitspace.data._walking import images_below
from vitspace.errors import InputError
from vitspace.machine.host import cores

SPLITS = ("train", "val")
#: The value of pixels that have no class.
IGNORED = 255
#: How much longer than the other a side of an image may be: its shorter one is brought to the size of training.
MOST_RATIO = 8
_LAYOUT = "DIR/train/images/, DIR/train/masks/, DIR/val/images/ and DIR/val/masks/"
_KIND = "a mask is a PNG of one channel, grey or with a palette"
_log = logging.getLogger(__name__)

Pair = tuple[Path, Path]
Values = NDArray[np.uint16]


@dataclass
class FoundMasks:
    """Pairs of an image and its mask.

    Attributes:
        pairs: Of each split, sorted.
        classes: How many classes there are.
        largest: Pixels of the largest mask of each split.
        passed_over: How many visible files are not taken: no images, or masks without an image.
    """

    pairs: dict[str, list[Pair]] = field(default_factory=dict)
    classes: int = 0
    largest: dict[str, int] = field(default_factory=dict)
    passed_over: int = 0


@permitted()
def find_masks(argument: str, num_classes: int | None = None) -> FoundMasks:
    """List the images with their masks, and read every mask.

    Args:
        argument: The folder.
        num_classes: Classes that the masks may have; None takes the largest value and one more.

    Raises:
        InputError: a folder is missing or empty, an image has no mask or one of another size, a mask is none, or has a
            value that is no class.
    """
    if not argument:
        raise InputError(f"masks needs a folder, masks:DIR, with {_LAYOUT}, but got none")
    if num_classes is not None and not 2 <= num_classes <= IGNORED:
        raise InputError(f"num-classes of masks is 2 to {IGNORED}, but got {num_classes}")
    root, found, left = Path(argument).expanduser(), FoundMasks(), []
    for split in SPLITS:
        found.pairs[split], passed_over = _pairs(root / split)
        left += passed_over
    tell_passed_over(list(map(str, left)), argument)
    found.passed_over = len(left)
    counts = {}
    for split, pairs in found.pairs.items():
        counts[split], found.largest[split] = _counted(pairs, num_classes)
        if not counts[split].any():
            raise InputError(f"masks have pixels of a class, but all of {root / split} are {IGNORED}")
    found.classes = num_classes or int(np.flatnonzero(sum(counts.values())).max()) + 1
    if found.classes < 2:
        raise InputError(f"there are at least 2 classes, but masks of {root} have 0 alone ({IGNORED} is no class)")
    return found


def read_mask(path: Path) -> Values:
    """Return the classes of a mask's pixels, [H, W].

    Raises:
        InputError: it is no PNG of one channel.
    """
    try:
        with path.open("rb") as file:
            header = file.read(26)
        with Image.open(path, formats=["PNG"]) as image:
            if len(header) < 26 or header[25] not in (0, 3):
                raise InputError(f"{_KIND}, but {path} is {image.mode}")
            values = np.asarray(image).astype(np.uint16)
    except InputError:
        raise
    except Exception as error:  # a broken file makes Pillow's reader raise almost anything
        raise InputError(f"{_KIND}, but {path} cannot be read: {error}") from None
    bits = header[24]
    if header[25] == 0 and bits in (2, 4):  # Pillow spreads grey of few bits over 0 to 255
        values //= 255 // (2**bits - 1)
    return values


def _pairs(folder: Path) -> tuple[list[Pair], list[Path]]:
    """Return a split's images with their masks, and the files that are not taken."""
    for part in (folder / "images", folder / "masks"):
        if not part.is_dir():
            raise InputError(f"masks lie in {_LAYOUT}, but there is no folder {part}")
    images, masks = images_below(folder / "images"), images_below(folder / "masks")
    if not images.images:
        raise InputError(f"masks lie in {_LAYOUT}, but {folder / 'images'} has no images")
    pairs: dict[Path, Path] = {}
    for path in images.images:
        mask = folder / "masks" / path.relative_to(folder / "images").with_suffix(".png")
        if mask in pairs:
            raise InputError(f"an image has a mask of its own, but {pairs[mask]} and {path} have the same, {mask}")
        if not mask.is_file():
            raise InputError(f"an image has a mask of its name, but {path} has none at {mask}")
        pairs[mask] = path
    left = [*images.passed_over, *masks.passed_over, *(path for path in masks.images if path not in pairs)]
    return [(image, mask) for mask, image in pairs.items()], left


def _counted(pairs: list[Pair], num_classes: int | None) -> tuple[NDArray[np.int64], int]:
    """Return how many pixels each class has, [255], and how many the largest mask has."""
    _log.info("reading the %d masks of %s", len(pairs), pairs[0][1].parent)
    with ThreadPoolExecutor(len(cores())) as pool:
        counts = np.array(list(_each(pool, pairs, num_classes or IGNORED)))
    return counts[:, :IGNORED].sum(axis=0), int(counts.sum(axis=1).max())


def _each(pool: ThreadPoolExecutor, pairs: list[Pair], classes: int) -> Iterator[NDArray[np.int64]]:
    def look(pair: Pair) -> NDArray[np.int64]:
        return _look(*pair, classes)

    futures = [pool.submit(look, pair) for pair in pairs]
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def _look(image: Path, mask: Path, classes: int) -> NDArray[np.int64]:
    """Return how many pixels of a mask each value has, [256], if it is one of the image.

    Raises:
        InputError: see `find_masks`.
    """
    values = read_mask(mask)
    height, width = values.shape
    if max(height, width) > MOST_RATIO * min(height, width):
        raise InputError(
            f"the longer side of an image is at most {MOST_RATIO} times the shorter, but {mask} has {width} x {height}"
        )
    if (size := _size(image)) and size != (width, height):
        raise InputError(
            f"a mask has its image's size, but {mask} has {width} x {height} where {image} has {size[0]} x {size[1]}"
        )
    counts = np.bincount(values.ravel(), minlength=IGNORED + 1)
    if beyond := [value for value in np.flatnonzero(counts) if value >= classes and value != IGNORED]:
        raise InputError(
            f"values of masks are classes, 0 to {classes - 1}, or {IGNORED} for none, but {mask} has {beyond[0]} in "
            f"{counts[beyond[0]]} pixels; --num-classes sets how many classes there are"
        )
    return counts


def _size(image: Path) -> tuple[int, int] | None:
    """Return width and height of an image that is turned upright; None where it cannot be read, and is skipped."""
    try:
        with opened(image) as found:
            return found.size if orientation(found) == 1 else as_rgb(found).size
    except Exception:  # a broken file makes Pillow's readers raise almost anything
        return None
