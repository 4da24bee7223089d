"""Sizes of images as people write them: ``256``, ``192x256`` (height times width), and lists of them."""

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from vitspace.errors import InputError, shown

#: A size of images in pixels: the side of a square, or height and width.
ImageSize = int | tuple[int, int]

#: Side in pixels of the images that specs are written for.
NATIVE_SIZE = 224
#: Sides that an image may have, pixels.
LEAST_SIDE, MOST_SIDE = 32, 4096
#: Sizes in one list.
_MOST_SIZES = 16
_SIZE = re.compile(r"(\d{1,9})(?:\s*x\s*(\d{1,9}))?", re.IGNORECASE | re.ASCII)


def parse_image_size(text: str) -> tuple[int, int]:
    """Read ``256`` or ``192x256`` as height and width in pixels.

    Raises:
        InputError: the text is no size, or a side is too small or too large.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise InputError(f"an image size is a side such as 256, or height x width as 192x256, but got {shown(text)}")
    return sides((int(match[1]), int(match[2] or match[1])))


def parse_image_sizes(text: str) -> list[ImageSize]:
    """Read sizes with commas between, ``192,224,192x256``, in order, each in its one form; see `plain_size`.

    Raises:
        InputError: one of them is no size, stands there twice, or there are too many.
    """
    found = [plain_size(parse_image_size(part)) for part in text.split(",")]
    if len(set(found)) < len(found):
        raise InputError(f"a list of image sizes names each once, but got {shown(text)}")
    if len(found) > _MOST_SIZES:
        raise InputError(f"a list of image sizes has at most {_MOST_SIZES}, but got {len(found)}")
    return found


def sides(size: Any) -> tuple[int, int]:
    """Return height and width of a size: an int, or a pair of them.

    Raises:
        InputError: it is no size, or a side is too small or too large.
    """
    pair = _pair(size)
    if wrong := [side for side in pair if not LEAST_SIDE <= side <= MOST_SIDE]:
        raise InputError(f"a side of an image is {LEAST_SIDE} to {MOST_SIDE} pixels, but got {shown(wrong[0])}")
    return pair


def _pair(size: Any) -> tuple[int, int]:
    pair = (size, size) if type(size) is int else size
    if not isinstance(pair, tuple | list) or len(pair) != 2 or any(type(side) is not int for side in pair):
        raise InputError(f"an image size is a whole number or a pair (height, width), but got {shown(size)}")
    return pair[0], pair[1]


def plain_size(size: Any) -> ImageSize:
    """Return a size in its one form: an int for a square, else (height, width).

    Raises:
        InputError: as `sides`.
    """
    height, width = sides(size)
    return height if height == width else (height, width)


def mean_side(size: Any) -> float:
    """Return the side of the square of the same area, pixels.

    Raises:
        InputError: as `sides`.
    """
    return math.sqrt(math.prod(sides(size)))


def check_stride(size: Any, stride: int) -> tuple[int, int]:
    """Return height and width of a size, if a network of a stride takes such images.

    Raises:
        InputError: as `sides`, or a side is shorter than the stride.
    """
    if (shorter := min(_pair(size))) < stride:
        raise InputError(f"img_size is at least the network's stride {stride}, but got {shorter}")
    return sides(size)


def format_image_size(size: Any) -> str:
    """Write a size as `parse_image_size` reads it: ``256``, ``192x256``."""
    height, width = sides(size)
    return str(height) if height == width else f"{height}x{width}"


def ratio_of(img_size: ImageSize, written_for: ImageSize = NATIVE_SIZE) -> Fraction:
    """Return by how much the shorter side of an image is larger than that of another.

    Raises:
        InputError: one is no size of images.
    """
    return Fraction(min(sides(img_size)), min(sides(written_for)))


def scaled(value: int, least: int, ratio: float | Fraction, rounding: Callable[[Any], int]) -> int:
    """Return what a window or a grid becomes on a map ``ratio`` times as large; those below ``least`` stay."""
    return max(min(value, least), rounding(value * ratio))
