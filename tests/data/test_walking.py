"""Every visible file of a folder is an image or is named, wherever links lead."""

import os
import socket
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitspace.data import check_data, find_masks, load_data
from vitspace.data._walking import SUFFIXES, images_below
from vitspace.data.imagefolder import find_images
from vitspace.errors import InputError
from vitspace.training.images import open_images

KINDS = {".jfif": "JPEG", ".jpe": "JPEG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
KINDS |= {".pgm": "PPM", ".ppm": "PPM", ".pnm": "PPM", ".avif": "AVIF", ".webp": "WEBP", ".bmp": "BMP", ".gif": "GIF"}


def write(path, kind="PNG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 9), (90, 20, 40)).save(path, kind)
    return path


@pytest.fixture
def folder(tmp_path):
    for split in ("train", "val"):
        for name in "ab":
            write(tmp_path / "set" / split / name / "0.png")
    return tmp_path / "set"


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_in_every_case_is_taken(tmp_path, suffix, case):
    path = write(tmp_path / f"0{case(suffix)}", KINDS.get(suffix, "PNG"))
    assert images_below(tmp_path).images == [path]


@pytest.mark.parametrize("name", ["photo", "photo.", "IMG_1.jpg.1", "a.b.c", "photo.jpg~", "é", "a\nb", "0.jxl"])
def test_an_image_is_one_by_its_content(tmp_path, name):
    path = write(tmp_path / name)
    assert images_below(tmp_path).images == [path]


def test_names_that_are_not_utf8_are_read(folder, caplog):
    write(folder / "train" / "a" / os.fsdecode(b"caf\xe9.png"))
    (folder / "train" / "a" / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    data = load_data(f"imagefolder:{folder}", 16)
    assert (len(data.train_labels), data.skipped, data.passed_over) == (3, 0, 1)
    assert r"caf\udce9.txt" in caplog.text


def special(kind, path):
    """Make something at a path that is no image."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            here = Path.cwd()
            os.chdir(path.parent)  # the path of a socket is short
            try:
                made.bind(path.name)
            finally:
                os.chdir(here)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "broken link":
        path.symlink_to("nowhere")
    elif kind == "link to itself":
        path.symlink_to(path.name)
    elif kind == "link to the folder":
        path.symlink_to(path.parent)
    elif kind == "link to the root":
        path.symlink_to("/")
    elif kind == "text":
        path.with_suffix(".txt").write_text("no image")
    else:
        path.with_suffix("").write_bytes(b"")


SPECIAL = ["pipe", "socket", "device", "broken link", "link to itself", "link to the folder", "link to the root"]
SPECIAL += ["text", "empty"]
#: Where each may lie; a linked folder among the classes is a class.
PLACED = [
    (kind, where)
    for kind in SPECIAL
    for where in ("train/a", "val/b", "train", "train/a/deep/deeper")
    if where != "train" or not kind.startswith("link to the")
]


@pytest.mark.parametrize(("kind", "where"), PLACED)
def test_what_is_no_image_is_counted_and_named_and_never_waited_for(folder, kind, where, caplog):
    (folder / where).mkdir(parents=True, exist_ok=True)
    special(kind, folder / where / "9.png")
    check_data(f"imagefolder:{folder}")
    data = load_data(f"imagefolder:{folder}", 16)
    assert (len(data.train_labels), len(data.val_labels), data.passed_over) == (2, 2, 1)
    assert "left out of" in caplog.text and f": 1 file: {folder / where}/9" in caplog.text
    caplog.clear()
    assert open_images(f"imagefolder:{folder}", 32).passed_over == 1
    assert f": 1 file: {folder / where}/9" in caplog.text


def test_a_broken_image_is_skipped_and_not_passed_over(folder):
    (folder / "train" / "a" / "9.png").write_bytes(b"")
    data = load_data(f"imagefolder:{folder}", 16)
    assert (data.skipped, data.passed_over) == (1, 0)


def test_linked_folders_belong_to_the_class(folder, tmp_path):
    for number in range(5):
        write(tmp_path / "more" / "inner" / f"{number}.png")
    (folder / "train" / "a" / "more").symlink_to(tmp_path / "more")
    (folder / "train" / "c").symlink_to(tmp_path / "more" / "inner")
    (folder / "val" / "c").symlink_to(tmp_path / "more")
    found = find_images(str(folder))
    assert {name: len(paths) for name, paths in found["train"].items()} == {"a": 6, "b": 1, "c": 5}
    assert len(found["val"]["c"]) == 5 and found.count == 0


@pytest.mark.parametrize("seed", range(12))
def test_of_any_tangle_of_links_each_image_counts_once(tmp_path, seed):
    rng = np.random.default_rng(seed)
    folders = [tmp_path / "class"]
    for number in range(6):
        folders.append(folders[rng.integers(len(folders))] / f"f{number}")
    files = {write(each / f"{number}.png").resolve() for number, each in enumerate(folders)}
    for number in range(8):
        one, other = rng.choice(len(folders), 2)
        (folders[one] / f"l{number}").symlink_to(folders[other], target_is_directory=True)
    found = images_below(tmp_path / "class")
    assert sorted(path.resolve() for path in found.images) == sorted(files)
    assert len(found.passed_over) == 8  # as many as there are links


@pytest.fixture
def unprivileged():
    """A folder of a user whom permissions bind, whom the test runs as."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        if root:
            os.chown(name, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)


def test_a_folder_that_is_listed_but_not_entered_is_passed_over(unprivileged):
    image, closed = write(unprivileged / "0.png"), unprivileged / "closed"
    (closed / "deep").mkdir(parents=True)
    (closed / "notes").write_text("x")
    closed.chmod(0o400)
    try:
        found = images_below(unprivileged)
        below = images_below(closed / "deep")
    finally:
        closed.chmod(0o700)
    assert found.images == [image] and found.passed_over == [closed / "deep", closed / "notes"]
    assert (below.images, below.passed_over) == ([], [closed / "deep"])


@pytest.mark.parametrize("source", ["imagefolder", "cifar10"])
def test_data_below_a_folder_that_is_not_entered_are_one_error(unprivileged, source):
    write(unprivileged / "set" / "train" / "a" / "0.png")
    (unprivileged / "set").chmod(0o400)
    try:
        for use in (check_data, partial(load_data, img_size=16), partial(open_images, img_size=32)):
            with pytest.raises(InputError, match=r"may read, but got \[Errno 13\] Permission denied: '.*set/"):
                use(f"{source}:{unprivileged / 'set'}")
        with pytest.raises(InputError, match=r"may read, but got \[Errno 13\] Permission denied: '.*set/"):
            find_masks(str(unprivileged / "set"))
    finally:
        (unprivileged / "set").chmod(0o700)


def test_hidden_files_and_folders_are_nobodys_business(tmp_path):
    write(tmp_path / ".hidden" / "0.png")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    found = images_below(tmp_path)
    assert (found.images, found.passed_over) == ([], [])
