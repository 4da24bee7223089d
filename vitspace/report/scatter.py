"""What a figure of score against one cost shows, as plain numbers and words."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

from vitspace.accuracy.predictor import NORMAL_90
from vitspace.pareto import non_dominated
from vitspace.plots.names import public_name
from vitspace.report.check import chance_score, check_name, proxy_value
from vitspace.report.gaps import order_unresolved
from vitspace.report.names import at_size, costed_words, latency_name, trial_name
from vitspace.report.noise import noise_limit
from vitspace.report.peers import Axis, peers_in_view
from vitspace.report.points import interval
from vitspace.report.proxy import proxy_label, proxy_note
from vitspace.report.references import not_run, public_networks, within_reach
from vitspace.report.words import machine_note, score_label, score_note
from vitspace.statistics import finite
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.words import plural

#: Of a figure: a cost and a score.
Place = tuple[float, float]

#: Published designs of more FLOPs than so many times the dearest trial's are out of view.
_BEYOND = 1.5


@dataclass(frozen=True)
class Mark:
    """One design: its place, how far its error bar reaches down and up, and its label."""

    x: float
    y: float
    below: float = 0.0
    above: float = 0.0
    label: str = ""


@dataclass(frozen=True)
class Scatter:
    """A figure before it is drawn.

    Attributes:
        trials: Completed trials that are neither on the front nor anchors.
        front: The front of all three objectives, anchors left out.
        anchors: Published designs, on the front or not.
        unit: Of the cost.
        caption: Lines under the figure.
        rejected: Costs of designs without a score, where they are known.
        steps: The front of this cost and the score alone, as the corners of a line.
        references: (cost, label) of published designs outside the budget; no label where the one before has it.
        beyond: The same, where the axis would have to be too long.
        budget: The largest cost allowed, or None.
        chance: The score of chance, or None.
        noise: Half the width of the band around the line, so that scores whose bands overlap are not told apart.
        predicted: What is predicted of the anchors without their own results.
        misses: From each of these to its anchor.
        untried: Published designs of these families that were not run, where their FLOPs are near.
        public: Public networks; those on their front are labelled.
        peers: Public networks that stand beside the study, of the usual recipe.
        peers_apart: The same of other recipes.
        cloud: (cost, score) of designs that were screened.
        anchor_words: What a star is.
    """

    title: str
    xlabel: str
    ylabel: str
    trials: list[Mark]
    front: list[Mark]
    anchors: list[Mark]
    unit: str
    caption: list[str]
    rejected: list[float] = field(default_factory=list)
    steps: list[Place] = field(default_factory=list)
    references: list[tuple[float, str]] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    budget: float | None = None
    chance: float | None = None
    noise: float = 0.0
    predicted: list[Mark] = field(default_factory=list)
    misses: list[tuple[Place, Place]] = field(default_factory=list)
    untried: list[Mark] = field(default_factory=list)
    public: list[Mark] = field(default_factory=list)
    peers: list[Mark] = field(default_factory=list)
    peers_apart: list[Mark] = field(default_factory=list)
    cloud: list[Place] = field(default_factory=list)
    anchor_words: str = "published design, run here"

    @property
    def marks(self) -> list[Mark]:
        """All trials."""
        return [*self.trials, *self.front, *self.anchors]


def scatter(record: StudyRecord, axis: Axis) -> Scatter:
    """Collect what `draw` needs; ``axis`` is ``macs`` or ``latency_ms``."""
    chosen = {trial.number for trial in record.front}
    plain = [t for t in record.completed if t.number not in chosen and not t.anchor]
    front = [t for t in record.front if not t.anchor]
    near, beyond = within_reach(record, [place(t, axis)[0] for t in record.completed] if axis == "macs" else [])
    chance = None if record.in_points else finite(record.reference.get("chance_loss"))
    made = Scatter(
        title=f"{record.name}: {'top-1' if record.in_points else 'score'} against {cost_name(record, axis)}",
        xlabel=cost_label(record, axis),
        ylabel=score_label(record),
        trials=[Mark(*place(t, axis)) for t in plain],
        front=[Mark(*place(t, axis), *_bar(t), number_label(t)) for t in front],
        anchors=[Mark(*place(t, axis), *_anchor_bar(record, t), trial_name(t)) for t in record.anchors],
        rejected=[cost for t in record.trials if not t.complete and (cost := _cost(t, axis))],
        steps=best_steps([place(t, axis) for t in record.completed]),
        references=near,
        beyond=beyond,
        budget=budget_of(record, axis),
        chance=None if chance is None else -chance,
        unit="G" if axis == "macs" else "ms",
        noise=(noise_limit(record) or 0.0) / 2,
        caption=caption_of(record, chance),
    )
    return _in_points(record, made, axis) if record.in_points else made


def training_check(record: StudyRecord) -> Scatter:
    """Collect what `draw` needs for the proxy's scores of a study in points, against FLOPs."""
    scored = [
        (t, place(t, "macs")[0], value) for t in record.completed if (value := proxy_value(record, t)) is not None
    ]
    chosen = {trial.number for trial in record.front}
    chance = chance_score(record)
    said = "" if chance is None else f" Chance: {chance:.2f}.".replace("-", "\N{MINUS SIGN}")
    return Scatter(
        title=f"{record.name}: {check_name(record)}",
        xlabel=cost_label(record, "macs"),
        ylabel=proxy_label(record),
        trials=[Mark(x, y, label=number_label(t)) for t, x, y in scored if t.number not in chosen and not t.anchor],
        front=[Mark(x, y, label=number_label(t)) for t, x, y in scored if t.number in chosen and not t.anchor],
        anchors=[Mark(x, y, label=trial_name(t)) for t, x, y in scored if t.anchor],
        unit="G",
        caption=[text for text in (proxy_note(record) + said, machine_note(record)) if text],
        chance=chance,
    )


def _in_points(record: StudyRecord, made: Scatter, axis: Axis) -> Scatter:
    """Put behind the designs what a study in points knows beside them."""
    known = [trial for trial in record.anchors if finite(trial.estimate.get("prior")) is not None]
    predicted = [_predicted(trial, place(trial, axis)[0]) for trial in known]
    misses = [((mark.x, mark.y), place(trial, axis)) for mark, trial in zip(predicted, known, strict=True)]
    peers, apart = (_peers(record, axis, like) for like in (True, False))
    made = replace(
        made,
        predicted=predicted,
        misses=misses,
        peers=peers,
        peers_apart=apart,
        anchor_words="published design, at its published top-1",
        caption=[*_marks_words(record, axis, shown=bool(peers or apart)), *made.caption],
    )
    costs = [mark.x for mark in made.marks]
    if axis != "macs" or not costs:
        return made
    # Public networks cost what they do as networks of classification.
    rows = [] if record.task else public_networks(min(costs) * 1e9, max(costs) * 1e9, record.img_size)
    named = {peer.name for peer in peers_in_view(record, axis)}
    rows = [(row, on) for row, on in rows if row.name not in named]
    public = [Mark(row.cost.macs / 1e9, row.top1, label=public_name(row.name) if on else "") for row, on in rows]
    cloud = [(macs / 1e9, top1) for macs, top1 in record.screening.get("cloud") or []]
    untried = [Mark(gflops, top1, label=name) for gflops, top1, name in not_run(record, _BEYOND * max(costs))]
    return replace(made, references=[], beyond=[], untried=untried, public=public, cloud=cloud)


def _marks_words(record: StudyRecord, axis: Axis, shown: bool) -> list[str]:
    """The lines under a figure in points that say what its marks are; ``shown``: whether it has public networks."""
    bars = "Bars: 90 % intervals. Hollow circles: what is predicted of a published design without its result."
    if shown:
        return [bars, "Diamonds: public networks at their published top-1, for images of the size that it is of."]
    untimed = axis != "macs" and record.peers and not any(peer.latency_ms for peer in record.peers)
    return [bars, "Public networks are not timed here."] if untimed else [bars]


def _peers(record: StudyRecord, axis: Axis, like_for_like: bool) -> list[Mark]:
    """Public networks at their published accuracy, where that and their cost are known."""
    found = []
    for peer in peers_in_view(record, axis):
        if peer.top1 is not None and peer.like_for_like == like_for_like:
            x = peer.macs / 1e9 if axis == "macs" else peer.latency["median_ms"]
            found.append(Mark(x, peer.top1, label=public_name(peer.name)))
    return found


def _predicted(trial: Trial, x: float) -> Mark:
    reach = NORMAL_90 * (finite(trial.estimate.get("prior_sd")) or 0.0)
    return Mark(x, trial.estimate["prior"], reach, reach)


def _bar(trial: Trial) -> tuple[float, float]:
    """How far a design's error bar reaches down and up: to the ends of its interval, else its standard deviation."""
    ends, score = interval(trial), -trial.point[0]
    if ends is None:
        return (finite(trial.score_std) or 0.0,) * 2
    return score - ends[0], ends[1] - score


def _anchor_bar(record: StudyRecord, trial: Trial) -> tuple[float, float]:
    if record.in_points:
        return 0.0, 0.0
    return (finite(trial.score_std) or (noise_limit(record) or 0.0) / 2,) * 2


def place(trial: Trial, axis: Axis) -> tuple[float, float]:
    """Where a trial stands: its cost in G or ms, and its score."""
    loss, macs, ms = trial.point
    return (macs / 1e9 if axis == "macs" else ms), -loss


def _cost(trial: Trial, axis: Axis) -> float | None:
    value = finite(getattr(trial, axis))
    return value / 1e9 if value and axis == "macs" else value


def best_steps(places: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of the best score that each cost buys, from the cheapest trial to the dearest."""
    if not places:
        return []
    mask = non_dominated([(x, -y) for x, y in places])
    best = sorted({place for place, keep in zip(places, mask, strict=True) if keep})
    corners = [best[0]]
    for (_, low), (x, high) in pairwise(best):
        corners += [(x, low), (x, high)]
    return [*corners, (max(x for x, _ in places), best[-1][1])]


def number_label(trial: Trial) -> str:
    """A trial's number; of a study of several sizes of image with its size, ``12@192``."""
    return f"{trial.number}{at_size(trial)}"


def budget_of(record: StudyRecord, axis: Axis) -> float | None:
    """The largest cost that the study allows, in G or ms, or None."""
    limits = record.config.limits
    return finite(limits.macs[1] / 1e9 if axis == "macs" else limits.latency_ms[1])


def cost_name(record: StudyRecord, axis: Axis) -> str:
    """What a cost is called in a sentence."""
    return "FLOPs" if axis == "macs" else latency_name(record)


def cost_label(record: StudyRecord, axis: Axis) -> str:
    """What an axis of costs is called, with how they were taken."""
    if axis == "macs":
        where = f" {costed_words(record)}" if record.resolved.get("space") else ""
        return f"FLOPs (G multiply-adds{where})"
    settings = next((trial.latency for trial in record.completed if trial.latency), {})
    known = [f"batch {settings['batch']}"] if "batch" in settings else []
    known += [f"{plural(settings['threads'], 'thread')}"] if "threads" in settings else []
    name = latency_name(record)
    return f"{name[0].upper()}{name[1:]} (ms{''.join(f', {text}' for text in known)})"


def caption_of(record: StudyRecord, chance: float | None = None) -> list[str]:
    """The lines under a figure: what the scores are, and where the numbers come from."""
    scale = f" Chance: \N{MINUS SIGN}{chance:.2f}." if chance is not None else ""
    resolved = "Order by score not resolved: the front lies inside the noise between seeds."
    if record.in_points:
        resolved = "Order by accuracy not resolved: the best and the worst estimate of the front tie."
    sizes = "Behind @: the size of image, px." if len(record.sizes) > 1 else ""
    lines = [score_note(record) + scale, sizes, resolved if order_unresolved(record) else "", machine_note(record)]
    return [line for line in lines if line]
