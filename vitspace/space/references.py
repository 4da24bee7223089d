"""Fills in what a space of several families takes from the space files of its families.

In the section of a family, ``axes: msg`` are the axes of space ``msg``, ``rules: msg`` its rules, and an axis
``{of: msg}`` is its axis of that name.
"""

from pathlib import Path
from typing import Any

from vitspace.errors import InputError
from vitspace.files import find_yaml, read_yaml
from vitspace.space.config import AxisConfig, SpaceConfig, SpaceError

OF = "of"


def resolve(data: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return what a space file at ``path`` holds, with what it refers to in place of each reference.

    Raises:
        SpaceError: a reference leads to no space, to one of other families, or to an axis that it does not have.
        InputError: the space that is referred to breaks a rule.
    """
    families = data.get("families")
    if not isinstance(families, dict):
        return data
    return data | {"families": {name: _section(name, section, path.parent) for name, section in families.items()}}


def _section(family: str, section: Any, folder: Path) -> Any:
    if not isinstance(section, dict):
        return section
    made, where = dict(section), ("families", family)
    if isinstance(rules := section.get("rules"), str):
        made["rules"] = _space(rules, family, folder, (*where, "rules")).rules
    axes = section.get("axes")
    if isinstance(axes, str):
        made["axes"] = _space(axes, family, folder, (*where, "axes")).axes
    elif isinstance(axes, dict):
        made["axes"] = {name: _axis(name, axis, family, folder) for name, axis in axes.items()}
    return made


def _axis(name: str, axis: Any, family: str, folder: Path) -> Any:
    if not isinstance(axis, dict) or OF not in axis:
        return axis
    where = ("families", family, "axes", name)
    if len(axis) > 1:
        raise SpaceError(f"an axis is a reference or has values of its own, but {name} has {', '.join(axis)}", *where)
    found: dict[str, AxisConfig] = _space(axis[OF], family, folder, (*where, OF)).axes
    if name not in found:
        raise SpaceError(f"space {axis[OF]} has the axes {', '.join(found)}, but got {name}", *where)
    return found[name]


def _space(text: Any, family: str, folder: Path, where: tuple[Any, ...]) -> SpaceConfig:
    """Read the space that a reference names, or leads to from the folder of the file that it stands in."""
    name = str(text)
    try:
        found = find_yaml(str(folder / name) if name.endswith((".yaml", ".yml")) else name, "spaces")
    except InputError as error:
        raise SpaceError(str(error), *where) from None

    def alone(data: dict[str, Any]) -> dict[str, Any]:
        if data.get("family") != family:
            raise SpaceError(f"a reference leads to a space of family {family} alone, but {name} is not", *where)
        return data

    return read_yaml(found, SpaceConfig, alone)
