"""Data sets of the Hugging Face Hub or of a local folder (``hf:NAME``); needs ``pip install 'vitspace[hf]'``.

NAME is a name of the Hub (``hf:uoft-cs/cifar10``), or a folder of images, of Parquet files, or as `datasets` saves it.
The data set has a split ``train``, a split ``validation``, ``val`` or ``test``, a column of images and a column of
class labels; ``hf:NAME#COLUMN`` names the latter if there are several. Scripts of a data set are not run.
"""

import importlib.util
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from vitspace.data._base import DataRequest, Dataset, Files, draw_evenly
from vitspace.data._decoding import Source, decode_all, tell_broken, tell_passed_over
from vitspace.data._walking import images_below
from vitspace.errors import InputError, shown

VAL_SPLITS = ("validation", "val", "test")


def check(argument: str) -> None:
    """Raise InputError unless a data set is named and `datasets` is installed."""
    if not argument.partition("#")[0]:
        raise InputError("hf needs a data set, hf:NAME or hf:FOLDER, but got none")
    if importlib.util.find_spec("datasets") is None:
        raise InputError("data 'hf' needs: pip install 'vitspace[hf]'")


def load(argument: str, request: DataRequest) -> Dataset:
    """Decode the data set; if the request limits the images, they are drawn evenly over classes."""
    name, _, column = argument.partition("#")
    found = _open(name)
    split = next((split for split in VAL_SPLITS if split in found), None)
    if "train" not in found or split is None:
        raise InputError(f"{name} has a split train and one of {', '.join(VAL_SPLITS)}, but got {', '.join(found)}")
    image, label = _columns(found["train"], name, column)
    classes = tuple(found["train"].features[label].names)
    _check_classes({key: found[key][label] for key in ("train", split)}, classes, name)
    sizes = (request.max_train, request.max_val)
    train, val = (
        _split(found[key], (image, label), limit, request, number)
        for number, (key, limit) in enumerate(zip(("train", split), sizes, strict=True))
    )
    broken = [*train[2], *val[2]]
    tell_broken(broken, name)
    passed_over = _passed_over(Path(name).expanduser(), found, image)
    tell_passed_over(passed_over, name)
    if not (len(train[1]) and len(val[1])):
        raise InputError(f"a split has images that can be read, but all drawn from one of {name} are broken")
    return Dataset(f"hf:{argument}", *train[:2], *val[:2], classes, len(broken), passed_over=len(passed_over))


def files(argument: str) -> Files | None:
    """Return the files of a folder; None of a data set of the Hub."""
    name, sign, column = argument.partition("#")
    folder = Path(name).expanduser()
    if not name or not folder.is_dir():
        return None
    below = images_below(folder)
    paths = tuple(path for path in (*below.images, *below.passed_over) if path.is_file())
    return Files(folder, paths, sign + column)


def _open(name: str) -> Any:
    from datasets import load_dataset, load_from_disk

    folder = Path(name).expanduser()
    try:
        if (folder / "dataset_dict.json").is_file():
            return load_from_disk(str(folder))
        return load_dataset(str(folder) if folder.is_dir() else name)
    except Exception as error:
        # The library raises exceptions of its own, of its readers and of the network.
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"the data set {name!r} cannot be loaded: {reason[0]}") from None


def _columns(split: Any, name: str, column: str) -> tuple[str, str]:
    """Return the names of the columns of images and of labels."""
    from datasets import ClassLabel, Image

    images = [key for key, feature in split.features.items() if isinstance(feature, Image)]
    labels = [key for key, feature in split.features.items() if isinstance(feature, ClassLabel)]
    if len(images) != 1:
        raise InputError(f"{name} has one column of images, but got {', '.join(images) or 'none'}")
    if column and column not in labels:
        raise InputError(f"columns of labels of {name} are {', '.join(labels) or 'none'}, but got {shown(column)}")
    if not column and len(labels) != 1:
        raise InputError(f"{name} has one column of class labels, or hf:{name}#COLUMN names it, but got {labels}")
    return images[0], column or labels[0]


def _check_classes(labels: dict[str, Any], classes: tuple[str, ...], name: str) -> None:
    for split, numbers in labels.items():
        missing = sorted(set(range(len(classes))) - set(numbers))
        if missing:
            shown = ", ".join(classes[label] for label in missing[:3])
            raise InputError(f"every class of {name} has images in {split}, but {len(missing)} have none: {shown}")


def _split(
    split: Any, columns: tuple[str, str], limit: int | None, request: DataRequest, number: int
) -> tuple[Tensor, Tensor, list[str]]:
    """Decode a split: uint8 [N, 3, H, W], int64 [N], and the names of unreadable images."""
    from datasets import Image

    image, label = columns
    labels = np.asarray(split[label])
    rng = np.random.default_rng([request.seed, number])
    chosen = draw_evenly(labels, split.features[label].num_classes, limit, rng)
    rows = split.cast_column(image, Image(decode=False)).select(chosen)
    return decode_all(_sources(rows, image), labels[chosen].tolist(), request.img_size)


def _passed_over(folder: Path, found: Any, image: str) -> list[str]:
    """Return the visible files of a folder of images that the library does not take; none of a folder of tables."""
    if not folder.is_dir() or any(folder.rglob("*.arrow")):
        return []
    taken = {path.resolve() for split in found.values() for path in _files(split, image)}
    if not any(path.is_relative_to(folder.resolve()) for path in taken):
        return []  # of tables, whose images have no files
    below = images_below(folder)
    visible = [*below.images, *below.passed_over]
    return [str(path) for path in visible if path.resolve() not in taken and not path.name.startswith("metadata.")]


def _files(split: Any, image: str) -> Iterator[Path]:
    """Give the files of a split's images; images that a table holds are not read, and their names are no paths."""
    import pyarrow.compute as pc

    for path in pc.struct_field(split.data.column(image), "path").to_pylist():
        if path and Path(path).is_absolute():
            yield Path(path)


def _sources(rows: Any, image: str) -> Iterator[tuple[str, Source | None]]:
    """Give the name of each row's image, and where it is, if the row has one."""
    for number, row in enumerate(rows):
        data, path = ((row[image] or {}).get(name) for name in ("bytes", "path"))
        yield path or f"row {number}", BytesIO(data) if data else Path(path) if path else None
