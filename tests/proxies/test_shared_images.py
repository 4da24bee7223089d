"""The images of shared weights, which are found wherever they lie."""

import pytest

from vitspace.data import identity
from vitspace.errors import InputError
from vitspace.proxies.shared_images import find_images, told

TYPED = "imagefolder:photos"


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder of images, seen from the folder that it lies in."""
    for split in ("train", "val"):
        for name in ("a", "b"):
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            (folder / "0.png").write_bytes(b"an image")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def test_images_are_found_from_another_folder_and_by_another_path(photos, tmp_path, monkeypatch):
    facts = told(TYPED)
    assert find_images(facts, TYPED, "") == TYPED
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert find_images(facts, TYPED, "") == f"imagefolder:{photos}"
    photos.rename(tmp_path / "moved")
    assert find_images(facts, TYPED, "cifar10:../moved") == "cifar10:../moved"
    with pytest.raises(InputError, match=r"no longer in 'imagefolder:.*/photos': put them or a link there"):
        find_images(facts, TYPED, "")


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b"another"), lambda path: path.rename(f"{path}.png")])
def test_other_images_are_refused(photos, change):
    facts = told(TYPED)
    change(photos / "train" / "a" / "0.png")
    with pytest.raises(InputError, match=f"those of {TYPED}, but those of '{TYPED}' are others"):
        find_images(facts, TYPED, TYPED)
    with pytest.raises(InputError, match="no longer in"):
        find_images(facts, TYPED, "")


def test_older_weights_take_what_they_are_given_with_a_word(photos, caplog):
    assert find_images({}, "imagefolder:gone", "") == "imagefolder:gone" and not caplog.text
    assert find_images({}, "imagefolder:gone", TYPED) == TYPED
    assert f"whether {TYPED} are the images of these shared weights is unknown" in caplog.text


def test_images_without_files_are_known_by_their_text():
    assert told("fractal:3") == {"images": "fractal:3", "images_at": "fractal:3"}
    assert identity("hf:uoft-cs/cifar10") == "hf:uoft-cs/cifar10"
    with pytest.raises(InputError, match="but those of 'fractal:4' are others"):
        find_images(told("fractal:3"), "fractal:3", "fractal:4")
