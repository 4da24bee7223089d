"""Designs beside the published design or the public network that is nearest to each, and what that comes to."""

import math
from dataclasses import dataclass
from typing import Any

from vitspace.report.gaps import Gap, gap
from vitspace.report.names import trial_name
from vitspace.report.noise import finite
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.words import some

#: Designs that a sentence names; of leading ones their numbers.
_NAMED, _NUMBERED = 3, 6
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
        high, low = finite(self.trial.latency.get("high_ms")), finite(self.anchor.latency.get("low_ms"))
        return self.latency < 0 if high is None or low is None else high < low

    @property
    def dearer(self) -> bool:
        """Whether it takes more FLOPs and more milliseconds."""
        return self.flops > 0 and self.latency > 0

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
            "against_anchor": self.words,
        }


def standing(record: StudyRecord, trial: Trial) -> Standing | None:
    """Return a completed trial beside its nearest anchor; None where the study has none.

    Nearest is by the logarithms of FLOPs and latency, and in points by top-1 beside them, so that a design is not held
    against one of like cost that it has nothing else in common with.
    """
    return _beside(record, trial, _anchors(record))


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
    ties = [each for each in found if each.gap.tie]
    fast = sorted((each for each in ties if each.faster), key=lambda each: each.latency)
    lean = [each for each in ties if not each.faster and each.flops < 0]
    ahead = sorted((each for each in found if not each.gap.tie and each.gap.score > 0), key=lambda s: -s.gap.score)
    behind = [each for each in found if not each.gap.tie and each.gap.score <= 0]
    above = ("is estimated above", "are estimated above")
    groups = [
        _Group([s for s in ahead if not s.dearer], above, "", named=True),
        _Group([s for s in ahead if s.dearer], above, " at more FLOPs and milliseconds", named=True),
        _Group(fast, ("ties with", "tie with"), " in accuracy at fewer milliseconds", named=True),
        _Group(lean, ("ties with", "tie with"), " at fewer FLOPs, but not milliseconds"),
        _Group([s for s in ties if not s.faster and s.flops >= 0], ("ties with", "tie with"), " at no less cost"),
        _Group([s for s in behind if s.flops < 0 or s.faster], ("is below", "are below"), " at lower cost"),
        _Group([s for s in behind if s.flops >= 0 and not s.faster], ("is below", "are below"), " at no less cost"),
    ]
    names = {each.name for each in found}
    one = names.pop() if len(names) == 1 else ""
    said = [
        group.words(one, "it" if number else one or nearest)
        for number, group in enumerate(group for group in groups if group.designs)
    ]
    if beaten := len(searched) - len(found):
        said.append(f"{beaten} {'is' if beaten == 1 else 'are'} dominated")
    designs = "1 searched design" if len(searched) == 1 else f"{len(searched)} searched designs"
    return f"Of {designs}, {'; '.join(said)}. {_sure(ahead, one or 'the one nearest to it')}"


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


def _sure(ahead: list[Standing], whom: str) -> str:
    sure = [str(each.trial.number) for each in ahead if each.gap.sure]
    if not sure:
        return f"None leads {whom} in accuracy beyond the interval (90 %, in brackets)."
    designs = f"Design {sure[0]} leads" if len(sure) == 1 else f"Designs {', '.join(sure)} lead"
    designs = designs if len(sure) <= _NUMBERED else f"{len(sure)} of them lead"
    return f"{designs} in accuracy beyond the interval (90 %, in brackets)."


def _place(record: StudyRecord, trial: Trial) -> tuple[float, ...]:
    loss, macs, ms = trial.point
    return (math.log2(macs), math.log2(ms), *([loss / POINTS_A_DOUBLING] if record.in_points else []))


def _change(ratio: float, cost: str, less: str, more: str) -> str:
    if abs(ratio) < 0.005:
        return f"same {cost}"
    return f"{100 * abs(ratio):.0f} % {less if ratio < 0 else more}"


def _score_words(found: Gap) -> str:
    if found.in_points:
        return f"{found}{', a tie' if found.tie else ''}"
    if found.tie:
        return f"score {found} (within noise)"
    if not found.score:
        return "same score"
    return f"score {'better' if found.score > 0 else 'worse'} by {abs(found.score):.3f}"
