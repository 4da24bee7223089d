"""Folders of images with masks: what is read, and one error for what is not."""

import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from shapes import write_shapes

from vitspace.data import find_masks, read_mask
from vitspace.errors import InputError


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_shapes(tmp_path_factory.mktemp("shapes"), train=4, val=2, size=40)


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "shapes")


def first(folder, split="train"):
    return folder / split / "masks" / "0000.png"


def test_images_are_found_with_their_masks(folder):
    found = find_masks(str(folder))
    assert found.classes == 4 and found.passed_over == 0
    assert [len(pairs) for pairs in found.pairs.values()] == [4, 2]
    assert all(image.stem == mask.stem for pairs in found.pairs.values() for image, mask in pairs)
    assert find_masks(str(folder), 9).classes == 9
    assert found.largest == {"train": 40 * 40, "val": 40 * 40}


def test_folders_within_correspond(folder):
    for part, name in (("images", "0000.jpg"), ("masks", "0000.png")):
        (folder / "train" / part / "park").mkdir()
        (folder / "train" / part / name).rename(folder / "train" / part / "park" / name)
    assert len(find_masks(str(folder)).pairs["train"]) == 4


def test_files_that_are_not_taken_are_named(folder, caplog):
    shutil.copy(first(folder), first(folder).with_name("more.png"))
    (folder / "val" / "images" / "notes.txt").write_text("none")
    assert find_masks(str(folder)).passed_over == 2
    assert "more.png" in caplog.text and "notes.txt" in caplog.text


def test_an_image_that_cannot_be_read_is_left_to_the_training(folder):
    (folder / "train" / "images" / "0001.jpg").write_bytes(b"no image")
    assert len(find_masks(str(folder)).pairs["train"]) == 4


def test_an_image_is_as_large_as_it_is_upright(folder):
    Image.new("L", (40, 20), 1).save(first(folder))
    picture = Image.new("RGB", (20, 40))
    picture.getexif()[274] = 6
    picture.save(folder / "train" / "images" / "0000.jpg", exif=picture.getexif())
    assert len(find_masks(str(folder)).pairs["train"]) == 4


def png(values, bits, kind):
    """A PNG with values as they are stored: of so many bits, kind 0 grey, 3 with a palette."""
    rows = []
    for row in values:
        text = "".join(f"{value:0{bits}b}" for value in row)
        text += "0" * (-len(text) % 8)
        rows.append(b"\0" + int(text, 2).to_bytes(len(text) // 8, "big"))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", len(values[0]), len(values), bits, kind, 0, 0, 0))]
    chunks += [(b"PLTE", bytes(3 * 2**bits))] if kind == 3 else []
    chunks += [(b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
    parts = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(("bits", "kind"), [(1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (1, 3), (2, 3), (4, 3), (8, 3)])
def test_stored_values_and_indices_are_the_classes(tmp_path, bits, kind):
    values = np.arange(10).reshape(2, 5) % 2**bits
    (tmp_path / "mask.png").write_bytes(png(values.tolist(), bits, kind))
    assert read_mask(tmp_path / "mask.png").tolist() == values.tolist()


def put(folder, values, mode=None):
    picture = Image.fromarray(np.asarray(values, np.uint8))
    (picture.convert(mode) if mode else picture).save(first(folder))


def bare(folder):
    shutil.rmtree(folder / "train" / "images")
    (folder / "train" / "images").mkdir()


def twin(folder):
    shutil.copy(folder / "train" / "images" / "0001.jpg", folder / "train" / "images" / "0001.jpeg")


def long(folder):
    Image.new("RGB", (400, 40)).save(folder / "train" / "images" / "0000.jpg")
    put(folder, np.ones((40, 400)))


def ignored(folder):
    for path in (folder / "val" / "masks").iterdir():
        Image.new("L", (40, 40), 255).save(path)


def empty(folder):
    for path in folder.rglob("*.png"):
        Image.new("L", (40, 40), 0).save(path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda folder: first(folder).unlink(),
            r"an image has a mask of its name, but .*0000.jpg has none at .*0000.png",
        ),
        (lambda folder: put(folder, np.ones((40, 20))), r"0000.png has 20 x 40 where .*0000.jpg has 40 x 40"),
        (
            lambda folder: put(folder, np.full((40, 40), 7)),
            r"classes, 0 to 3, or 255 for none, but .*0000.png has 7 in 1600",
        ),
        (lambda folder: put(folder, np.ones((40, 40)), "RGB"), r"a PNG of one channel, .* but .*0000.png is RGB"),
        (lambda folder: put(folder, np.ones((40, 40)), "LA"), r"one channel, .* but .*0000.png is LA"),
        (lambda folder: first(folder).write_bytes(b"none"), r"one channel, .* but .*0000.png cannot be read"),
        (lambda folder: shutil.rmtree(folder / "val"), r"there is no folder .*val/images"),
        (lambda folder: shutil.rmtree(folder / "val" / "masks"), r"there is no folder .*val/masks"),
        (bare, r"train/images has no images"),
        (twin, r"a mask of its own, but .*0001.jpeg and .*0001.jpg have the same"),
        (long, r"at most 8 times the shorter, but .*0000.png has 400 x 40"),
        (ignored, r"pixels of a class, but all of .*val are 255"),
    ],
)
def test_bad_folders_are_one_error(folder, spoil, message):
    spoil(folder)
    with pytest.raises(InputError, match=message):
        find_masks(str(folder), 4)


def test_one_class_is_none(folder):
    empty(folder)
    with pytest.raises(InputError, match=r"at least 2 classes, but masks of .* have 0 alone"):
        find_masks(str(folder))


@pytest.mark.parametrize("classes", [0, 1, 256])
def test_a_number_of_classes_that_no_mask_can_have_is_refused(folder, classes):
    with pytest.raises(InputError, match=f"num-classes of masks is 2 to 255, but got {classes}"):
        find_masks(str(folder), classes)


def test_a_folder_is_named():
    with pytest.raises(InputError, match="masks needs a folder, masks:DIR"):
        find_masks("")
