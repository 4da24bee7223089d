"""Decodes images into memory, as many at once as there are cores."""

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

_log = logging.getLogger(__name__)

#: A file, or its content.
Source = Path | BytesIO
_SHOWN = 3


def as_rgb(image: Image.Image) -> Image.Image:
    """Return an image in RGB; 16-bit values are scaled to 8 bits.

    Raises:
        ValueError: its values are floating-point, so that their range is unknown.
    """
    if image.mode == "F":
        raise ValueError("pixels are integers, but got floating-point values")
    if image.mode.startswith("I"):
        image = Image.fromarray(np.rint(np.asarray(image).clip(0, 65535) / 257).astype(np.uint8))
    return image.convert("RGB")


def decode(source: Source, img_size: int) -> np.ndarray | None:
    """Return the middle square of an image as uint8 [3, img_size, img_size], or None if it cannot be decoded."""
    try:
        with Image.open(source) as image:
            image.draft("RGB", (2 * img_size, 2 * img_size))
            square = ImageOps.fit(as_rgb(image), (img_size, img_size), Image.Resampling.BILINEAR)
    except Exception as error:  # a broken file makes Pillow's readers raise almost anything
        _log.debug("%s: %s", source, error)
        return None
    return np.asarray(square).transpose(2, 0, 1).copy()


def decode_all(
    sources: Iterable[tuple[str, Source]], labels: Sequence[int], img_size: int
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
    """Log which images are left out, and how many."""
    if broken:
        more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        names = ", ".join(broken[:_SHOWN]) + more
        _log.warning("%d images of %s could not be decoded and are left out: %s", len(broken), where, names)
