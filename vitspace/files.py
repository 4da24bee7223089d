"""Data files of the package, strict reading of YAML, and atomic writing of files."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from vitspace.errors import InputError
from vitspace.folders import temporary

Model = TypeVar("Model", bound=BaseModel)


def data_folder(name: str) -> Path:
    """Return the folder ``spaces`` or ``studies``: in the installed package, or next to it in a checkout."""
    package = Path(__file__).parent
    return package / name if (package / name).is_dir() else package.parent / name


def data_names(folder: str, nested: bool = False) -> list[str]:
    """Return the names of the YAML files in a data folder; nested ones are ``ablations/msg-regions``."""
    root = data_folder(folder)
    found = root.rglob("*.yaml") if nested else root.glob("*.yaml")
    return sorted(path.relative_to(root).with_suffix("").as_posix() for path in found)


def is_yaml_name(text: str, folder: str) -> bool:
    """Whether a text is a path to a YAML file, or the name of one in a data folder."""
    return text.endswith((".yaml", ".yml")) or text in data_names(folder, nested=True)


def find_yaml(text: str, folder: str) -> Path:
    """Return the file for a name in a data folder, or for a path to a YAML file.

    Raises:
        InputError: no such name or file.
    """
    if text.endswith((".yaml", ".yml")):
        if Path(text).is_file():
            return Path(text)
        raise InputError(f"a path ending in .yaml is a file, but there is none at {text!r}")
    if text in data_names(folder, nested=True):
        return data_folder(folder) / f"{text}.yaml"
    known = ", ".join(data_names(folder, nested=True))
    raise InputError(f"{folder} are {known}, or a path to a .yaml file, but got {text!r}")


class _Loader(yaml.SafeLoader):
    """Reads YAML safely, and refuses a key that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # the model refuses it
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, model: type[Model], prepare: Callable[[dict[str, Any]], Any] = dict) -> Model:
    """Read a YAML file into a model; ``prepare`` makes of the file's mapping what the model reads.

    Raises:
        InputError: the file is not YAML, a key is unknown or missing, or a value is wrong; with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = yaml.load(text, Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{path}{where}: not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(data, dict):
        raise InputError(f"{path}: the file is a mapping of keys, but got {type(data).__name__}")
    try:
        return model.model_validate(prepare(data))
    except ValidationError as error:
        first = error.errors()[0]
        line = _line(yaml.compose(text, Loader=yaml.SafeLoader), first["loc"])
        raise InputError(f"{path}:{line}: {explain(model, first)}") from None


def located(path: Path, location: Iterable[Any], message: str) -> InputError:
    """Return an error that names a YAML file and a line: that of the deepest node on a path of keys and indices."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        return InputError(f"{path}:{_line(root, location)}: {message}")
    except (OSError, ValueError, yaml.YAMLError):  # the file is no longer what was read
        return InputError(f"{path}: {message}")


def explain(model: type[BaseModel], error: Any) -> str:
    """Return a pydantic error in one line: the key, the rule, the value, and for an unknown key the known ones."""
    key = ".".join(str(name) for name in error["loc"])
    if error["type"] == "extra_forbidden":
        owner = _owner(model, error["loc"][:-1])
        known = f"; known keys: {', '.join(owner.model_fields)}" if owner else ""
        return f"unknown key {key!r}{known}"
    if error["type"] == "missing":
        return f"key {key!r} is missing"
    message = error["msg"].removeprefix("Value error, ")
    named = f"{key}: {message}" if key else message
    return named if error["type"] == "value_error" else f"{named}, but got {error['input']!r}"


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a file under a temporary name next to it, then rename it."""
    write_with(path, lambda temporary: temporary.write_bytes(data.encode() if isinstance(data, str) else data))


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Have ``write`` make a temporary file next to ``path``, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary(path) as new:
        write(new)
        new.chmod(0o666 & ~_umask())
        new.replace(path)


def write_json(path: Path, data: Any) -> None:
    """Write data as indented JSON."""
    write_atomic(path, json.dumps(data, indent=2) + "\n")


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


def _line(node: Any, location: Iterable[Any]) -> int:
    """Return the line of the deepest node that a pydantic location reaches."""
    line = node.start_mark.line + 1
    for key in location:
        if isinstance(node, yaml.MappingNode):
            match = [(k, v) for k, v in node.value if k.value == str(key)]
            if not match:
                continue  # pydantic also names the branch of a union, which is no key
            line, node = match[0][0].start_mark.line + 1, match[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line + 1
    return line


def _owner(model: type[BaseModel], location: Iterable[Any]) -> type[BaseModel] | None:
    for key in location:
        field = model.model_fields.get(str(key))
        if field is None:
            continue
        annotation = field.annotation
        arguments = [annotation, *getattr(annotation, "__args__", ())]
        nested = [a for a in arguments if isinstance(a, type) and issubclass(a, BaseModel)]
        if not nested:
            return None
        model = nested[0]
    return model
