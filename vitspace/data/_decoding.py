"""Reads images, one from a file, or many into memory, as many at once as there are cores."""

import logging
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from vitspace.data._picture import as_rgb
from vitspace.words import plural, some

_log = logging.getLogger(__name__)

#: A file, or its content.
Source = Path | BytesIO
#: Formats that are read, whatever a file is called. Others that Pillow knows run programs, or hold no photographs.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")


def read_image(source: Source, least: int = 0) -> Image.Image:
    """Return the first picture of a file, as `as_rgb` does.

    Args:
        source: The file; a pipe or a device is none.
        least: A JPEG is decoded at a fraction of its size of at least so many pixels a side; 0 decodes it in full.

    Raises:
        Exception: it cannot be read; Pillow's readers raise almost anything.
    """
    with opened(source) as image:
        if least:
            image.draft("RGB", (least, least))
        return as_rgb(image)


def opened(source: Source) -> Image.Image:
    """Return a picture that is not decoded yet.

    Raises:
        Exception: it is none; see `read_image`.
    """
    if isinstance(source, Path) and not source.is_file():
        raise ValueError("it is no file")  # to open a pipe waits for its other end
    Image.init()
    return Image.open(source, formats=[name for name in FORMATS if name in Image.OPEN])


def is_image(path: Path) -> bool:
    """Whether a file's first bytes are those of a picture."""
    try:
        with opened(path):
            return True
    except Exception:  # a file of another kind makes Pillow's readers raise almost anything
        return False


def decode(source: Source | None, img_size: int) -> np.ndarray | None:
    """Return the middle square of an image as uint8 [3, img_size, img_size], or None if it cannot be decoded."""
    if source is None:
        return None
    try:
        image = read_image(source, 2 * img_size)
    except Exception as error:  # a broken file makes Pillow's readers raise almost anything
        _log.debug("%s: %s", source, error)
        return None
    square = ImageOps.fit(image, (img_size, img_size), Image.Resampling.BILINEAR)
    return np.asarray(square).transpose(2, 0, 1).copy()


def decode_all(
    sources: Iterable[tuple[str, Source | None]], labels: Sequence[int], img_size: int
) -> tuple[Tensor, Tensor, list[str]]:
    """Decode (name, source) pairs with their labels: uint8 [N, 3, H, W], int64 [N], and names of unreadable images."""
    images = torch.empty(len(labels), 3, img_size, img_size, dtype=torch.uint8)
    kept: list[int] = []
    broken: list[str] = []
    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        decoded = pool.map(lambda pair: (pair[0], decode(pair[1], img_size)), sources)
        for (name, pixels), label in zip(decoded, labels, strict=True):
            if pixels is None:
                broken.append(name)
                continue
            images[len(kept)] = torch.from_numpy(pixels)
            kept.append(label)
    return images[: len(kept)], torch.tensor(kept, dtype=torch.int64), broken


def tell_broken(broken: list[str], where: str) -> None:
    """Log which images are left out since they cannot be decoded, and how many."""
    if broken:
        words = "left out of %s, undecodable: %s: %s"
        _log.warning(words, where, plural(len(broken), "image"), _on_one_line(broken))


def tell_passed_over(names: list[str], where: str) -> None:
    """Log which files of a folder are not taken, and how many."""
    if names:
        words = "left out of %s, as no image that is read, or in a folder met before: %s: %s"
        _log.warning(words, where, plural(len(names), "file"), _on_one_line(names))


def _on_one_line(names: list[str]) -> str:
    """Return the first names on one line, whatever they hold."""
    return some([repr(name)[1:-1] for name in names])
