"""A picture as its file says that it is seen: upright, in RGB of 8 bits, on white where it is transparent."""

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

_BITS_PER_SAMPLE = 258
_Turn = Image.Transpose
#: What makes a picture upright, by its EXIF orientation.
_UPRIGHT = {
    2: _Turn.FLIP_LEFT_RIGHT,
    3: _Turn.ROTATE_180,
    4: _Turn.FLIP_TOP_BOTTOM,
    5: _Turn.TRANSPOSE,
    6: _Turn.ROTATE_270,
    7: _Turn.TRANSVERSE,
    8: _Turn.ROTATE_90,
}


def as_rgb(image: Image.Image) -> Image.Image:
    """Return a picture upright and in RGB of 8 bits: 16-bit values are scaled, and what is transparent is white.

    Raises:
        ValueError: its values are floating-point, so that their range is unknown.
    """
    if image.mode == "F":
        raise ValueError("pixels are integers, but got floating-point values")
    image.load()  # readers of some formats turn it by themselves, and then say so
    turn = _UPRIGHT.get(orientation(image))
    if image.mode.startswith("I"):
        image = _in_8_bits(image)
    elif image.has_transparency_data:
        rgba = _with_alpha(image)
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    image = image.convert("RGB")
    return image if turn is None else image.transpose(turn)


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) to 8; 1 where a damaged block does not say."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a damaged block makes Pillow's readers raise almost anything
        return 1
    return found if isinstance(found, int) else 1


def _in_8_bits(image: Image.Image) -> Image.Image:
    """Return a grey picture of up to 16 bits in 8, white where it is transparent."""
    values: NDArray[np.int64] = np.asarray(image).astype(np.int64)
    bits = min(16, _bits(image))
    grey = np.rint(values.clip(0, 2**bits - 1) * (255 / (2**bits - 1))).astype(np.uint8)
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255
    return Image.fromarray(grey)


def _bits(image: Image.Image) -> int:
    """Return the bits of a value: a TIFF's, such as 12; Pillow scales the values of other formats to 16."""
    told = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))
    return int(told[0] if isinstance(told, tuple) else told)


def _with_alpha(image: Image.Image) -> Image.Image:
    """Return a picture in RGBA.

    Of the pixels of a PNG of 16 bits a channel Pillow keeps the upper 8, and of its transparent colour all 16. The
    upper 8 of that are taken, so that other colours that begin with the same 8 bits are transparent, too. A transparent
    colour whose channels are all below 256 is taken for one of 8 bits.
    """
    key = image.info.get("transparency")
    if isinstance(key, tuple) and max(key) > 255:
        image = image.copy()
        image.info["transparency"] = tuple(value >> 8 for value in key)
    return image.convert("RGBA")
