import numpy as np
import pytest

from vitspace.data import check_data, load_data
from vitspace.errors import InputError


def records(count):
    rows = np.random.default_rng(0).integers(0, 256, (count, 3074), np.uint8)
    rows[:, 0], rows[:, 1] = 7, np.arange(count) % 100
    return rows


@pytest.fixture
def folder(tmp_path):
    binary = tmp_path / "cifar-100-binary"
    binary.mkdir()
    for name in ("train", "test"):
        records(200).tofile(binary / f"{name}.bin")
    return binary


def test_fine_labels_are_read(folder):
    data = load_data(f"cifar100:{folder.parent}", 32, max_val=100)
    assert data.train_labels.bincount().tolist() == [2] * 100 and len(data.val_labels) == 100
    np.testing.assert_array_equal(data.train_images[3].flatten(), records(200)[3, 2:])
    assert data.classes[3] == "class_03" and len(data.classes) == 100


def test_classes_are_named_where_the_folder_names_them(folder):
    (folder / "fine_label_names.txt").write_text("\n".join(f"name_{i}" for i in range(100)))
    assert load_data(f"cifar100:{folder}", 32).classes[99] == "name_99"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "test.bin").unlink(), "cifar-100-binary has train.bin, test.bin, but no .*test.bin"),
        (lambda f: (f / "test.bin").write_bytes(b"short"), "records of 3074 bytes, but has 5 bytes"),
        (lambda f: (f / "train.bin").rename(f / "other"), "cifar100:DIR holds cifar-100-binary/ .* holds neither"),
        (lambda f: (f / "train.bin").rename(f / "train"), "pickled Python version, which is not read"),
    ],
)
def test_broken_folders_are_refused(folder, spoil, message):
    spoil(folder)
    with pytest.raises(InputError, match=message):
        check_data(f"cifar100:{folder}")


def test_a_folder_is_needed():
    with pytest.raises(InputError, match=r"cifar100 needs a folder, cifar100:DIR, with .*, but got none"):
        check_data("cifar100")
