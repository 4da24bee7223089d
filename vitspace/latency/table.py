"""Timed designs of all families that ship with the package, a row a design, ``timed.csv``.

`vitspace.profile.prior` measures them.
"""

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from vitspace.accuracy.table import COUNTED
from vitspace.latency.timed import TimedDesign

FILE = "timed.csv"
_TEXTS = ("backend", "host", "date", "spec_id", "family")
_NUMBERS = ("ms", "reference_ms", "sd")


@cache
def shipped() -> tuple[TimedDesign, ...]:
    """Return the designs that ship with the package."""
    return tuple(read_rows(files(__name__.rpartition(".")[0]).joinpath(FILE).read_text(encoding="utf-8").splitlines()))


def read_rows(lines: Iterable[str]) -> list[TimedDesign]:
    """Read a table."""
    return [_row(cells) for cells in csv.DictReader(lines)]


def write_rows(path: Path, rows: Iterable[TimedDesign]) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*_TEXTS, *_NUMBERS, *COUNTED])
        for row in rows:
            numbers = [f"{getattr(row, name):.6g}" for name in _NUMBERS]
            writer.writerow([*(getattr(row, name) for name in _TEXTS), *numbers, *row.counted])


def _row(cells: dict[str, str]) -> TimedDesign:
    values: dict[str, Any] = {name: cells[name] for name in _TEXTS} | {name: float(cells[name]) for name in _NUMBERS}
    return TimedDesign(**values, counted=tuple(int(cells[name]) for name in COUNTED))
