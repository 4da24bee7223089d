"""Reads spaces from their files, and from studies."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vitspace.errors import InputError
from vitspace.files import find_yaml, located, read_yaml, validated
from vitspace.image_sizes import ImageSize, plain_size, sides
from vitspace.space.config import SpaceConfig, SpaceError
from vitspace.space.references import resolve
from vitspace.space.resizing import resized
from vitspace.space.sizes import SizedSpace
from vitspace.space.space import Space
from vitspace.tasks.dense import DenseTask
from vitspace.tasks.heads import CLASSIFICATION


def load_space(text: str, img_size: ImageSize | None = None, task: str = CLASSIFICATION) -> Space:
    """Load a space by name, or from a path ending in ``.yaml``.

    Args:
        text: The name or the path.
        img_size: Side of the image, or (height, width), pixels; None is what the file is written for. At another size
            it holds the same designs, their windows and grids following the image; see `vitspace.space.resizing`.
        task: What designs are for; with a dense task, ``semantic-fpn``, they are the backbones as the file is written,
            and cost as whole networks at ``img_size``, by default the task's own.

    Raises:
        InputError: no such space, or its file breaks a rule; the message names file and line. Or it is no size, or
            there is no such task.
    """
    dense = DenseTask.of(task, img_size)
    path = find_yaml(text, "spaces")
    try:
        return _space(path.stem, read_yaml(path, SpaceConfig, lambda data: resolve(data, path)), img_size, path, dense)
    except SpaceError as error:
        raise located(path, error.where, str(error)) from None


def load_sizes(text: str, sizes: Sequence[ImageSize] = (), task: str = CLASSIFICATION) -> Space:
    """Load a space at several sizes of image, whose designs are then `vitspace.sized.SizedSpec`; see `SizedSpace`.

    Args:
        text: The space's name, or a path to its YAML.
        sizes: The sizes; one alone, or none for what the file is written for, is as `load_space` has it.
        task: What designs are for; a dense task is for one size.

    Raises:
        InputError: as `load_space`, or a condition of the file is on values that follow the image, or there are several
            sizes for a dense task.
    """
    if len(sizes) < 2:
        return load_space(text, sizes[0] if sizes else None, task)
    if DenseTask.of(task):
        raise InputError(f"with {task} a space is for one size of image, but got {len(sizes)}")
    return SizedSpace(load_space(text), sizes)


def stored_space(name: str, stored: Mapping[str, Any]) -> Space:
    """Return the space that a study remembers, at the study's size; see `vitspace.searching.checks.describe_space`.

    Raises:
        InputError: nothing is stored, or what is stored is no space.
    """
    facts = {key: value for key, value in stored.items() if key in SpaceConfig.model_fields}
    if not facts:
        raise InputError("the study has no space stored")
    own = {"resolution": stored["written_for"]} if "written_for" in stored else {}
    config = validated(SpaceConfig, facts | own, "the space of the study cannot be read")
    if task := stored.get("task"):
        return _space(name, config, None, task=DenseTask(task["name"], sides(task["size"]), task["num_classes"]))
    if sizes := stored.get("img_sizes"):
        return SizedSpace(_space(name, config, None), sizes)
    return _space(name, config, facts.get("resolution"))


def _space(
    name: str, config: SpaceConfig, img_size: Any, path: Path | None = None, task: DenseTask | None = None
) -> Space:
    """Return the space of a file at a size, None is its own; or for a dense task, at the size of the task."""
    if task:
        return Space(name, config, path, task=task)
    if img_size is None or plain_size(img_size) == config.resolution:
        return Space(name, config, path)
    Space(name, config, path)  # what is wrong with the file stands there as it is written
    changed, written = resized(config, img_size)
    return Space(name, changed, path, written)
