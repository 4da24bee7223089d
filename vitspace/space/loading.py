"""Reads spaces from their files."""

from collections.abc import Sequence

from vitspace.errors import InputError
from vitspace.files import find_yaml, located, read_yaml
from vitspace.image_sizes import ImageSize, plain_size
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
        config = read_yaml(path, SpaceConfig, lambda data: resolve(data, path))
        if dense or img_size is None or plain_size(img_size) == config.resolution:
            return Space(path.stem, config, path, task=dense)
        Space(path.stem, config, path)  # what is wrong with the file stands there as it is written
        changed, written = resized(config, img_size)
        return Space(path.stem, changed, path, written)
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
