"""The images below a folder, wherever links lead, and the visible files that are none."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vitspace.data._decoding import is_image

#: Endings of files that are taken for images without a look at their content.
SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff"),
    ".webp",
)


@dataclass
class Found:
    """What a folder holds.

    Attributes:
        images: Its images, sorted.
        passed_over: The visible files and links that are none, sorted: pipes, devices, files of another kind, links
            to nothing, and folders that cannot be read or were met before.
    """

    images: list[Path] = field(default_factory=list)
    passed_over: list[Path] = field(default_factory=list)


def images_below(folder: Path) -> Found:
    """Look through a folder and those in it, of which none counts twice, however many links lead to it."""
    found, seen = Found(), {_identity(parent) for parent in (folder.resolve(), *folder.resolve().parents)}
    waiting = [folder]
    while waiting:
        for path, is_folder, is_file in entries(waiting.pop(), found.passed_over):
            identity = _identity(path) if is_folder else None
            if identity and identity not in seen:
                seen.add(identity)
                waiting.append(path)
            elif is_file and (path.suffix.lower() in SUFFIXES or is_image(path)):
                found.images.append(path)
            else:
                found.passed_over.append(path)
    return Found(sorted(found.images), sorted(found.passed_over))


def entries(folder: Path, unreadable: list[Path]) -> Iterator[tuple[Path, bool, bool]]:
    """Give each visible entry of a folder: its path, and whether it is, or leads to, a folder or a file.

    A folder that cannot be read is noted as ``unreadable``.
    """
    try:
        with os.scandir(folder) as listed:
            for entry in sorted(listed, key=lambda each: (each.is_symlink(), each.name)):
                if not entry.name.startswith("."):
                    yield Path(entry.path), _is(entry.is_dir), _is(entry.is_file)
    except OSError:
        unreadable.append(folder)


def _is(asked: Callable[[], bool]) -> bool:
    try:
        return asked()
    except OSError:  # a link to itself
        return False


def _identity(path: Path) -> tuple[int, int] | None:
    """Return device and number of a folder; None below one that may be listed but not entered."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
