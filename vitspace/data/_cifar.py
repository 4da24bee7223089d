"""CIFAR in its binary version, or as an image folder.

The Python version is not read: it is pickled, and unpickling can run any code in the file.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from vitspace.data import imagefolder
from vitspace.data._base import DataRequest, Dataset, Files, draw_evenly, resize
from vitspace.errors import InputError

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE


@dataclass(frozen=True)
class Cifar:
    """CIFAR-10 or CIFAR-100.

    Attributes:
        name: Name of the source.
        folder: Folder of the binary version.
        parts: Its training files and its validation files.
        label_bytes: Bytes before the pixels of a record; the last of them is the label.
        classes: Names of the classes; empty if the folder's ``fine_label_names.txt`` has them.
        count: Number of classes.
        pickled: First file of the Python version.
    """

    name: str
    folder: str
    parts: tuple[tuple[str, ...], tuple[str, ...]]
    label_bytes: int
    count: int
    pickled: str
    classes: tuple[str, ...] = ()

    @property
    def layout(self) -> str:
        """The layouts that DIR may have, in words."""
        return f"{self.folder}/ (the binary version) or train/CLASS/ and val/CLASS/ with images"

    @property
    def record(self) -> int:
        """Bytes of an image with its label."""
        return self.label_bytes + _PIXELS

    def check(self, argument: str) -> None:
        """Raise InputError unless the folder holds the data set in a form that can be read."""
        binary = self._binary(argument)
        if binary is None:
            imagefolder.check(argument)
            return
        for path in (binary / name for names in self.parts for name in names):
            if not path.is_file():
                raise InputError(f"{self.folder} has {', '.join(sum(self.parts, ()))}, but no {path}")
            if not path.stat().st_size or path.stat().st_size % self.record:
                raise InputError(f"{path} holds records of {self.record} bytes, but has {path.stat().st_size} bytes")

    def load(self, argument: str, request: DataRequest) -> Dataset:
        """Load the data set; if the request limits the images, they are drawn evenly over classes."""
        binary = self._binary(argument)
        if binary is None:
            return replace(imagefolder.load(argument, request), name=f"{self.name}:{argument}")
        limits = (request.max_train, request.max_val)
        train, val = (
            self._split([binary / name for name in names], limit, request, number)
            for number, (names, limit) in enumerate(zip(self.parts, limits, strict=True))
        )
        return Dataset(f"{self.name}:{argument}", *train, *val, self.classes or self._names(binary))

    def files(self, argument: str) -> Files:
        """Return the files of the data set."""
        binary = self._binary(argument)
        if binary is None:
            return imagefolder.files(argument)
        return Files(binary, tuple(binary / name for names in self.parts for name in names))

    def native_size(self, argument: str) -> int | None:
        """Return the side of the binary version's images in pixels, or None of an image folder's."""
        return _SIDE if self._binary(argument) else None

    def _names(self, binary: Path) -> tuple[str, ...]:
        path = binary / "fine_label_names.txt"
        names = tuple(path.read_text(encoding="utf-8").split()) if path.is_file() else ()
        return names if len(names) == self.count else tuple(f"class_{label:02d}" for label in range(self.count))

    def _binary(self, argument: str) -> Path | None:
        """Return the folder of the binary version, or None if DIR is an image folder.

        Raises:
            InputError: DIR is neither.
        """
        if not argument:
            raise InputError(f"{self.name} needs a folder, {self.name}:DIR, with {self.layout}, but got none")
        root = Path(argument).expanduser()
        for folder in (root, root / self.folder):
            if (folder / self.parts[0][0]).is_file():
                return folder
        if (root / "train").is_dir():
            return None
        pickled = Path(self.pickled)
        is_pickled = any((folder / pickled.name).is_file() for folder in (root, root / pickled.parent))
        found = "the pickled Python version, which is not read since it could run code" if is_pickled else "neither"
        raise InputError(f"{self.name}:DIR holds {self.layout}, but {root} holds {found}")

    def _split(
        self, paths: list[Path], limit: int | None, request: DataRequest, number: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Read files of records, labels and 3 * 32 * 32 bytes each: uint8 [N, 3, H, W] and int64 [N]."""
        records = np.concatenate([np.fromfile(path, np.uint8) for path in paths]).reshape(-1, self.record)
        labels = records[:, self.label_bytes - 1].astype(np.int64)
        if labels.max() >= self.count:
            raise InputError(f"labels of {paths[0].parent} are 0 to {self.count - 1}, but one is {labels.max()}")
        chosen = draw_evenly(labels, self.count, limit, np.random.default_rng([request.seed, number]))
        images = torch.from_numpy(records[chosen, self.label_bytes :].reshape(-1, 3, _SIDE, _SIDE))
        return resize(images, request.img_size), torch.from_numpy(labels[chosen])
