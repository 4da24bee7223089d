"""Published networks with their recipe class, their top-1 and what was counted of them.

``published.csv`` ships with the package. Rows of timm come from its results file; `making` renews them.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitspace.costs import PartCost
from vitspace.costs.makeup import Makeup

FILE = "published.csv"
#: Of a row, in the order of `PartCost.numbers`.
COUNTED = ("params", "macs", "activations", "attention_macs", *Makeup._fields)
_FACTS = ("name", "family", "source", "recipe", "train_size", "img_size", "top1")


@dataclass(frozen=True)
class Row:
    """A published network.

    Attributes:
        name: As timm calls it, or an anchor's id.
        family: timm's source file, or our family.
        source: Where its top-1 stands.
        recipe: Class of the recipe; see `recipes`.
        train_size: Side in pixels of the images that it was trained on.
        img_size: Of those that it was tested on.
        top1: ImageNet-1k top-1, %.
        cost: What was counted for one image of the training size.
    """

    name: str
    family: str
    source: str
    recipe: str
    train_size: int
    img_size: int
    top1: float
    cost: PartCost

    @property
    def public(self) -> bool:
        """Whether it is one of timm's; otherwise it is an anchor of ours."""
        return self.source.startswith("timm")

    @property
    def cells(self) -> list[str]:
        """The row as it is written."""
        return [*(str(getattr(self, name)) for name in _FACTS), *map(str, self.cost.numbers)]


@cache
def published() -> tuple[Row, ...]:
    """Return the shipped table, public networks first, then our anchors."""
    return tuple(read_rows(files(__name__.rpartition(".")[0]).joinpath(FILE).read_text(encoding="utf-8").splitlines()))


def read_rows(lines: Iterable[str]) -> list[Row]:
    """Read a table."""
    return [_row(cells) for cells in csv.DictReader(lines)]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*_FACTS, *COUNTED])
        writer.writerows(row.cells for row in rows)


def numbers_of(costs: Sequence[PartCost]) -> NDArray[np.int64]:
    """Return what was counted of N networks, [N, COUNTED]."""
    return np.array([cost.numbers for cost in costs], dtype=np.int64).reshape(-1, len(COUNTED))


def _row(cells: dict[str, str]) -> Row:
    return Row(
        name=cells["name"],
        family=cells["family"],
        source=cells["source"],
        recipe=cells["recipe"],
        train_size=int(cells["train_size"]),
        img_size=int(cells["img_size"]),
        top1=float(cells["top1"]),
        cost=PartCost.of_numbers([int(cells[name]) for name in COUNTED]),
    )
