"""The published rows beside what our networks cost, given or as kept."""

from collections.abc import Callable
from typing import Any

from vitspace.anchors import FACTS, Anchor, all_anchors, list_anchors
from vitspace.anchors.counted import Counted, counted
from vitspace.anchors.status import error, errors, status
from vitspace.errors import InputError, shown

#: Gives what a published design costs.
Count = Callable[[Anchor], Counted | None]


def kept_rows(family: str | None = None, role: str | None = None) -> list[dict[str, Any]] | None:
    """Return `rows` with the costs that are kept, without loading a network; None where one is out of date.

    Raises:
        InputError: no such family or role.
    """
    chosen = _chosen(family, role)
    return rows(counted, family, role) if all(counted(row) for row in chosen if row.parts) else None


def rows(count: Count, family: str | None = None, role: str | None = None) -> list[dict[str, Any]]:
    """Return every published row of a family and role, with what our network costs and how far it is off.

    ``status`` is reproduced, unreproduced (``why`` says the reason), or not-applicable: a peer, or a row that prints
    neither params nor FLOPs. ``macs`` has attention products in it; ``macs_without_attention`` and
    ``flops_error_without_attention`` leave them out, as some papers do. What is not printed is None.

    Raises:
        InputError: no such family or role.
    """
    return [_row(row, count(row) if row.parts else None) for row in _chosen(family, role)]


def _chosen(family: str | None, role: str | None) -> list[Anchor]:
    chosen = [all_anchors()[name] for name in list_anchors(role)]
    families = [*sorted({row.family for row in all_anchors().values()} - {"peer"}), "peer"]
    if family is not None and family not in families:
        raise InputError(f"a family is one of {', '.join(families)}, but got {shown(family)}")
    return [row for row in chosen if family in (None, row.family)]


def _row(row: Anchor, costs: Counted | None) -> dict[str, Any]:
    macs = costs.macs - costs.attention_macs if costs else None
    off = errors(row, costs)
    found, why = status(row, costs)
    return {
        "id": row.id,
        "family": row.family,
        "role": row.role,
        "status": found,
        "why": why,
        "params": costs.params if costs else None,
        "macs": costs.macs if costs else None,
        "macs_without_attention": macs,
        "published": {name: row.published.get(name) for name in FACTS},
        "params_error": off.get("params_m"),
        "flops_error": off.get("gflops"),
        "flops_error_without_attention": error(row, "gflops", macs, 1e9),
        "source": row.source,
        "note": row.note,
        "caveat": row.caveat,
        "spec_id": costs.spec_id if costs else None,
    }
