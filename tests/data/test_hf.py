import numpy as np
import pytest
from PIL import Image

from vitspace.data import check_data, hf, identity, load_data, located
from vitspace.errors import InputError

datasets = pytest.importorskip("datasets", reason="hf data need: pip install 'vitspace[hf]'")


@pytest.fixture(autouse=True)
def _offline(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()


def _split(labels, broken=()):
    from io import BytesIO

    rows = []
    for number, label in enumerate(labels):
        file = BytesIO()
        Image.new("RGB", (20, 10), (40 * label, 0, number)).save(file, "png")
        rows.append({"bytes": b"broken" if number in broken else file.getvalue(), "path": f"{number}.png"})
    features = datasets.Features(
        {"img": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"]), "note": datasets.Value("string")}
    )
    columns = {"img": rows, "label": list(labels), "note": ["x"] * len(rows)}
    return datasets.Dataset.from_dict(columns, features=features)


def _save(folder, train=(0, 1, 0, 1, 0, 1), val=(0, 1), broken=(), val_name="validation"):
    splits = {"train": _split(train, broken), val_name: _split(val)}
    datasets.DatasetDict(splits).save_to_disk(str(folder))
    return f"hf:{folder}"


def test_a_saved_set_is_loaded(tmp_path):
    data = load_data(_save(tmp_path / "set"), 16)
    assert data.train_images.shape == (6, 3, 16, 16) and data.classes == ("cat", "dog")
    assert data.train_labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert data.train_images[3].float().mean((1, 2)).tolist() == [40, 0, 3]


def test_a_folder_of_images_is_loaded(tmp_path):
    for split, name, number in np.ndindex(2, 2, 3):
        folder = tmp_path / "images" / ("train", "test")[split] / ("cat", "dog")[name]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), (name * 200, 0, 0)).save(folder / f"{number}.png")
    data = load_data(f"hf:{tmp_path / 'images'}", 16, max_train=4)
    assert data.train_labels.bincount().tolist() == [2, 2] and len(data.val_labels) == 6
    assert data.train_images[data.train_labels == 1].max() == 200


def test_a_folder_is_known_by_its_files(tmp_path):
    text = _save(tmp_path / "set")
    known = identity(f"{text}#label")
    assert located(f"{text}#label") == f"hf:{tmp_path / 'set'}#label"
    (tmp_path / "set").rename(tmp_path / "moved")
    assert identity(f"hf:{tmp_path / 'moved'}") == known
    _save(tmp_path / "moved", train=(0, 1))
    assert identity(f"hf:{tmp_path / 'moved'}") != known


def test_of_tables_no_image_is_read_to_tell_what_is_passed_over(tmp_path, monkeypatch):
    folder = tmp_path / "tables"
    folder.mkdir()
    for name in ("train", "test"):
        _split((0, 1, 0)).to_parquet(str(folder / f"{name}-0.parquet"))
    found = datasets.load_dataset(str(folder))

    def read(*_):
        raise AssertionError("rows are read")

    for name in ("__iter__", "__getitem__", "cast_column"):
        monkeypatch.setattr(datasets.Dataset, name, read)
    assert hf._passed_over(folder, found, "img") == []
    monkeypatch.chdir(folder)  # names of a table's images are no paths from here
    assert hf._passed_over(folder, found, "img") == []


def test_files_of_a_folder_that_are_no_images_are_passed_over(tmp_path):
    for split, name in np.ndindex(2, 2):
        folder = tmp_path / "images" / ("train", "test")[split] / ("cat", "dog")[name]
        folder.mkdir(parents=True)
        Image.new("RGB", (9, 9)).save(folder / "0.png")
    (folder / "notes.txt").write_text("x")
    assert load_data(f"hf:{tmp_path / 'images'}", 16).passed_over == 1


def test_broken_images_are_skipped_counted_and_named(tmp_path, caplog):
    data = load_data(_save(tmp_path / "set", broken=(2,)), 16)
    assert (data.skipped, data.train_labels.tolist()) == (1, [0, 1, 1, 0, 1])
    assert "left out of" in caplog.text and "1 image: 2.png" in caplog.text


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"val": (0, 0)}, "", r"every class of .* has images in validation, but 1 have none: dog"),
        ({"val_name": "extra"}, "", "has a split train and one of validation, val, test, but got train, extra"),
        ({}, "#kind", "columns of labels of .* are label, but got 'kind'"),
    ],
)
def test_a_set_of_another_form_is_refused(tmp_path, changes, name, message):
    with pytest.raises(InputError, match=message):
        load_data(_save(tmp_path / "set", **changes) + name, 16)


def test_a_set_that_is_not_there_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"the data set '.*empty' cannot be loaded"):
        load_data(f"hf:{tmp_path / 'empty'}", 16)
    with pytest.raises(InputError, match="hf needs a data set, hf:NAME or hf:FOLDER, but got none"):
        check_data("hf")


def test_what_it_needs_is_said(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"data 'hf' needs: pip install 'vitspace\[hf\]'"):
        check_data("hf:some/set")
