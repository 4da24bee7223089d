"""Data for training proxies: one file a source, named as on the command line (``--data imagefolder:DIR``).

A source has two functions: ``check(argument)``, which is cheap and raises InputError, and ``load(argument, request)``,
which returns a `Dataset`. If all its images have one size, ``native_size(argument)`` returns it; if they lie in files,
``files(argument)`` returns these. Files whose name begins with an underscore are no sources.
"""

import hashlib
import importlib
import os
import pkgutil
from difflib import get_close_matches
from types import ModuleType

from vitspace.data._base import DataRequest, Dataset, Files, part_of, permitted, resize
from vitspace.data._decoding import read_image
from vitspace.data._masks import IGNORED, MOST_RATIO, find_masks, read_mask
from vitspace.data._picture import as_rgb
from vitspace.errors import InputError, shown

__all__ = [
    "IGNORED",
    "MOST_RATIO",
    "SOURCES",
    "Dataset",
    "as_rgb",
    "check_data",
    "find_masks",
    "identity",
    "kept_size",
    "load_data",
    "located",
    "part_of",
    "read_image",
    "read_mask",
    "resize",
]

#: Names of the sources.
SOURCES = tuple(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
_MIN_SIZE = 8


def load_data(
    text: str,
    img_size: int,
    seed: int = 0,
    max_train: int | None = None,
    max_val: int | None = None,
) -> Dataset:
    """Load a data set into memory; equal arguments give equal data in every process.

    Args:
        text: ``fractal``, ``fractal:50`` (classes), ``digits``, ``imagefolder:DIR``, ``cifar10:DIR``,
            ``cifar100:DIR``, ``hf:NAME`` or ``hf:DIR``.
        img_size: Side of the image in pixels.
        seed: Seed of images that are generated, split or drawn.
        max_train: At most so many training images, drawn evenly over classes; None is the source's own number.
        max_val: The same for validation.

    Raises:
        InputError: the text names no source, or its folder does not hold what the source needs.
    """
    source, argument = _parse(text)
    if img_size < _MIN_SIZE:
        raise InputError(f"img_size is at least {_MIN_SIZE}, but got {img_size}")
    for name, limit in (("max_train", max_train), ("max_val", max_val)):
        if limit is not None and limit < 1:
            raise InputError(f"{name} is at least 1, but got {limit}")
    _check(source, argument)
    with permitted():
        return source.load(argument, DataRequest(img_size, seed, max_train, max_val))


def check_data(text: str) -> None:
    """Check the text, and the folder it names, decoding at most a few images.

    Raises:
        InputError: the text names no source, or its folder does not hold what the source needs.
    """
    source, argument = _parse(text)
    _check(source, argument)


def identity(text: str) -> str:
    """Return what tells a data set's images from others, wherever they lie.

    That is a digest of the names below their folder and the sizes of its files; of a data set without files, such as
    one that is generated, the text itself.

    Raises:
        InputError: the text names no source, or its folder does not hold what the source needs.
    """
    if (found := _files(text)) is None:
        return text
    told = sorted((os.fsencode(path.relative_to(found.root)), path.stat().st_size) for path in found.paths)
    return hashlib.sha256(b"".join(b"%b\0%d\0" % each for each in told)).hexdigest()[:16]


def located(text: str) -> str:
    """Return a data set's text with the whole path of its folder, if it has one.

    Raises:
        InputError: as `identity`.
    """
    if (found := _files(text)) is None:
        return text
    return f"{text.partition(':')[0]}:{found.root.resolve()}{found.rest}"


def _files(text: str) -> Files | None:
    source, argument = _parse(text)
    with permitted():
        return source.files(argument) if hasattr(source, "files") else None


def kept_size(text: str, img_size: int) -> int:
    """Return the side at which a data set is kept in memory: ``img_size``, or its own if that is smaller.

    Raises:
        InputError: the text names no source, or its folder does not hold what the source needs.
    """
    source, argument = _parse(text)
    _check(source, argument)
    own = source.native_size(argument) if hasattr(source, "native_size") else None
    return min(img_size, own or img_size)


def _check(source: ModuleType, argument: str) -> None:
    with permitted():
        source.check(argument)


def _parse(text: str) -> tuple[ModuleType, str]:
    name, _, argument = text.partition(":")
    if name not in SOURCES:
        near = get_close_matches(name, SOURCES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        known = "fractal, fractal:CLASSES, digits, imagefolder:DIR, cifar10:DIR, cifar100:DIR or hf:NAME"
        hint = "; masks are trained on by a task of segmentation, --task semantic-fpn" if name == "masks" else hint
        raise InputError(f"data is {known}, but got {shown(text)}{hint}")
    return importlib.import_module(f"{__name__}.{name}"), argument
