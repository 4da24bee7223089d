import os

import numpy as np
import pytest
import torch
from PIL import Image

from vitspace.data import check_data, load_data
from vitspace.data.imagefolder import find_images
from vitspace.errors import InputError


def write(path, size=(20, 12), value=90):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size[1], size[0], 3), value, np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path):
    for split, count in (("train", 4), ("val", 2)):
        for label, name in enumerate(("cat", "dog")):
            for number in range(count):
                write(tmp_path / split / name / f"{number}.png", value=100 * label + 10)
    return tmp_path


def test_a_folder_is_loaded(folder):
    data = load_data(f"imagefolder:{folder}", 16)
    assert data.classes == ("cat", "dog")
    assert data.train_images.shape == (8, 3, 16, 16)
    assert data.val_labels.tolist() == [0, 0, 1, 1]
    assert data.train_images[data.train_labels == 1].unique().tolist() == [110]
    assert data.skipped == 0


def test_images_are_drawn_evenly_and_the_same_again(folder):
    first, again = (load_data(f"imagefolder:{folder}", 16, 5, max_train=4) for _ in range(2))
    assert first.train_labels.tolist() == [0, 0, 1, 1]
    assert torch.equal(first.train_images, again.train_images)


def test_the_middle_square_is_kept(folder):
    pixels = np.zeros((16, 48, 3), np.uint8)
    pixels[:, 16:32] = 200
    for number in range(2):
        Image.fromarray(pixels).save(folder / "val" / "cat" / f"{number}.png")
    data = load_data(f"imagefolder:{folder}", 16)
    assert data.val_images[0].unique().tolist() == [200]


def test_broken_images_are_skipped_counted_and_named(folder, caplog):
    (folder / "train" / "cat" / "9.png").write_bytes(b"no image")
    (folder / "train" / "cat" / "8.jpg").write_bytes(b"")
    (folder / "train" / "cat" / ".hidden.png").write_bytes(b"")
    data = load_data(f"imagefolder:{folder}", 16)
    assert (data.skipped, len(data.train_images)) == (2, 8)
    assert f"2 images: {folder}/train/cat/8.jpg, {folder}/train/cat/9.png" in caplog.text


def test_grey_and_transparent_images_are_read(folder):
    Image.new("L", (9, 9), 10).save(folder / "train" / "cat" / "l.png")
    Image.new("RGBA", (9, 9)).save(folder / "train" / "cat" / "a.png")
    assert len(load_data(f"imagefolder:{folder}", 16).train_images) == 10


def test_images_of_16_bits_are_scaled_and_floating_point_ones_skipped(folder):
    Image.fromarray(np.full((9, 9), 257 * 90, np.uint16)).save(folder / "val" / "cat" / "a.png")
    Image.fromarray(np.full((9, 9), 0.5, np.float32)).save(folder / "val" / "cat" / "b.tif")
    data = load_data(f"imagefolder:{folder}", 16)
    assert data.skipped == 1 and 90 in data.val_images.unique().tolist()


def test_hidden_folders_are_not_looked_at(folder):
    write(folder / "train" / "cat" / ".ipynb_checkpoints" / "0.png")
    write(folder / "train" / "cat" / "seen" / "0.png")
    assert len(load_data(f"imagefolder:{folder}", 16).train_images) == 9


def test_a_class_of_broken_images_is_refused(folder):
    for path in (folder / "train" / "cat").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"image that can be read, but none of .*train/cat"):
        check_data(f"imagefolder:{folder}")


def test_missing_folders_are_refused(folder, tmp_path):
    with pytest.raises(InputError, match=r"there is no folder .*nowhere"):
        check_data(f"imagefolder:{tmp_path}/nowhere")
    (folder / "val").rename(folder / "test")
    with pytest.raises(InputError, match=r"DIR/val/CLASS/.*there is no folder .*val"):
        check_data(f"imagefolder:{folder}")


def test_empty_folders_are_refused(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(InputError, match="train has no class folders"):
        check_data(f"imagefolder:{tmp_path}")
    (tmp_path / "train" / "cat").mkdir()
    with pytest.raises(InputError, match=r"\.png.*train/cat has none"):
        check_data(f"imagefolder:{tmp_path}")


@pytest.mark.parametrize(("split", "says"), [("train", "only train has bird"), ("val", "only val has bird")])
def test_classes_of_one_split_only_are_refused(folder, split, says):
    write(folder / split / "bird" / "0.png")
    with pytest.raises(InputError, match=says):
        check_data(f"imagefolder:{folder}")


def test_one_class_is_refused(tmp_path):
    for split in ("train", "val"):
        write(tmp_path / split / "cat" / "0.png")
    with pytest.raises(InputError, match=r"at least 2 classes, but .* has cat"):
        check_data(f"imagefolder:{tmp_path}")


def test_a_class_whose_name_is_not_utf8_is_refused_before_anything_is_read(tmp_path):
    for split in ("train", "val"):
        for name in (b"a", b"caf\xe9"):
            (tmp_path / split / os.fsdecode(name)).mkdir(parents=True)
    with pytest.raises(InputError, match=r"a class folder of .*train is text in UTF-8, but got 'caf\\udce9'"):
        find_images(str(tmp_path))
