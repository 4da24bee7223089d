"""What an estimate of ImageNet-1k top-1 rests on, and how it is written."""

from dataclasses import dataclass
from functools import cache

from vitspace.accuracy import predict_top1
from vitspace.accuracy.judging import public_held
from vitspace.accuracy.prediction import summed
from vitspace.accuracy.table import published
from vitspace.anchors import all_anchors
from vitspace.anchors.references import other_recipe
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize
from vitspace.report.gaps import signed
from vitspace.report.names import trial_name
from vitspace.statistics import finite
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.units import format_score

LABEL = "estimated ImageNet-1k top-1 (%)"
TIE_RULE = "Two designs tie that are nearer than the standard deviation of their difference."
LEAD_RULE = "One leads, or trails, by more than the 90 % interval; short of that it is above or below."
#: Shifts by less, in points, are not worth a word.
_LEAST_SHIFT = 0.05


@dataclass(frozen=True)
class EstimateErrors:
    """How far estimates are off, by networks that were each estimated without their family.

    Attributes:
        networks: Published networks that they rest on.
        public: Public networks of the usual recipe among them, over which the error is stated.
        mae: Mean absolute error, points.
        coverage90: Share of published results inside the 90 % interval.
    """

    networks: int
    public: int
    mae: float
    coverage90: float


@cache
def known() -> EstimateErrors:
    """Work out how far the shipped predictor is off."""
    held = public_held()
    return EstimateErrors(len(published()), len(held.names), held.mae, held.coverage90)


def estimate_sentence(record: StudyRecord) -> str:
    """What an estimate is, what it is not, and when two of them tie."""
    facts = known()
    best = record.screening.get("designs")
    chosen = f" Searched designs are the best of {best:,}, and so likelier over- than underestimated." if best else ""
    return (
        "Scores are estimates of ImageNet-1k top-1 under the usual recipe (about 300 epochs, no teacher, no more "
        f"data), from the published results of {facts.networks} networks (mean error {facts.mae:.1f} points on "
        "families not seen); they are not results. What they cannot see: single modules, differences under about a "
        f"point, mixing without parameters.{chosen} {TIE_RULE} {LEAD_RULE}{_other_recipes(record)}{_unheld(record)}"
        f"{_other_predictors(record)}"
    )


def _unheld(record: StudyRecord) -> str:
    """Say so where no estimate of a study stands beside a result."""
    if record.anchors or not record.completed:
        return ""
    return " No published network is among these designs, so none of these estimates is held against a result."


def _other_predictors(record: StudyRecord) -> str:
    """Say so where designs were estimated by several predictors, before and after a study was gone on with."""
    runs = [record.told("accuracy"), *record.resolved.get("resumed", [])]
    if len({run["predictor"] for run in runs if run.get("predictor")}) < 2:
        return ""
    return " The predictor changed while the study was gone on with: designs before and after that do not compare."


def _other_recipes(record: StudyRecord) -> str:
    """Name the anchors whose published results are not of the usual recipe, and what that one is predicted to give."""
    found: dict[str, list[Trial]] = {}
    for trial in record.anchors:
        row = all_anchors().get(trial.anchor or "")
        if trial.spec and row and (how := other_recipe(row)):
            found.setdefault(how, []).append(trial)
    return "".join(_otherwise_trained(how, trials, record.img_size) for how, trials in found.items())


def _otherwise_trained(how: str, trials: list[Trial], img_size: ImageSize) -> str:
    *names, last = map(trial_name, trials)
    *before, least = (f"{each.mean:.1f}" for each in summed([trial.spec for trial in trials if trial.spec], img_size))
    who = f"{', '.join(names)} and {last} stand at results" if names else f"{last} stands at a result"
    under = f"{', '.join(before)} and {least} % are" if before else f"{least} % is"
    return f" {who} of another recipe ({how}); under the usual one {under} predicted."


def estimate_note() -> str:
    """`estimate_sentence` in the size of a caption."""
    facts = known()
    return (
        f"Estimates from the published results of {facts.networks} networks, not results; mean error {facts.mae:.1f} "
        "points on families not seen."
    )


def plus_minus(value: float, deviation: float | None) -> str:
    """Write ``82.3 ± 0.9``."""
    return f"{value:.1f}" if deviation is None else f"{value:.1f} \N{PLUS-MINUS SIGN} {deviation:.1f}"


def score_text(record: StudyRecord, trial: Trial) -> str:
    """A completed trial's score: ``top-1 82.3 ± 0.9 (estimate)``, ``top-1 82.4 (published)``, or ``score -2.1043``."""
    score = -trial.point[0]
    if not record.in_points:
        return f"score {format_score(score)}"
    if trial.published_top1 is not None:
        return f"top-1 {trial.published_top1:.1f} (published)"
    return f"top-1 {plus_minus(score, finite(trial.score_std))} (estimate)"


def interval(trial: Trial) -> tuple[float, float] | None:
    """The 90 % interval of a design's estimate, %; None of an anchor, which stands at its published accuracy."""
    low, high = (finite(trial.estimate.get(name)) for name in ("low90", "high90"))
    return None if low is None or high is None or trial.published_top1 is not None else (low, high)


def estimate_words(record: StudyRecord, trial: Trial) -> str:
    """Say what ImageNet top-1 is estimated of a completed trial, or published, and on what that rests."""
    if not record.in_points:
        return _beside_a_proxy(record, trial)
    if trial.published_top1 is not None:
        prior = plus_minus(trial.estimate["prior"], finite(trial.estimate.get("prior_sd")))
        known_as = f"Published ImageNet-1k top-1 {trial.published_top1:.1f} %"
        return f"{known_as}; without this result it is predicted at {prior}."
    low, high = interval(trial) or (None, None)
    text = f"Estimated ImageNet-1k top-1 {-trial.point[0]:.1f} %"
    text += "" if low is None or high is None else f" (90 % interval {low:.1f} to {high:.1f})"
    text += ", an estimate, not a result"
    if near := trial.estimate.get("nearest"):
        text += f"; nearest public networks: {', '.join(near)}"
    if abs(shift := finite(trial.estimate.get("shift")) or 0.0) >= _LEAST_SHIFT:
        text += f". What the proxy measured moved it by {signed(shift)} points"
    if outside := trial.estimate.get("outside"):
        text += f". Outside of what is known: {'; '.join(outside)}"
    return f"{text}."


def _beside_a_proxy(record: StudyRecord, trial: Trial) -> str:
    assert trial.spec is not None
    try:
        found = str(predict_top1(trial.spec, record.img_size))
    except InputError as error:
        return f"No estimate of ImageNet-1k top-1: {error}."
    return f"{found[0].upper()}{found[1:]}. It rests on published results, not on this study's scores."
