"""Data files of the package, strict reading of YAML and JSON, and atomic writing of files."""

import csv
import io
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from vitspace.errors import InputError, shown
from vitspace.folders import temporary

Model = TypeVar("Model", bound=BaseModel)
#: How deep what is read may be nested, and how many digits a whole number may have.
_DEEPEST, _DIGITS = 40, 19
#: Values that a YAML file may hold, as it is written and with its aliases written out.
_MOST_WRITTEN, _MOST_NODES = 20_000, 100_000
#: Bytes that a YAML file may have.
_MOST_BYTES = 10**6
_LONGEST_KEY, _LONGEST_REASON, _LONGEST_MESSAGE = 100, 200, 500
#: Beginnings of pydantic's messages, and what a rule says instead.
_RULES = (
    (r"^Input should be greater than or equal to", "is at least"),
    (r"^Input should be less than or equal to", "is at most"),
    (r"^Input should be a valid integer.*", "is a whole number"),
    (r"^Input should be a valid number.*", "is a number"),
    (r"^Input should be a valid boolean.*", "is true or false"),
    (r"^Input should be a valid dictionary.*", "is a mapping"),
    (r"^Input should be a valid (tuple|list)", "is a list"),
    (r"^Input should be (a valid|an instance of)", "is a"),
    (r"^Input should be", "is"),
    (r"^\w+ should have", "has"),
    (r"^\w+ should match", "matches"),
    (r" after validation, not \d+$", ""),
)


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
    raise InputError(f"{folder} are {known}, or a path to a .yaml file, but got {shown(text)}")


class _Loader(yaml.SafeLoader):
    """Reads YAML safely, and refuses a key given twice, a value that is not what its tag says, and values too many."""

    written = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.written += 1
        if self.written > _MOST_WRITTEN:
            problem = f"it holds more than {_MOST_WRITTEN:,} values"
            raise yaml.composer.ComposerError(None, None, problem, self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, str):
                value.encode()  # half of a surrogate pair cannot be written
            return value
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            tag = node.tag.rpartition(":")[2]
            problem = f"{shown(getattr(node, 'value', ''))} is no {shown(tag)[1:-1]}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()  # a tag may say that a text is one
        for key, _ in pairs:
            if not isinstance(key, yaml.ScalarNode):
                continue  # the model refuses it
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {shown(key.value)} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, model: type[Model], prepare: Callable[[dict[str, Any]], Any] = dict) -> Model:
    """Read a YAML file into a model; ``prepare`` makes of the file's mapping what the model reads.

    Raises:
        InputError: the file is not YAML, a key is unknown or missing, or a value is wrong; with file and line.
    """
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is no file")  # to open a pipe would wait for ever
        if path.exists() and path.stat().st_size > _MOST_BYTES:
            raise OSError(f"it has more than {_MOST_BYTES // 10**6} MB")
        text = path.read_text(encoding="utf-8")
        data = _parse_yaml(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        why = str(getattr(error, "problem", error)).partition("\n")[0][:_LONGEST_MESSAGE]
        raise InputError(f"{path}{where}: not YAML: {why}") from None
    if not isinstance(data, dict):
        raise InputError(f"{path}: the file is a mapping of keys, but got {type(data).__name__}")
    try:
        return model.model_validate(prepare(data))
    except ValidationError as error:
        first = error.errors()[0]
        line = _line(yaml.compose(text, Loader=yaml.SafeLoader), first["loc"])
        raise InputError(f"{path}:{line}: {explain(model, first)}") from None


def _parse_yaml(text: str) -> Any:
    """Return what YAML holds.

    Raises:
        yaml.YAMLError: it is none, or is nested or repeated by aliases beyond reason.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _node_size(node, {}, 0)
        return loader.construct_document(node)
    except RecursionError:
        raise yaml.YAMLError(f"it is nested more than {_DEEPEST} deep") from None
    finally:
        loader.dispose()


def _node_size(node: yaml.Node, known: dict[int, int], depth: int) -> int:
    """Return how many nodes a node is, aliases written out; see `_parse_yaml`."""
    if depth > _DEEPEST:
        problem = f"it is nested more than {_DEEPEST} deep, or holds itself"
        raise yaml.composer.ComposerError(None, None, problem, node.start_mark)
    if id(node) not in known:
        pairs = isinstance(node, yaml.MappingNode)
        inner = [each for pair in node.value for each in pair] if pairs else node.value
        held = inner if isinstance(node, yaml.CollectionNode) else ()
        known[id(node)] = 1 + sum(_node_size(each, known, depth + 1) for each in held)
    if known[id(node)] > _MOST_NODES:
        problem = f"it holds more than {_MOST_NODES:,} values, aliases written out"
        raise yaml.composer.ComposerError(None, None, problem, node.start_mark)
    return known[id(node)]


def parse_json(text: str | bytes, finite: bool = True) -> Any:
    """Return what JSON text from outside holds: finite numbers, text that can be written, and nothing beyond reason.

    Args:
        text: The text.
        finite: Whether numbers that are not finite are refused.

    Raises:
        ValueError: it is no JSON, or holds anything else; the message says what.
    """
    plain = text if isinstance(text, str) else text.decode()
    try:
        number = _number if finite else float
        data = json.loads(plain, parse_constant=number, parse_float=number, parse_int=_whole)
        deep = _is_deep(data)
    except RecursionError:
        data, deep = None, True
    if deep:
        raise ValueError(f"it is nested more than {_DEEPEST} deep")
    if re.search(r"\\u[dD][89a-fA-F]", plain):
        json.dumps(data, ensure_ascii=False).encode()  # half of a surrogate pair cannot be written
    return data


@contextmanager
def reading_json(path: Path, version: int, what: str, cure: str = "", finite: bool = True) -> Iterator[dict[str, Any]]:
    """Hand what a JSON file of ours holds to the with-block that reads it.

    Args:
        path: The file.
        version: Its format.
        what: What it is to be, in the error.
        cure: What to do about a damaged one, in the error.
        finite: Whether numbers that are not finite are refused.

    Raises:
        InputError: there is no such file, it is of another format, or the block found that a key is missing or a value
            is wrong.
    """
    try:
        data = parse_json(path.read_bytes(), finite)
        if data["format"] != version:
            raise ValueError(f"its format is {shown(data['format'])}, and this version reads {version}")
        yield data
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"key {error} is missing" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        reason = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}..."
        raise InputError(f"{path} is not {what}: {reason}{f'; {cure}' if cure else ''}") from None


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"numbers are finite, but got {shown(text)}")
    return value


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"a whole number has at most {_DIGITS} digits, but got one of {len(text)}")
    return int(text)


def _is_deep(data: Any) -> bool:
    level, depth = [data], 0
    while level and depth <= _DEEPEST:
        held = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level, depth = [value for values in held for value in values], depth + 1
    return bool(level)


def located(path: Path, location: Iterable[Any], message: str) -> InputError:
    """Return an error that names a YAML file and a line: that of the deepest node on a path of keys and indices."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        return InputError(f"{path}:{_line(root, location)}: {message}")
    except (OSError, ValueError, RecursionError, yaml.YAMLError):  # the file is no longer what was read
        return InputError(f"{path}: {message}")


def validated(model: type[Model], data: Any, what: str = "") -> Model:
    """Return data as a model.

    Args:
        model: The model.
        data: Plain data.
        what: What the data are, at the beginning of the error.

    Raises:
        InputError: a key is unknown or missing, or a value breaks a rule.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        why = explain(model, error.errors()[0])
        raise InputError(f"{what}: {why}" if what else why) from None


def explain(model: type[BaseModel], error: Any) -> str:
    """Return a pydantic error in one line: the key, the rule, the value, and for an unknown key the known ones."""
    key = ".".join(str(name) for name in error["loc"])
    key = key if len(key) <= _LONGEST_KEY else f"{key[:_LONGEST_KEY]}..."
    if error["type"] == "extra_forbidden":
        owner = _owner(model, error["loc"][:-1])
        known = f"; known keys: {', '.join(owner.model_fields)}" if owner else ""
        return f"unknown key {key!r}{known}"
    if error["type"] == "missing":
        return f"key {key!r} is missing"
    return broken_rule(key, error)


def broken_rule(key: str, error: Any) -> str:
    """Return the rule that a pydantic error is of, and the value: ``trials is at least 0, but got -1``."""
    message = error["msg"].partition("\n")[0][:_LONGEST_MESSAGE]
    if error["type"] == "value_error":
        message = message.removeprefix("Value error, ")
        return f"{key}: {message}" if key else message
    rule = message.replace("'", "") if error["type"] == "literal_error" else message
    for pattern, words in _RULES:
        rule = re.sub(pattern, words, rule)
    subject = key or "it"
    return f"{subject}{' ' if rule != message else ': '}{rule}, but got {shown(error['input'])}"


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a file under a temporary name next to it, then rename it; what is not Unicode in a text is escaped."""
    content = data.encode(errors="backslashreplace") if isinstance(data, str) else data
    write_with(path, lambda temporary: temporary.write_bytes(content))


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Have ``write`` make a temporary file next to ``path``, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary(path) as new:
        write(new)
        new.chmod(0o666 & ~_umask())
        new.replace(path)


def write_secret(path: Path, text: str) -> None:
    """Write a file that its owner alone can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary(path) as new:  # made so that its owner alone can read it
        new.write_text(text, encoding="utf-8")
        new.chmod(0o600)
        new.replace(path)


def write_json(path: Path, data: Any) -> None:
    """Write data as indented JSON."""
    write_atomic(path, json.dumps(data, indent=2) + "\n")


def write_csv(path: Path, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table with the given columns."""
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(path, text.getvalue())


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
