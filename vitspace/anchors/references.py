"""The published rows by which proxies are judged.

``ablation_pairs.csv`` holds every pair of rows of one ablation table with their difference in top-1;
``timm_peers.csv`` the peers that timm has by name.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from vitspace.anchors import Anchor, all_anchors, anchor, list_anchors
from vitspace.spec import Spec

#: Trained for 90 epochs by the default ResNet recipe, while the same networks stand in VT's Table 8 with the recipe
#: that the other anchors are near to.
OTHER_RECIPE = ("vt_r18", "vt_r34")
#: Repeats rows of Table 3.5 beside their latencies.
REPEATED_TABLES = (("ems", "3.9"),)


def spec_of(row: Anchor) -> Spec:
    """Return the spec of a main anchor, or of an ablation pair's row; every one has it."""
    assert row.spec is not None
    return row.spec


@dataclass(frozen=True)
class Pair:
    """Two rows of one ablation table.

    Attributes:
        table: Family and number of the table, ``ems 3.5``.
        family: The family.
        a: The one row.
        b: The other.
        difference: Top-1 of a minus that of b, in points.
    """

    table: str
    family: str
    a: Anchor
    b: Anchor
    difference: float

    @property
    def specs(self) -> tuple[Spec, Spec]:
        """The specs of both rows."""
        return spec_of(self.a), spec_of(self.b)


def main_anchors() -> list[Anchor]:
    """Return the anchors whose accuracies are comparable: all but those of another recipe."""
    return [anchor(name) for name in list_anchors("anchor") if name not in OTHER_RECIPE]


def other_recipe(row: Anchor) -> str:
    """Return how a published row was trained where that is not the usual recipe, as its note says; empty otherwise."""
    return next((said for said in row.note.split("; ") if "epochs" in said), "")


@cache
def ablation_pairs() -> tuple[Pair, ...]:
    """Return the pairs of all ablation tables, those of repeated tables left out and each pair of designs once.

    Rows without a spec are left out; rows whose network costs other than printed are not.
    """
    seen, pairs = set(), []
    for row in _rows("ablation_pairs.csv"):
        a, b = anchor(row["a"]), anchor(row["b"])
        if (row["family"], row["table"]) in REPEATED_TABLES or not (a.spec and b.spec):
            continue
        designs = frozenset((a.spec.id, b.spec.id))
        if len(designs) == 2 and designs not in seen:
            seen.add(designs)
            table = f"{row['family']} {row['table']}"
            pairs.append(Pair(table, row["family"], a, b, float(row["top1_a_minus_b"])))
    return tuple(pairs)


def ablation_rows() -> list[Anchor]:
    """Return the rows of all ablation pairs, as often as they are in one."""
    return [row for pair in ablation_pairs() for row in (pair.a, pair.b)]


def timm_peers() -> dict[str, Anchor]:
    """Return the peers with a published accuracy that timm can build, by their name there."""
    return {row["timm"]: all_anchors()[row["id"]] for row in _rows("timm_peers.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files("vitspace.anchors").joinpath(name).read_text(encoding="utf-8").splitlines()))
