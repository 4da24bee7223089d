"""Designs beside the published design or the public network that is nearest to each, and what that comes to."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vitspace.report.dominance import dominating, told_faster
from vitspace.report.gaps import Gap, Stands, gap
from vitspace.report.names import trial_name
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.words import some

#: Designs that a sentence names.
_NAMED = 3
#: Points of top-1 that stand as far apart as a ratio of 2 in FLOPs or milliseconds: what public networks of 0.5 to 8 G
#: gain by it.
POINTS_A_DOUBLING = 2.0


@dataclass(frozen=True)
class Neighbour:
    """What designs are held against: an anchor, or a public network as the trial that it would be."""

    name: str
    trial: Trial


@dataclass(frozen=True)
class Standing:
    """A design beside an anchor, or beside a public network.

    Attributes:
        trial: The design.
        anchor: The anchor, or the network as a trial.
        name: Its name.
        gap: Of the design's score less the anchor's.
        flops: The design's FLOPs over the anchor's, minus 1.
        latency: The same of milliseconds.
    """

    trial: Trial
    anchor: Trial
    name: str
    gap: Gap
    flops: float
    latency: float

    @property
    def faster(self) -> bool:
        """Whether it takes fewer milliseconds: all of its interval is below the anchor's, where both are known."""
        told = told_faster(self.trial, self.anchor)
        return self.latency < 0 if told is None else told

    @property
    def words(self) -> str:
        """``MSG-T: 47 % cheaper, 25 % faster, score worse by 0.200``."""
        unsure = " (latency unsure)" if self.trial.latency_doubt or self.anchor.latency_doubt else ""
        said = [
            _change(self.flops, "FLOPs", "cheaper", "costlier"),
            _change(self.latency, "latency", "faster", "slower") + unsure,
            _score_words(self.gap),
        ]
        return f"{self.name}: {', '.join(said)}"

    def short(self, named: bool) -> str:
        """``design 17 (-0.2 points [-1.6, +1.2], -24 % FLOPs, -31 % ms)``, with the anchor's name if asked for."""
        of = f"{self.name}: " if named else ""
        costs = f"{100 * self.flops:+.0f} % FLOPs, {100 * self.latency:+.0f} % ms"
        return f"design {self.trial.number} ({of}{self.gap}, {costs})"

    def row(self) -> dict[str, Any]:
        """Columns of a table."""
        return {
            "nearest_anchor": self.anchor.anchor,
            "flops_gap": self.flops,
            "latency_gap": self.latency,
            "score_gap": self.gap.score,
            "gap_low": self.gap.low,
            "gap_high": self.gap.high,
            "stands": self.gap.stands,
            "against_anchor": self.words,
        }


def standing(record: StudyRecord, trial: Trial) -> Standing | None:
    """Return a completed trial beside its nearest anchor; None where the study has none.

    Nearest is by the logarithms of FLOPs and latency, and in points by top-1 beside them, so that a design is not held
    against one of like cost that it has nothing else in common with.
    """
    return _beside(record, trial, _anchors(record))


def standings(record: StudyRecord) -> list[dict[str, Any]]:
    """Return the searched designs of the front beside their nearest anchors, as plain data."""
    found = [standing(record, trial) for trial in record.front if not trial.anchor]
    return [{"number": each.trial.number} | each.row() for each in found if each]


def _anchors(record: StudyRecord) -> list[Neighbour]:
    return [Neighbour(trial_name(trial), trial) for trial in record.anchors]


def _beside(record: StudyRecord, trial: Trial, others: list[Neighbour]) -> Standing | None:
    if not others:
        return None
    near = min(others, key=lambda other: math.dist(_place(record, trial), _place(record, other.trial)))
    (_, macs, ms), (_, other_macs, other_ms) = trial.point, near.trial.point
    costs = macs / other_macs - 1, ms / other_ms - 1
    return Standing(trial, near.trial, near.name, gap(record, trial, near.trial), *costs)


def verdict(record: StudyRecord) -> str:
    """Say which searched designs lead their nearest anchor and by how much, and which do not; of a study in points."""
    return standings_words(record, _anchors(record), "the published design that is nearest")


def standings_words(record: StudyRecord, others: list[Neighbour], nearest: str) -> str:
    """Say which searched designs lead the nearest of some others, and which do not; of a study in points.

    Designs off the front, which another beats on every count, are only counted.

    Args:
        record: The study.
        others: What designs are held against.
        nearest: What the nearest one is called where designs have several.
    """
    searched = [trial for trial in record.completed if not trial.anchor]
    found = [each for trial in record.front if not trial.anchor and (each := _beside(record, trial, others))]
    if not searched or not others:
        return ""
    names = {each.name for each in found}
    one = names.pop() if len(names) == 1 else ""
    said = [
        group.words(one, "it" if number else one or nearest)
        for number, group in enumerate(group for group in _groups(found) if group.designs)
    ]
    off = [trial for trial in searched if trial not in record.front]
    said += _off_words(len(off), sum(bool(dominating(record, trial)) for trial in off))
    designs = "1 searched design" if len(searched) == 1 else f"{len(searched)} searched designs"
    return f"Of {designs}, {'; '.join(said)}. {_sure(found, one or 'the one nearest to it')}"


def _off_words(off: int, beaten: int) -> list[str]:
    """Count the designs that are dominated, and those that milliseconds alone, not told apart, keep off the front."""
    counts = {"dominated": beaten, "off the front by milliseconds that are not told apart": off - beaten}
    return [f"{count} {'is' if count == 1 else 'are'} {what}" for what, count in counts.items() if count]


@dataclass(frozen=True)
class _Group:
    """Designs that stand alike to their anchors, and how that is said of one and of several."""

    designs: list[Standing]
    verbs: tuple[str, str]
    tail: str
    named: bool = False

    def words(self, anchor: str, whom: str) -> str:
        """Count the designs, and name some; ``anchor`` is that of all, or empty where they have several."""
        text = f"{len(self.designs)} {self.verbs[len(self.designs) > 1]} {whom}{self.tail}"
        if not self.named:
            return text
        return f"{text}: {some([each.short(named=not anchor) for each in self.designs], _NAMED)}"


#: By how a design stands to another: the verb of one and of several, and what is said behind the other's name.
_VERBS: dict[Stands, tuple[tuple[str, str], str]] = {
    "leads": (("leads", "lead"), ""),
    "above": (("is above", "are above"), ", but not beyond the interval,"),
    "ties": (("ties with", "tie with"), ""),
    "below": (("is below", "are below"), ", but not beyond the interval,"),
    "trails": (("trails", "trail"), ""),
}


def _groups(found: list[Standing]) -> Iterator[_Group]:
    """Give the designs by how they stand in accuracy and then in costs, the best first."""
    for stands, (verbs, but) in _VERBS.items():
        these = sorted((s for s in found if s.gap.stands == stands), key=_order)
        fast = [s for s in these if s.faster]
        lean = [s for s in these if not s.faster and s.flops < 0]
        if stands in ("below", "trails"):
            yield _Group([*fast, *lean], verbs, f"{but} at lower cost")
        else:
            yield _Group(fast, verbs, f"{but or ' in accuracy'} at fewer milliseconds", named=True)
            yield _Group(lean, verbs, f"{but} at fewer FLOPs, but not milliseconds", named=stands != "ties" or not fast)
        dear = [s for s in these if not s.faster and s.flops >= 0]
        yield _Group(dear, verbs, f"{but} at no less cost", named=stands in ("leads", "above"))


def _order(each: Standing) -> float:
    """Ties by milliseconds, others by how far they are ahead."""
    return each.latency if each.gap.stands == "ties" else -each.gap.score


def _sure(found: list[Standing], whom: str) -> str:
    if any(each.gap.stands == "leads" for each in found):
        return "Those that lead do so beyond the interval (90 %, in brackets)."
    return f"None leads {whom} in accuracy beyond the interval (90 %, in brackets)."


def _place(record: StudyRecord, trial: Trial) -> tuple[float, ...]:
    loss, macs, ms = trial.point
    return (math.log2(macs), math.log2(ms), *([loss / POINTS_A_DOUBLING] if record.in_points else []))


def _change(ratio: float, cost: str, less: str, more: str) -> str:
    if abs(ratio) < 0.005:
        return f"same {cost}"
    return f"{100 * abs(ratio):.0f} % {less if ratio < 0 else more}"


def _score_words(found: Gap) -> str:
    if found.in_points:
        return f"{found}, {found.stands}"
    if found.tie:
        return f"score {found} (within noise)"
    if not found.score:
        return "same score"
    return f"score {'better' if found.score > 0 else 'worse'} by {abs(found.score):.3f}"
