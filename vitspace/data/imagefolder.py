"""Images of a folder, in DIR/train/CLASS/ and DIR/val/CLASS/ (``imagefolder:DIR``).

Images are resized by their shorter side, cropped to the middle square, decoded once and kept in memory. Files that
cannot be decoded are skipped, counted and named in the log. Hidden files and folders are ignored.
"""

import os
from pathlib import Path

import numpy as np
import torch

from vitspace.data._base import DataRequest, Dataset, draw_evenly
from vitspace.data._decoding import decode, decode_all, tell_broken
from vitspace.errors import InputError, check_text

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
SPLITS = ("train", "val")
_LAYOUT = "DIR/train/CLASS/ and DIR/val/CLASS/ with images"

Files = dict[str, list[Path]]


def check(argument: str) -> None:
    """Raise InputError unless both splits hold the same classes, with an image in each that can be decoded."""
    for files in find_images(argument).values():
        for paths in files.values():
            if not any(decode(path, 8) is not None for path in paths):
                raise InputError(f"every class has an image that can be read, but none of {paths[0].parent} can")


def load(argument: str, request: DataRequest) -> Dataset:
    """Decode the folder; if the request limits the images, they are drawn evenly over classes."""
    found = find_images(argument)
    limits = (request.max_train, request.max_val)
    train, val = (
        _split(found[split], limit, request, number)
        for number, (split, limit) in enumerate(zip(SPLITS, limits, strict=True))
    )
    broken = [*train[2], *val[2]]
    tell_broken(broken, argument)
    for split, (images, _, _) in zip(SPLITS, (train, val), strict=True):
        if not len(images):
            raise InputError(f"a split has images that can be read, but all drawn from {argument}/{split} are broken")
    return Dataset(f"imagefolder:{argument}", *train[:2], *val[:2], tuple(found["train"]), len(broken))


def find_images(argument: str) -> dict[str, Files]:
    """List the images of each class of each split.

    Raises:
        InputError: a folder is missing or empty, or the splits' classes differ.
    """
    if not argument:
        raise InputError(f"imagefolder needs a folder, imagefolder:DIR, with {_LAYOUT}, but got none")
    root = Path(argument).expanduser()
    found = {split: _classes(root / split) for split in SPLITS}
    only = {split: sorted(found[split].keys() - found[other].keys()) for split, other in (SPLITS, SPLITS[::-1])}
    if any(only.values()):
        raise InputError(
            f"train and val of {root} have the same classes, but only train has {_some(only['train'])} "
            f"and only val has {_some(only['val'])}"
        )
    if len(found["train"]) < 2:
        raise InputError(f"there are at least 2 classes, but {root / 'train'} has {_some(list(found['train']))}")
    return found


def _classes(folder: Path) -> Files:
    if not folder.is_dir():
        raise InputError(f"an image folder is {_LAYOUT}, but there is no folder {folder}")
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not names:
        raise InputError(f"an image folder is {_LAYOUT}, but {folder} has no class folders")
    for name in names:
        check_text(name, f"a class folder of {folder}")
    files = {name: _images(folder / name) for name in names}
    empty = [name for name, paths in files.items() if not paths]
    if empty:
        raise InputError(f"every class has images ({' '.join(SUFFIXES)}), but {folder / empty[0]} has none")
    return files


def _images(folder: Path) -> list[Path]:
    found: list[Path] = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "."]
        found += [Path(root, name) for name in files if name[0] != "."]
    return sorted(path for path in found if path.suffix.lower() in SUFFIXES)


def _split(
    files: Files, limit: int | None, request: DataRequest, number: int
) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """Decode a split: uint8 [N, 3, H, W], int64 [N], and the files that were skipped."""
    rng = np.random.default_rng([request.seed, number])
    drawn = draw_evenly([len(paths) for paths in files.values()], limit, rng)
    pairs = [(paths[i], label) for label, (paths, at) in enumerate(zip(files.values(), drawn, strict=True)) for i in at]
    sources = [(str(path), path) for path, _ in pairs]
    return decode_all(sources, [label for _, label in pairs], request.img_size)


def _some(names: list[str], shown: int = 3) -> str:
    rest = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{', '.join(names[:shown])}{rest}" if names else "none"
