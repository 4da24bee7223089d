"""Tables of measured scores: those committed with the project, and those kept on this machine."""

import csv
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from platform import node
from typing import Any

from vitspace import __version__
from vitspace import cache as local
from vitspace.errors import InputError
from vitspace.files import data_folder, write_csv
from vitspace.machine.host import versions
from vitspace.proxies import kind_of, trains
from vitspace.proxies.cards import FOLDER
from vitspace.sources import sources_of

#: Training-free scores, and those of training proxies.
FILE, TRAINED_FILE = "scores.csv", "trained.csv"
_KIND = "training-free scores"


@dataclass(frozen=True)
class ScoreRow:
    """One score of one design.

    Attributes:
        proxy: Its name.
        spec: The spec's id, or ``timm:`` and a name of its registry.
        name: The published row that the design is.
        seed: Of weights and images.
        init: own or common.
        value: The score, or None where it failed.
        failure: Why, or empty.
        seconds: Its time, with the passes that it shares with others.
        host: Name of the machine.
        device: cpu, cuda:0.
        date: Of the measurement.
        version: Of VitSpace.
    """

    proxy: str
    spec: str
    name: str
    seed: int
    init: str
    value: float | None
    failure: str
    seconds: float
    host: str
    device: str
    date: str
    version: str

    @property
    def key(self) -> str:
        """What it is a measurement of."""
        return f"{self.proxy} {self.spec} {self.seed} {self.init}"

    @property
    def trained(self) -> bool:
        """Whether a proxy that trains gave it."""
        return trains(self.proxy)


def new_row(proxy: str, spec: str, name: str, seed: int, init: str, value: float | None, **rest: object) -> ScoreRow:
    """Return a row measured here and now."""
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    values = {"failure": "", "seconds": 0.0, "device": "cpu", "host": node(), "date": date, "version": __version__}
    return ScoreRow(proxy, spec, name, seed, init, value, **(values | rest))  # type: ignore[arg-type]


@cache
def committed_rows() -> tuple[ScoreRow, ...]:
    """Return the rows of all committed tables."""
    return tuple(row for path in sorted(data_folder(FOLDER).glob("*.csv")) for row in read_table(path))


def local_rows() -> list[ScoreRow]:
    """Return the rows measured on this machine with the present code."""
    names = {field.name for field in fields(ScoreRow)}
    rows = {key: ScoreRow(**values) for key, values in local.load(_KIND).items() if values.keys() == names}
    return [row for key, row in rows.items() if key == local_key(row)]


def keep(rows: Iterable[ScoreRow]) -> None:
    """Keep rows on this machine."""
    local.store(_KIND, {local_key(row): asdict(row) for row in rows})


def local_key(row: ScoreRow) -> str:
    """Return what a row is a measurement of, with which code."""
    return f"{_digest(row.proxy.partition(':')[0])} {row.key}"


@cache
def _digest(name: str) -> str:
    """Return a digest of the code that measures a proxy's scores; empty where that is not installed."""
    try:
        kind = kind_of(name)
        kind.load()
    except InputError:
        return ""
    sources = sources_of(kind.module, "vitspace.families")
    return "-".join([sources, *(versions()[name] for name in ("torch", "timm"))])


def read_table(path: Path) -> list[ScoreRow]:
    """Read a table of scores; a file with other columns holds none.

    Raises:
        InputError: a value is no number.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != [field.name for field in fields(ScoreRow)]:
            return []
        return [_row(values, f"{path}, line {reader.line_num}") for values in reader]


def write_table(path: Path, rows: Iterable[ScoreRow]) -> None:
    """Write a table of scores, by proxy and design."""
    ordered = sorted(rows, key=lambda row: (row.proxy, row.init, row.seed, row.name))
    write_csv(path, [field.name for field in fields(ScoreRow)], map(_cells, ordered))


def _cells(row: ScoreRow) -> dict[str, Any]:
    shown = {"value": "" if row.value is None else f"{row.value:.8g}", "seconds": f"{row.seconds:.3f}"}
    return asdict(row) | shown


def _row(values: dict[str, str], where: str) -> ScoreRow:
    try:
        value = float(values["value"]) if values["value"] else None
        finite = value if value is not None and math.isfinite(value) else None
        numbers = {"seed": int(values["seed"]), "value": finite, "seconds": float(values["seconds"])}
        return ScoreRow(**(values | numbers))  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: seed, value and seconds are numbers, but: {error}") from None
