"""Reads spaces from their files."""

from vitspace.files import find_yaml, located, read_yaml
from vitspace.space.config import SpaceConfig, SpaceError
from vitspace.space.references import resolve
from vitspace.space.space import Space


def load_space(text: str) -> Space:
    """Load a space by name, or from a path ending in ``.yaml``.

    Raises:
        InputError: no such space, or its file breaks a rule; the message names file and line.
    """
    path = find_yaml(text, "spaces")
    try:
        return Space(path.stem, read_yaml(path, SpaceConfig, lambda data: resolve(data, path)), path)
    except SpaceError as error:
        raise located(path, error.where, str(error)) from None
