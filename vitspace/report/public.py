"""Public networks of similar FLOPs, which stand faint behind the designs of a study in points."""

from vitspace.accuracy.recipes import USUAL
from vitspace.accuracy.table import Row, published
from vitspace.image_sizes import ImageSize
from vitspace.pareto import non_dominated

#: Points below the best public network of its FLOPs or less that a network is shown at most.
NEAR = 2.0


def public_networks(least: float, most: float, img_size: ImageSize) -> list[tuple[Row, bool]]:
    """Return the public networks on or near the public front, and whether each is on it, by multiply-adds.

    Only those of the usual recipe, trained and tested at one size; of one architecture the best.

    Args:
        least: Multiply-adds.
        most: Multiply-adds.
        img_size: Side of the image, pixels.
    """
    rows = [row for row in published() if row.public and row.recipe == USUAL]
    rows = [row for row in rows if row.img_size == row.train_size == img_size]
    best = {row.name.partition(".")[0]: row for row in sorted(rows, key=lambda row: row.top1)}
    ordered = sorted(best.values(), key=lambda row: row.cost.macs)
    front = non_dominated([(row.cost.macs, -row.top1) for row in ordered])
    found, reached = [], 0.0
    for row, on_front in zip(ordered, front, strict=True):
        reached = max(reached, row.top1)
        if least <= row.cost.macs <= most and row.top1 >= reached - NEAR:
            found.append((row, bool(on_front)))
    return found
