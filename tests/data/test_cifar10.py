import numpy as np
import pytest
from PIL import Image

from vitspace.data import check_data, identity, kept_size, load_data, located
from vitspace.errors import InputError


def records(count):
    rows = np.random.default_rng(0).integers(0, 256, (count, 3073), np.uint8)
    rows[:, 0] = np.arange(count) % 10
    return rows


@pytest.fixture
def folder(tmp_path):
    binary = tmp_path / "cifar-10-batches-bin"
    binary.mkdir()
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        records(20).tofile(binary / f"{name}.bin")
    return tmp_path


def test_the_binary_version_is_read(folder):
    data = load_data(f"cifar10:{folder}", 32)
    assert (len(data.train_labels), len(data.val_labels)) == (100, 20)
    assert data.classes[data.train_labels[3]] == "cat"
    np.testing.assert_array_equal(data.train_images[0].flatten(), records(20)[0, 1:])


def test_its_own_folder_may_be_named_and_images_drawn(folder):
    data = load_data(f"cifar10:{folder}/cifar-10-batches-bin", 64, max_train=20)
    assert data.train_images.shape == (20, 3, 64, 64)
    assert data.train_labels.bincount().tolist() == [2] * 10
    own = f"cifar10:{folder}/cifar-10-batches-bin"
    assert identity(own) == identity(f"cifar10:{folder}") and located(f"cifar10:{folder}") == own


def test_a_training_keeps_it_at_its_own_size(folder):
    assert kept_size(f"cifar10:{folder}", 224) == 32
    assert kept_size(f"cifar10:{folder}", 16) == 16


def test_an_image_folder_is_read(tmp_path):
    for path in (tmp_path / split / name for split in ("train", "val") for name in ("cat", "dog")):
        path.mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(path / "0.png")
    data = load_data(f"cifar10:{tmp_path}", 32)
    assert (data.name, data.classes) == (f"cifar10:{tmp_path}", ("cat", "dog"))


def test_pickles_are_refused(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"")
    with pytest.raises(InputError, match=r"cifar-10-batches-bin.*pickled Python version"):
        check_data(f"cifar10:{tmp_path}")


def test_a_folder_of_neither_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds neither"):
        check_data(f"cifar10:{tmp_path}")


def test_broken_files_are_refused(folder):
    batch = folder / "cifar-10-batches-bin" / "data_batch_2.bin"
    batch.write_bytes(b"short")
    with pytest.raises(InputError, match="records of 3073 bytes, but has 5 bytes"):
        check_data(f"cifar10:{folder}")
    batch.unlink()
    with pytest.raises(InputError, match=r"but no .*data_batch_2\.bin"):
        check_data(f"cifar10:{folder}")


def test_wrong_labels_are_refused(folder):
    rows = records(20)
    rows[4, 0] = 11
    rows.tofile(folder / "cifar-10-batches-bin" / "test_batch.bin")
    with pytest.raises(InputError, match=r"labels of .* are 0 to 9, but one is 11"):
        load_data(f"cifar10:{folder}", 32)
