"""Published designs outside a study's budget, as lines of a figure and their labels."""

import math

from vitspace.plots.names import readable_name
from vitspace.report.absent import outside_budget, references
from vitspace.study.record import StudyRecord

#: References that would leave the trials less than this share of the (logarithmic) axis are named, not drawn.
_LEAST_SHARE = 0.4
#: Characters of a label; of more lines the first is named and the others are counted.
_LONG = 44
#: Lines closer together than this share of the axis have one label.
_APART = 0.04


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
        merged += [(group[0][0], _one_label([label for _, label in group])), *((x, "") for x, _ in group[1:])]
    return merged


def _one_label(labels: list[str]) -> str:
    every = ", ".join(labels)
    return every if len(every) <= _LONG or len(labels) == 1 else f"{labels[0]} and {len(labels) - 1} more"
