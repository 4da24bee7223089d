"""Published designs that a study has not run: which there are, and what is said where none is left to compare with."""

import math
from typing import Any

from vitspace.anchors import Anchor, all_anchors
from vitspace.anchors.counted import Counted, counted
from vitspace.anchors.references import other_recipe
from vitspace.budget import Budget
from vitspace.plots.names import readable_name
from vitspace.study.record import StudyRecord
from vitspace.words import some


def references(record: StudyRecord) -> list[Anchor]:
    """Anchors of the study's family, published at its resolution, that are no completed trial; by FLOPs.

    None of a dense task, as what is printed of them are costs of classification.
    """
    if record.task:
        return []
    done = {trial.anchor for trial in record.anchors}
    rows = [row for row in all_anchors().values() if row.role == "anchor" and row.family in _families(record)]
    rows = [row for row in rows if "gflops" in row.published and row.resolution == record.img_size]
    return sorted((row for row in rows if row.id not in done), key=lambda row: row.published["gflops"])


def outside_budget(record: StudyRecord, row: Anchor) -> bool:
    """Whether the FLOPs or params that a paper prints break the study's budget."""
    macs, params = (
        row.published[name] * unit if name in row.published else None
        for name, unit in (("gflops", 1e9), ("params_m", 1e6))
    )
    return bool(record.config.limits.violation(macs=macs, params=params))


def counted_outside(record: StudyRecord, row: Anchor) -> str:
    """Return how a published design, as its network is counted here, breaks the study's budget; empty where it fits."""
    found = counted(row)
    return record.config.limits.violation(macs=found.macs, params=found.params) if found else ""


def better_words(record: StudyRecord) -> str:
    """Name the published designs that were not run and that no searched design of at most their FLOPs comes up to.

    A search that runs one anchor of each family is held against these alone, while a smaller sibling is better.
    """
    searched = [trial for trial in record.completed if not trial.anchor]
    tried = {trial.anchor for trial in record.trials}  # whose latency was outside, too
    named = []
    for row in references(record) if record.in_points else []:
        found, top1 = counted(row), row.published.get("top1")
        macs = found.macs if found else row.published["gflops"] * 1e9
        below = [-trial.point[0] for trial in searched if trial.point[1] <= macs]
        beyond = row.id in tried or outside_budget(record, row) or counted_outside(record, row)
        if top1 is None or other_recipe(row) or beyond or not below or top1 <= max(below):
            continue
        costs = f"{macs / 1e9:.2f} G; the best of these {max(below):.1f} %"
        named.append(f"{readable_name(row.id)} ({top1:.1f} %, {costs})")
    return f"Published above all searched designs of no more FLOPs, and not run here: {some(named)}." if named else ""


def no_anchor_words(record: StudyRecord) -> str:
    """Say that designs are compared with no published network, and which is nearest; nothing where they are."""
    if record.anchors or not record.completed:
        return ""
    alone = "designs are compared with no published network"
    if record.config.anchors not in ("all", "nearest"):
        return f"{alone.capitalize()} (--anchors {record.config.anchors})."
    if lost := [f"{readable_name(t.anchor)} is {t.state.replace('_', ' ')}" for t in record.trials if t.anchor]:
        return f"{alone.capitalize()}: {some(lost)}."
    within = " and ".join(text for text in (record.config.budget, record.config.params) if text)
    costs = {} if record.task else _costs(record)
    limits = record.config.limits
    beyond = {name: _beyond(limits, found) for name, found in costs.items()}
    name = min(beyond, key=lambda each: beyond[each], default="")
    if not within or (name and not beyond[name]):
        return f"{alone.capitalize()}: none was evaluated (--anchors nearest takes those of the space's families)."
    near = f"; the nearest is {readable_name(name)} at {_size(record, costs[name])}" if name else ""
    return f"No published network of this space lies within {within}{near}: {alone}."


def _costs(record: StudyRecord) -> dict[str, Counted]:
    """What the anchors of the space's families cost here, of those that are published at the study's size of image."""
    families = _families(record) | _of_space(record.told("space").get("family"))
    rows = [row for row in all_anchors().values() if row.role == "anchor" and row.family in families]
    return {row.id: found for row in rows if row.resolution == record.img_size and (found := counted(row))}


def _size(record: StudyRecord, costs: Counted) -> str:
    params = f"{costs.params / 1e6:.1f}M params and " if record.config.params else ""
    return f"{params}{costs.macs / 1e9:.2f}G"


def _beyond(limits: Budget, costs: Counted) -> float:
    """How far FLOPs and params are outside of the limits, in logarithms added up."""
    pairs = ((costs.macs, limits.macs), (costs.params, limits.params))
    return sum(math.log(max(low / value, value / high, 1.0)) for value, (low, high) in pairs)


def _families(record: StudyRecord) -> set[str]:
    """Families of the study's designs, and that of a space of one family."""
    family = record.told("space").get("family")
    return {t.spec.family for t in record.completed if t.spec} | ({family} if isinstance(family, str) else set())


def _of_space(family: Any) -> set[str]:
    """Families of a space, as its file has them: one, a list, or a list for each stage."""
    if isinstance(family, dict):
        family = family.get("each")
    return {family} if isinstance(family, str) else {str(name) for name in family or []}
