"""Images of a folder, in DIR/train/CLASS/ and DIR/val/CLASS/ (``imagefolder:DIR``).

Images are turned upright, resized by their shorter side, cropped to the middle square, decoded once and kept in memory.
Folders within a class belong to it, linked ones too. Files that cannot be decoded, and visible ones that are no images,
are skipped, counted and named in the log. Hidden files and folders are ignored.
"""

from pathlib import Path

import numpy as np
import torch

from vitspace.data._base import DataRequest, Dataset, Files, draw_evenly
from vitspace.data._decoding import decode, decode_all, tell_broken, tell_passed_over
from vitspace.data._walking import SUFFIXES, entries, images_below
from vitspace.errors import InputError, check_text
from vitspace.words import some

SPLITS = ("train", "val")
_LAYOUT = "DIR/train/CLASS/ and DIR/val/CLASS/ with images"

Classes = dict[str, list[Path]]


class FoundImages(dict[str, Classes]):
    """The images of each class of each split.

    Attributes:
        passed_over: By split, the visible files that are not taken; see `vitspace.data._walking.Found`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.passed_over: dict[str, list[Path]] = {}

    @property
    def count(self) -> int:
        """How many files are not taken."""
        return sum(map(len, self.passed_over.values()))

    def tell_passed_over(self, where: str) -> None:
        """Log which files are not taken."""
        tell_passed_over([str(path) for paths in self.passed_over.values() for path in paths], where)


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
    found.tell_passed_over(argument)
    for split, (images, _, _) in zip(SPLITS, (train, val), strict=True):
        if not len(images):
            raise InputError(f"a split has images that can be read, but all drawn from {argument}/{split} are broken")
    return Dataset(
        f"imagefolder:{argument}", *train[:2], *val[:2], tuple(found["train"]), len(broken), passed_over=found.count
    )


def files(argument: str) -> Files:
    """Return the images of both splits."""
    classes = [paths for split in find_images(argument).values() for paths in split.values()]
    return Files(Path(argument).expanduser(), tuple(path for paths in classes for path in paths))


def find_images(argument: str) -> FoundImages:
    """List the images of each class of each split.

    Raises:
        InputError: a folder is missing or empty, or the splits' classes differ.
    """
    if not argument:
        raise InputError(f"imagefolder needs a folder, imagefolder:DIR, with {_LAYOUT}, but got none")
    root, found = Path(argument).expanduser(), FoundImages()
    for split in SPLITS:
        found[split], found.passed_over[split] = _classes(root / split)
    only = {split: sorted(found[split].keys() - found[other].keys()) for split, other in (SPLITS, SPLITS[::-1])}
    if any(only.values()):
        raise InputError(
            f"train and val of {root} have the same classes, but only train has {some(only['train'])} "
            f"and only val has {some(only['val'])}"
        )
    if len(found["train"]) < 2:
        raise InputError(f"there are at least 2 classes, but {root / 'train'} has {some(list(found['train']))}")
    return found


def _classes(folder: Path) -> tuple[Classes, list[Path]]:
    """Return the images of a split's classes, and what of its folder is not taken."""
    if not folder.is_dir():
        raise InputError(f"an image folder is {_LAYOUT}, but there is no folder {folder}")
    passed_over: list[Path] = []
    classes: list[Path] = []
    for path, is_folder, _ in entries(folder, passed_over):
        (classes if is_folder else passed_over).append(path)
    if not classes:
        raise InputError(f"an image folder is {_LAYOUT}, but {folder} has no class folders")
    files: Classes = {}
    for path in classes:
        check_text(path.name, f"a class folder of {folder}")
    for path in sorted(classes):
        below = images_below(path)
        if not below.images:
            raise InputError(f"every class has images ({' '.join(SUFFIXES)}), but {path} has none")
        files[path.name] = below.images
        passed_over += below.passed_over
    return files, sorted(passed_over)


def _split(
    files: Classes, limit: int | None, request: DataRequest, number: int
) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """Decode a split: uint8 [N, 3, H, W], int64 [N], and the files that were skipped."""
    paths = [path for each in files.values() for path in each]
    labels = np.repeat(np.arange(len(files)), [len(each) for each in files.values()])
    chosen = draw_evenly(labels, len(files), limit, np.random.default_rng([request.seed, number]))
    sources = [(str(paths[at]), paths[at]) for at in chosen]
    return decode_all(sources, labels[chosen].tolist(), request.img_size)
