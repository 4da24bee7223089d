"""Networks as files to be timed on another device, as ``kit.json`` lists them, and the times that come back.

`vitspace.profile.kit` makes kits, and `vitspace.latency.time_kit` times them.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vitspace.errors import InputError, shown
from vitspace.files import reading_json
from vitspace.image_sizes import ImageSize, plain_size
from vitspace.latency.time_kit import COLUMNS, FACTS
from vitspace.spec import Spec
from vitspace.words import some

FORMAT = 1
LIST, SCRIPT = "kit.json", "time_kit.py"
#: Milliseconds and deviations that a machine can have given.
_MS, _SD = (1e-4, 6e5), (0.0, 1.0)


@dataclass(frozen=True)
class Kit:
    """What a kit's list tells.

    Attributes:
        id: The kit's, a digest of its files.
        img_size: Side of the image, or (height, width), pixels.
        specs: The design of each file.
    """

    id: str
    img_size: ImageSize
    specs: Mapping[str, Spec]


@dataclass(frozen=True)
class DeviceTime:
    """One design's time on a device.

    Attributes:
        spec: The design.
        ms: Median milliseconds.
        reference_ms: The same of the reference network, timed in turn with it.
        sd: Standard deviation of the logarithm of their ratio.
    """

    spec: Spec
    ms: float
    reference_ms: float
    sd: float


@dataclass(frozen=True)
class Results:
    """A file of results.

    Attributes:
        kit: Id of the kit.
        facts: The device and its programs.
        rows: The row of each file as text.
    """

    kit: str
    facts: dict[str, str]
    rows: dict[str, dict[str, str]]


def read_kit(path: Path) -> Kit:
    """Read a kit's list.

    Args:
        path: The kit's folder, or its list.

    Raises:
        InputError: there is none, or it is damaged.
    """
    file = path / LIST if path.is_dir() else path
    with reading_json(file, FORMAT, "the list of a kit") as data:
        specs = {str(each["file"]): Spec.from_dict(each["spec"]) for each in data["networks"]}
        return Kit(str(data["kit"]), plain_size(data["img_size"]), specs)


def read_results(path: Path) -> Results:
    """Read what the script of a kit wrote.

    Raises:
        InputError: there is no such file, it is cut off, of several kits or devices, or a number is impossible.
    """
    try:
        text = path.read_bytes().decode()
    except (OSError, ValueError) as error:
        raise InputError(f"results are the file that {SCRIPT} wrote, but {path} cannot be read: {error}") from None
    lines = list(csv.reader(io.StringIO(text)))
    if not lines or tuple(lines[0]) != COLUMNS:
        begins = shown(",".join(lines[0])[:60]) if lines else "nothing"
        raise InputError(f"results begin with {','.join(COLUMNS[:4])}, ..., but {path} begins with {begins}")
    where = partial("{}, line {}".format, path)
    if len(lines[-1]) < len(COLUMNS) or not text.endswith("\n"):
        raise InputError(f"{where(len(lines))}, is cut off: run {SCRIPT} again, which goes on, or copy the file whole")
    rows = [_checked(cells, where(number)) for number, cells in enumerate(lines[1:], start=2)]
    if not rows:
        raise InputError(f"{path} holds no row: {SCRIPT} timed nothing yet")
    return Results(*_common(rows, path), {row["file"]: row for row in rows})


def times_of(results: Results, kit: Kit, path: Path) -> list[DeviceTime]:
    """Return the times of a kit's designs.

    Raises:
        InputError: they are of another kit, or of a file that the kit has not.
    """
    if results.kit != kit.id:
        raise InputError(f"{path} is of kit {shown(results.kit)}, but the kit given is {kit.id}")
    if unknown := sorted(results.rows.keys() - kit.specs.keys()):
        raise InputError(f"{path} has a time of {shown(unknown[0])}, which kit {kit.id} does not hold")
    return [
        DeviceTime(kit.specs[file], float(row["ms"]), float(row["reference_ms"]), float(row["sd"]))
        for file, row in results.rows.items()
    ]


def _checked(cells: Sequence[str], where: str) -> dict[str, str]:
    if len(cells) != len(COLUMNS):
        raise InputError(f"{where}, is damaged: a row has {len(COLUMNS)} cells, but this has {len(cells)}")
    row = dict(zip(COLUMNS, cells, strict=True))
    for name in ("ms", "reference_ms", "sd"):
        if rule := broken_bound(name, _number(row[name])):
            raise InputError(f"{where}: {rule}, but got {shown(row[name])}")
    return row


def broken_bound(name: str, value: Any) -> str:
    """Return the rule that a number of a row breaks, milliseconds or the deviation ``sd``, or an empty string."""
    least, most = _SD if name == "sd" else _MS
    if type(value) in (int, float) and least <= value < most:
        return ""
    return f"{name} is a number from {least:g} to {most:g}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _common(rows: Sequence[dict[str, str]], path: Path) -> tuple[str, dict[str, str]]:
    """Return the kit and the device that all rows tell of."""
    told: dict[str, Any] = {}
    for name in ("kit", *FACTS):
        values = list(dict.fromkeys(row[name] for row in rows))
        if len(values) > 1:
            known = some([shown(value) for value in values])
            raise InputError(f"results are of one kit and device, but {path} has {name} {known}")
        told[name] = values[0]
    file, count = Counter(row["file"] for row in rows).most_common(1)[0]
    if count > 1:
        raise InputError(f"a network has one row, but {path} has {count} of {shown(file)}")
    return told.pop("kit"), told
