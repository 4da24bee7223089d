"""Reads spaces from their files."""

from vitspace.files import find_yaml, located, read_yaml
from vitspace.image_sizes import ImageSize, plain_size
from vitspace.space.config import SpaceConfig, SpaceError
from vitspace.space.references import resolve
from vitspace.space.resizing import resized
from vitspace.space.space import Space


def load_space(text: str, img_size: ImageSize | None = None) -> Space:
    """Load a space by name, or from a path ending in ``.yaml``.

    Args:
        text: The name or the path.
        img_size: Side of the image, or (height, width), pixels; None is what the file is written for. At another size
            it holds the same designs, their windows and grids following the image; see `vitspace.space.resizing`.

    Raises:
        InputError: no such space, or its file breaks a rule; the message names file and line. Or it is no size.
    """
    path = find_yaml(text, "spaces")
    try:
        config = read_yaml(path, SpaceConfig, lambda data: resolve(data, path))
        if img_size is None or plain_size(img_size) == config.resolution:
            return Space(path.stem, config, path)
        Space(path.stem, config, path)  # what is wrong with the file stands there as it is written
        return Space(path.stem, resized(config, img_size), path, config.resolution)
    except SpaceError as error:
        raise located(path, error.where, str(error)) from None
