"""What the published designs cost, as ``counted.csv`` keeps it, so that a table of them needs no network.

``python -m vitspace.anchors.counting`` counts them all and writes the file. A row is read only while its design and the
code that it was counted with are those it was made of.
"""

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from vitspace.files import write_csv
from vitspace.sources import sources_of

if TYPE_CHECKING:
    from vitspace.anchors import Anchor

FILE = Path(__file__).with_name("counted.csv")


@dataclass(frozen=True)
class Counted:
    """What one published design costs at its resolution.

    Attributes:
        spec_id: Of its spec.
        params: Parameters.
        macs: Multiply-adds.
        attention_macs: Those of attention products.
    """

    spec_id: str
    params: int
    macs: int
    attention_macs: int


def counted(row: "Anchor") -> Counted | None:
    """Return what the file holds of a published design; None where it holds nothing, or is out of date."""
    found = _kept().get(row.id)
    if found is None or found["made_of"] != made_of(row):
        return None
    return Counted(found["spec_id"], *(int(found[name]) for name in ("params", "macs", "attention_macs")))


def made_of(row: "Anchor") -> str:
    """Return a digest of a published design and of the code that counts it."""
    design = json.dumps([row.family, row.resolution, dict(row.parts)], sort_keys=True)
    code = sources_of("vitspace.costs.networks", f"vitspace.families.{row.family}")
    return hashlib.sha256((design + code).encode()).hexdigest()[:12]


@cache
def _kept() -> dict[str, dict[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def write(costs: Sequence[tuple["Anchor", Counted]], path: Path = FILE) -> None:
    """Write what published designs cost."""
    names = ("id", *Counted.__dataclass_fields__, "made_of")
    write_csv(path, names, ({"id": row.id, **asdict(found), "made_of": made_of(row)} for row, found in costs))
