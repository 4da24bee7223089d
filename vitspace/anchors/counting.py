"""The published rows beside the costs of our networks, which are counted anew if the kept ones are out of date.

``python -m vitspace.anchors.counting`` counts them all anew and writes ``counted.csv``.
"""

from typing import Any

from vitspace.anchors import Anchor, all_anchors
from vitspace.anchors.counted import Counted, counted, write
from vitspace.anchors.published import rows
from vitspace.costs.networks import cost


def published_rows(family: str | None = None, role: str | None = None) -> list[dict[str, Any]]:
    """Return the published rows of a family and role; see `vitspace.anchors.published.rows`.

    Raises:
        InputError: no such family or role.
    """
    return rows(lambda row: counted(row) or count(row), family, role)


def count(row: Anchor) -> Counted | None:
    """Return what a published design costs; None for a row without a spec."""
    if row.spec is None:
        return None
    costs = cost(row.spec, row.resolution)
    return Counted(row.spec.id, costs.params, costs.macs, costs.attention_macs)


if __name__ == "__main__":
    write([(row, found) for row in all_anchors().values() if (found := count(row))])
