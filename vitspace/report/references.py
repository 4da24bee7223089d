"""What stands behind a study's designs: published designs outside its budget, and public networks of similar FLOPs."""

import math

from vitspace.accuracy.recipes import USUAL
from vitspace.accuracy.table import Row, published
from vitspace.image_sizes import ImageSize
from vitspace.pareto import non_dominated
from vitspace.plots.names import readable_name
from vitspace.report.absent import outside_budget, references
from vitspace.study.record import StudyRecord

#: References that would leave the trials less than this share of the (logarithmic) axis are named, not drawn.
_LEAST_SHARE = 0.4
#: Characters of a label; of more lines the first is named and the others are counted.
_LONG = 44
#: Lines closer together than this share of the axis have one label.
_APART = 0.04
#: Points below the best public network of its FLOPs or less that a network is shown at most.
NEAR = 2.0


def within_reach(record: StudyRecord, costs: list[float]) -> tuple[list[tuple[float, str]], list[str]]:
    """Published designs outside the budget: those within reach of the trials, and the names of the others.

    Args:
        record: The study.
        costs: GFLOPs of its trials; none for another cost, of which nothing is published for this machine.
    """
    rows = [row for row in references(record) if outside_budget(record, row)]
    if not costs:
        return [], []
    near, beyond = [], []
    for row in rows:
        value, name = row.published["gflops"], readable_name(row.id)
        low, high = min(*costs, value), max(*costs, value)
        share = math.log(max(costs) / min(costs)) / math.log(high / low) if high > low else 1.0
        if share >= _LEAST_SHARE:
            near.append((value, f"{name}: {row.published['top1']:g} %" if "top1" in row.published else name))
        else:
            beyond.append(f"{name} {value:g} G")
    places = [*costs, *(x for x, _ in near)]
    return labelled(near, math.log(max(places) / min(places))), beyond


def not_run(record: StudyRecord, most: float) -> list[tuple[float, float, str]]:
    """Published designs that are no trial, of at most so many GFLOPs: (GFLOPs, top-1 in %, name)."""
    rows = [(row.published, readable_name(row.id)) for row in references(record)]
    return [(r["gflops"], r["top1"], name) for r, name in rows if "top1" in r and r["gflops"] <= most]


def labelled(lines: list[tuple[float, str]], span: float) -> list[tuple[float, str]]:
    """Give lines that stand too close for a label each one label, at the first of them; ``lines`` are sorted."""
    groups: list[list[tuple[float, str]]] = []
    for line in lines:
        if groups and math.log(line[0] / groups[-1][0][0]) < _APART * span:
            groups[-1].append(line)
        else:
            groups.append([line])
    merged: list[tuple[float, str]] = []
    for group in groups:
        (first, label), *others = group
        every = ", ".join(text for _, text in group)
        named = every if len(every) <= _LONG or not others else f"{label} and {len(others)} more"
        merged += [(first, named), *((x, "") for x, _ in others)]
    return merged


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
