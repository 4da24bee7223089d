"""The published rows beside what our networks cost."""

from collections.abc import Iterable
from typing import Any

from vitspace.about import about
from vitspace.anchors import FACTS, Anchor, all_anchors, list_anchors
from vitspace.costs import PartCost, cost
from vitspace.errors import InputError
from vitspace.families import FAMILIES


def published_rows(family: str | None = None, role: str | None = None) -> list[dict[str, Any]]:
    """Return every published row of a family and role, with what our network costs and how far it is off.

    ``status`` is reproduced, unreproduced (``why`` says the reason), or not-applicable: a peer, or a row that prints
    neither params nor FLOPs. ``macs`` has attention products in it; ``macs_without_attention`` and
    ``flops_error_without_attention`` leave them out, as some papers do. What is not printed is None.

    Raises:
        InputError: no such family or role.
    """
    families = (*FAMILIES, "peer")
    if family is not None and family not in families:
        raise InputError(f"a family is one of {', '.join(families)}, but got {family!r}")
    rows = [all_anchors()[name] for name in list_anchors(role)]
    return [_row(row) for row in rows if family in (None, row.family)]


def _row(row: Anchor) -> dict[str, Any]:
    costs = cost(row.spec, row.resolution) if row.spec else None
    macs = costs.macs - costs.attention_macs if costs else None
    errors = _errors(row, costs)
    status, why = _status(row, costs, errors)
    return {
        "id": row.id,
        "family": row.family,
        "role": row.role,
        "status": status,
        "why": why,
        "params": costs.params if costs else None,
        "macs": costs.macs if costs else None,
        "macs_without_attention": macs,
        "published": {name: row.published.get(name) for name in FACTS},
        "params_error": errors.get("params_m"),
        "flops_error": errors.get("gflops"),
        "flops_error_without_attention": _error(row, "gflops", macs, 1e9),
        "source": row.source,
        "note": row.note,
        "caveat": row.caveat,
        "spec_id": row.spec.id if row.spec else None,
    }


def _errors(row: Anchor, costs: PartCost | None) -> dict[str, float]:
    if costs is None:
        return {}
    errors = {
        "params_m": _error(row, "params_m", costs.params, 1e6),
        "gflops": _error(row, "gflops", costs.macs, 1e9),
    }
    return {name: error for name, error in errors.items() if error is not None}


def _error(row: Anchor, name: str, ours: int | None, unit: float) -> float | None:
    printed = row.published.get(name)
    return None if ours is None or printed is None else ours / unit / printed - 1


def _status(row: Anchor, costs: PartCost | None, errors: dict[str, float]) -> tuple[str, str]:
    if row.role == "peer" or not row.digits:
        return "not-applicable", ""
    if row.unreproduced or costs is None:
        return "unreproduced", row.unreproduced or "no spec"
    off = list(_beyond(row, errors))
    return ("unreproduced", ", ".join(off)) if off else ("reproduced", "")


def _beyond(row: Anchor, errors: dict[str, float]) -> Iterable[str]:
    told = about(row.family)
    tolerances = {"params_m": told.params_tolerance, "gflops": told.flops_tolerance}
    for name, error in errors.items():
        unit = 10.0 ** -row.digits[name]
        if abs(error) > tolerances[name] and abs(error) * row.published[name] > unit * (1 + 1e-9):
            yield f"{'params' if name == 'params_m' else 'FLOPs'} off by {error:+.1%}"
