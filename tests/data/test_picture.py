"""What a file says about its pixels is used: orientation, transparency, bits."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps, PngImagePlugin

from vitspace.data import as_rgb
from vitspace.data._decoding import decode, read_image

EXACT = ("PNG", "TIFF")


def stored(image, kind, **settings):
    file = BytesIO()
    image.save(file, kind, **settings)
    file.seek(0)
    return file


def corners():
    """A picture of four colours, wider than high, so that no two orientations look alike."""
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16, :24], pixels[:16, 24:], pixels[16:, :24] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "MPO"])
def test_every_orientation_is_turned_upright(kind, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    settings = {"save_all": True, "append_images": [corners()]} if kind == "MPO" else {}
    image = read_image(stored(corners(), kind, exif=exif, **settings))
    upright = corners().copy()
    upright.getexif()[ExifTags.Base.Orientation] = orientation
    expected = ImageOps.exif_transpose(upright)
    assert image.size == expected.size
    far = np.abs(np.asarray(image).astype(int) - np.asarray(expected).astype(int))
    assert far.max() == 0 if kind in EXACT else np.median(far) < 12


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "block", [b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\1" * 40, b"x"]
)
def test_a_damaged_block_leaves_the_picture_as_it_is(block):
    assert read_image(stored(corners(), "JPEG", exif=block)).size == corners().size


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_is_none_turns_nothing(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    assert read_image(stored(corners(), "PNG", exif=exif)).tobytes() == corners().tobytes()


def drawing(mode):
    """A black square on a transparent ground that is black, too."""
    alpha = np.zeros((32, 32), np.uint8)
    alpha[8:24, 8:24] = 255
    image = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    image.putalpha(Image.fromarray(alpha))
    return image if mode == "RGBA" else image.convert(mode)


def palette(transparency):
    indices = np.zeros((32, 32), np.uint8)
    indices[8:24, 8:24] = 1
    image = Image.frombytes("P", (32, 32), indices.tobytes())
    image.putpalette([0, 0, 0, 0, 0, 0])
    image.info["transparency"] = transparency
    return image


def keyed(mode, ground):
    """A black square on a ground of the colour that the file says is transparent."""
    image = Image.new(mode, (32, 32), ground)
    image.paste(0 if mode != "RGB" else (0, 0, 0), (8, 8, 24, 24))
    return image


TRANSPARENT = {
    "RGBA.png": lambda: stored(drawing("RGBA"), "PNG"),
    "LA.png": lambda: stored(drawing("LA"), "PNG"),
    "RGBA.webp": lambda: stored(drawing("RGBA"), "WEBP", lossless=True, exact=True),
    "RGBA.tiff": lambda: stored(drawing("RGBA"), "TIFF"),
    "RGBA.avif": lambda: stored(drawing("RGBA"), "AVIF", quality=100),
    "one entry.png": lambda: stored(palette(0), "PNG", transparency=0),
    "a byte an entry.png": lambda: stored(palette(b"\0\xff"), "PNG", transparency=b"\0\xff"),
    "palette.gif": lambda: stored(palette(0), "GIF", transparency=0),
    "animated.gif": lambda: stored(palette(0), "GIF", transparency=0, save_all=True, append_images=[palette(0)]),
    "grey key.png": lambda: stored(keyed("L", 7), "PNG", transparency=7),
    "colour key.png": lambda: stored(keyed("RGB", (9, 8, 7)), "PNG", transparency=(9, 8, 7)),
    "16 bits key.png": lambda: stored(keyed("I;16", 300), "PNG", transparency=300),
}


@pytest.mark.parametrize("name", TRANSPARENT)
def test_a_black_drawing_on_a_transparent_ground_is_seen(name):
    seen = decode(TRANSPARENT[name](), 32)
    assert seen[:, 0, 0].min() > 240, "the ground is white"
    assert seen[:, 16, 16].max() < 15, "the drawing is black"


def test_a_transparent_colour_of_16_bits_is_that_of_the_pixels():
    """A PNG of 16 bits a colour, whose pixels Pillow gives in 8."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    key = struct.pack(">3H", 0x0900, 0x0800, 0x0700)
    rows = b"".join(b"\0" + key * 8 + struct.pack(">3H", 0, 0, 0) * 8 for _ in range(16))
    head = struct.pack(">IIBBBBB", 16, 16, 16, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"tRNS", key), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    image = np.asarray(read_image(BytesIO(PngImagePlugin._MAGIC + b"".join(parts))))
    assert image[:, :8].min() == 255 and image[:, 8:].max() == 0


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "L", "P", "1", "CMYK", "YCbCr", "HSV", "PA"])
def test_colours_of_what_is_opaque_stay(mode):
    grey = Image.new("RGB", (4, 4), (200, 200, 200))
    image = (grey.convert("L") if mode == "PA" else grey).convert(mode)
    expected = image.convert("RGB")
    assert as_rgb(image).tobytes() == expected.tobytes()


def test_half_a_transparency_is_half_white():
    assert np.asarray(as_rgb(Image.new("RGBA", (2, 2), (0, 0, 0, 128))))[0, 0, 0] == pytest.approx(127, abs=1)


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_greys_of_16_bits_are_scaled(dtype):
    values = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16)
    image = Image.frombytes("I;16B" if dtype == ">u2" else "I;16", (8, 8), values.astype(dtype).tobytes())
    seen = np.asarray(as_rgb(image))[..., 0]
    assert seen.tolist() == np.rint(values / 257).astype(int).tolist()


def test_a_tiff_of_12_bits_is_scaled_by_them():
    image = Image.fromarray(np.full((8, 8), 4095, np.uint16))
    image.tag_v2 = {258: (12,)}
    assert np.asarray(as_rgb(image)).min() == 255


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "PPM", "JPEG2000"])
def test_a_file_that_is_cut_is_no_image(kind):
    rng = np.random.default_rng(0)
    whole = stored(Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)), kind).getvalue()
    assert decode(BytesIO(whole), 32) is not None
    assert all(decode(BytesIO(whole[: len(whole) * part // 8]), 32) is None for part in range(4))


def test_a_program_of_postscript_is_not_run():
    assert decode(BytesIO(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"), 32) is None
