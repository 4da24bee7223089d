"""What is said of a family beside its code: its name, its look in figures, how near its published rows are met.

Ours stand in ``anchors/families.csv``, a line each, so that names and colours are known without loading a family; a
module of another package has its own as ``ABOUT``. A family that says nothing goes by its key, in grey.
"""

import csv
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class About:
    """What is said of a family.

    Attributes:
        family: Its key.
        name: As its paper writes it; the ids of its anchors begin with it.
        colour: In figures, ``#0072B2``; ours are Okabe and Ito's. Empty for what is left over.
        mark: In figures, matplotlib's.
        params_tolerance: Relative error of params up to which a published row counts as reproduced, where a unit of the
            last printed digit is less.
        flops_tolerance: The same of FLOPs; larger where the paper counts otherwise or leaves more open.
    """

    family: str
    name: str
    colour: str = ""
    mark: str = ""
    params_tolerance: float = 0.01
    flops_tolerance: float = 0.015


_OTHERS: dict[str, About] = {}


def about(family: str) -> About:
    """Return what is said of a family."""
    return all_about().get(family) or About(family, family)


def all_about() -> dict[str, About]:
    """Return what is said of each family that says something: ours first, in the order of the table."""
    return _ours() | _OTHERS


def register(told: About) -> None:
    """Take what another package says of its family."""
    _OTHERS[told.family] = told


@cache
def _ours() -> dict[str, About]:
    with (Path(__file__).parent / "anchors" / "families.csv").open(encoding="utf-8", newline="") as file:
        return {row["family"]: _about(row) for row in csv.DictReader(file)}


def _about(row: dict[str, str]) -> About:
    numbers = {field.name for field in fields(About) if field.type is float}
    return About(**{key: float(text) if key in numbers else text for key, text in row.items() if text})  # type: ignore[arg-type]
