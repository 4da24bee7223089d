"""Whether a published row is reproduced: the one definition, for `Anchor.status` and for tables of rows."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from vitspace.about import about

if TYPE_CHECKING:
    from vitspace.anchors import Anchor
    from vitspace.anchors.counted import Counted


class Printed(Protocol):
    """What a paper prints of a network: see `Anchor.published` and `Anchor.digits`."""

    @property
    def published(self) -> Mapping[str, float]: ...

    @property
    def digits(self) -> Mapping[str, int]: ...


def status(row: "Anchor", costs: "Counted | None") -> tuple[str, str]:
    """Return a row's status, and why it is unreproduced; see `Anchor.status`."""
    if row.role == "peer" or not row.digits:
        return "not-applicable", ""
    if row.unreproduced or costs is None:
        return "unreproduced", row.unreproduced or "no spec"
    told = about(row.family)
    tolerances = {"params_m": told.params_tolerance, "gflops": told.flops_tolerance}
    off = [text for text, rounded in beyond(row, errors(row, costs), tolerances) if not rounded]
    return ("unreproduced", ", ".join(off)) if off else ("reproduced", "")


def errors(row: "Anchor", costs: "Counted | None") -> dict[str, float]:
    """Return the relative errors of params_m and gflops, where they are printed and counted."""
    if costs is None:
        return {}
    found = {"params_m": error(row, "params_m", costs.params, 1e6), "gflops": error(row, "gflops", costs.macs, 1e9)}
    return {name: value for name, value in found.items() if value is not None}


def error(row: Printed, name: str, ours: int | None, unit: float) -> float | None:
    """Return by how much what our network costs is off what is printed, over that; None where one is not known."""
    printed = row.published.get(name)
    return None if ours is None or printed is None else ours / unit / printed - 1


def beyond(
    row: Printed, off: Mapping[str, float | None], tolerances: Mapping[str, float]
) -> Iterator[tuple[str, bool]]:
    """Yield what is off by more than a tolerance, and whether that is within a unit of the last printed digit.

    Args:
        row: What is printed.
        off: Relative errors of params_m and gflops.
        tolerances: Up to which they are no matter.
    """
    for name, value in off.items():
        if value is not None and abs(value) > tolerances[name]:
            unit = 10.0 ** -row.digits[name]
            rounded = abs(value) * row.published[name] <= unit * (1 + 1e-9)
            yield f"{'params' if name == 'params_m' else 'FLOPs'} off by {value:+.1%}", rounded
