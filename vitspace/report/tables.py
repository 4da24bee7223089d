"""Tables of a study, as data frames. Missing values are None or NaN here, and blank where they are written."""

from typing import Any

import pandas as pd

from vitspace.anchors import Anchor, all_anchors
from vitspace.anchors.references import other_recipe
from vitspace.image_sizes import format_image_size
from vitspace.plots.names import readable_name
from vitspace.report.absent import counted_outside, outside_budget, references
from vitspace.report.dominance import dominated_by
from vitspace.report.names import trial_name
from vitspace.report.noise import noise, noise_limit, pooled_noise
from vitspace.report.points import interval, known
from vitspace.report.proxy import rests_on, trains
from vitspace.report.settings import differing, shape
from vitspace.report.standing import standing
from vitspace.report.tasks import printed_results
from vitspace.statistics import finite
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.words import plural

_COSTS = [
    "img_size",
    "gflops",
    "params_m",
    "latency_ms",
    *("p10_ms", "p90_ms", "latency_low_ms", "latency_high_ms", "latency_doubt", "latency_shortfall"),
]
_SCORES = ["score", "score_std", "low90", "high90", "published_top1", "prior", "prior_sd", "outside"]
_PROXY = ["proxy_score", "accuracy"]
_LEARNT = ["learns_far_less_than"]
_GAPS = ["nearest_anchor", "flops_gap", "latency_gap", "score_gap", "gap_low", "gap_high", "stands", "against_anchor"]
_FRONT = [
    "number",
    "name",
    "anchor",
    "spec_id",
    "dim",
    "depth",
    "settings",
    *_COSTS,
    *_SCORES,
    *_PROXY,
    *_LEARNT,
    *_GAPS,
]
_SECONDS = [
    *("seconds", "timed_seconds", "export_seconds"),
    *("proxy_seconds", "training_seconds", "validation_seconds", "waited_seconds"),
]
_TRIALS = [
    *("number", "name", "anchor", "spec_id", "family", "state", "why", "front"),
    *(*_COSTS, *_SCORES, *_PROXY, *_LEARNT, *_SECONDS, "seed"),
]
_ANCHORS = ["name", "published_gflops", "published_params_m", "published_top1", "published_cpu_ms", "recipe"]
#: Of a study for a dense task.
_DENSE_ANCHORS = ["name", "published_task", "published_top1", "recipe"]


def front_table(record: StudyRecord) -> pd.DataFrame:
    """The front by FLOPs; each design beside the anchor nearest in FLOPs and latency (gaps as ratio - 1)."""
    shapes = _shapes(record)
    rows = [_shared(t) | shapes[t.number] | _learnt(record, t) | _beside(record, t) for t in record.front]
    return pd.DataFrame(rows, columns=_FRONT)


def trials_table(record: StudyRecord) -> pd.DataFrame:
    """Every trial by number, rejected ones with the reason."""
    front = {trial.number for trial in record.front}
    rows = [
        _shared(t)
        | _learnt(record, t)
        | {"family": t.spec.family if t.spec else None, "state": t.state, "why": t.why or None}
        | {"front": t.number in front, "seconds": finite(t.seconds), "seed": t.seed}
        | {name: finite(t.details.get(name)) for name in _SECONDS[1:]}
        for t in record.trials
    ]
    return pd.DataFrame(rows, columns=_TRIALS)


def anchors_table(record: StudyRecord) -> pd.DataFrame:
    """The family's published designs: what was printed, what was measured here, and how they stand to the front."""
    shapes = _shapes(record)
    rows = [
        _shared(t)
        | {"prior_error": _prior_error(t)}
        | shapes[t.number]
        | _published(record, t.anchor)
        | {"standing": dominated_by(record, t.number)}
        for t in record.anchors
    ]
    rows += [
        {"name": readable_name(a.id)} | _published(record, a.id) | {"standing": _absence(record, a)}
        for a in references(record)
    ]
    printed = _DENSE_ANCHORS if record.task else _ANCHORS
    columns = [*printed, *(name for name in _SCORES if name not in printed)]
    return pd.DataFrame(rows, columns=[*columns, "prior_error", "settings", *_COSTS, *_PROXY, "standing"])


def settings_table(record: StudyRecord) -> pd.DataFrame:
    """Widths, depths and what differs, of the front and then of the published designs that are not on it."""
    shapes = _shapes(record)
    trials = {t.number: t for t in (*record.front, *record.anchors)}
    rows = [{"number": t.number, "name": trial_name(t)} | shapes[t.number] for t in trials.values()]
    return pd.DataFrame(rows, columns=["number", "name", "dim", "depth", "settings"])


def _shapes(record: StudyRecord) -> dict[int, dict[str, Any]]:
    """Widths, depths and what differs, of the front and the published designs, by their trials' numbers."""
    specs = {t.number: t.spec for t in (*record.front, *record.anchors) if t.spec}
    names = differing(specs.values())
    return {number: shape(spec, names) for number, spec in specs.items()}


def for_reading(record: StudyRecord, frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose numbers are named as what they are.

    Scores in points are estimates, beside what the proxy measured, and milliseconds of another device are predicted.
    """
    if record.config.limits.device:
        frame = frame.rename(columns={"latency_ms": "predicted_ms"})
    if not record.in_points:
        return frame.drop(columns="proxy_score", errors="ignore")
    return frame.rename(columns={"score": "estimate", "score_gap": "top1_gap"})


def front_shown(record: StudyRecord) -> pd.DataFrame:
    """The front for reading; what is printed of anchors stands in their own table."""
    frame = for_reading(record, front_table(record))
    return frame.drop(columns=["published_top1", "prior", "prior_sd", "outside"])


def anchors_shown(record: StudyRecord) -> pd.DataFrame:
    """The published designs for reading; in points they stand at their published accuracy."""
    frame = for_reading(record, anchors_table(record))
    return frame.drop(columns=["estimate", "outside"]) if record.in_points else frame


def calibration(record: StudyRecord) -> pd.DataFrame:
    """What a score is to be held against: quantity, value, note. Only what was measured."""
    rows = [*(_of_estimates(record) if record.in_points else []), *_of_proxy(record)]
    return pd.DataFrame([row for row in rows if row[1] is not None], columns=["quantity", "value", "note"])


Fact = tuple[str, float | None, str]


def _of_estimates(record: StudyRecord) -> list[Fact]:
    facts = known()
    of = f"{facts.public} public networks of the usual recipe, each without its family"
    misses = [abs(miss) for trial in record.anchors if (miss := _prior_error(trial)) is not None]
    weight = finite(record.told("accuracy").get("weight"))
    return [
        ("mean error of estimates", facts.mae, f"points, over {of}"),
        ("results inside the 90 % interval", facts.coverage90, f"share of {of}"),
        (
            "mean error on this study's anchors",
            sum(misses) / len(misses) if misses else None,
            f"points, over {len(misses)}, each without its own result; its siblings are known",
        ),
        ("weight of the proxy", weight, "as evidence of accuracy: 0 is none, 1 would leave no doubt"),
    ]


def _of_proxy(record: StudyRecord) -> list[Fact]:
    reference = record.reference
    name = readable_name(str(reference.get("name") or reference.get("spec_id") or "the reference"))
    scores = [score for value in _reference_scores(record) if (score := finite(value)) is not None]
    sign, what = (-1, "loss") if trains(record) else (1, "score")
    mean = sign * sum(scores) / len(scores) if scores else None
    unit = "in nats, " if trains(record) else ""
    listed = ", ".join(f"{sign * score:.3f}" for score in scores)
    seeds = f"mean of {len(scores)} seeds: {listed}" if len(scores) > 1 else "one seed"
    seeds = "the same with every seed" if rests_on(record) else seeds
    return [
        ("loss of chance", finite(reference.get("chance_loss")), f"{unit}guessing by how often each class occurs"),
        (f"{what} of {name}", mean, f"{unit}{seeds}"),
        *([] if record.in_points or rests_on(record) else _noise_facts(record, what, name, len(scores))),
    ]


def _reference_scores(record: StudyRecord) -> list[Any]:
    """What the proxy measured of the reference design, a number a seed."""
    if not record.in_points:
        return record.reference.get("scores") or []
    spec_id = record.reference.get("spec_id")
    return [trial.proxy_score for trial in record.completed if trial.spec and trial.spec.id == spec_id][:1]


def _noise_facts(record: StudyRecord, what: str, name: str, seeds: int) -> list[Fact]:
    pooled, designs = pooled_noise(record)
    of = (
        f"{plural(designs, 'published design')}, each with several seeds"
        if pooled
        else f"{name} over {plural(seeds, 'seed')}"
    )
    rough = "" if pooled else ", a rough figure: three further pairs of seeds in ten differ by more"
    return [
        ("noise between seeds", noise(record), f"standard deviation of the {what} of {of}"),
        ("smallest difference that counts", noise_limit(record) or None, f"2.77 x noise{rough}"),
    ]


def rejected(record: StudyRecord) -> pd.DataFrame:
    """States other than complete: how many trials, their share of all, and the first one's reason."""
    states: dict[str, list[Trial]] = {}
    for trial in record.trials:
        if not trial.complete:
            states.setdefault(trial.state, []).append(trial)
    ordered = sorted(states.items(), key=lambda item: -len(item[1]))
    rows = [(state, len(group), len(group) / len(record.trials), group[0].why) for state, group in ordered]
    return pd.DataFrame(rows, columns=["state", "trials", "share", "example"])


def _shared(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "name": trial_name(trial),
        "anchor": trial.anchor,
        "spec_id": trial.spec.id if trial.spec else None,
        "img_size": format_image_size(trial.img_size) if trial.img_size else None,
        "gflops": trial.macs / 1e9 if trial.macs is not None else None,
        "params_m": trial.params / 1e6 if trial.params is not None else None,
        "latency_ms": finite(trial.latency_ms),
        "p10_ms": finite(trial.latency.get("p10_ms")),
        "p90_ms": finite(trial.latency.get("p90_ms")),
        "latency_doubt": trial.latency_doubt or None,
        "latency_shortfall": trial.latency_shortfall or None,
        "latency_low_ms": finite(trial.latency.get("low_ms")),
        "latency_high_ms": finite(trial.latency.get("high_ms")),
        "score": finite(trial.score),
        "score_std": finite(trial.score_std),
        **dict(zip(("low90", "high90"), interval(trial) or (), strict=False)),
        "published_top1": trial.published_top1,
        "prior": finite(trial.estimate.get("prior")),
        "prior_sd": finite(trial.estimate.get("prior_sd")),
        "outside": "; ".join(trial.estimate.get("outside") or []) or None,
        "proxy_score": finite(trial.proxy_score),
        "accuracy": finite(trial.details.get("accuracy")),
    }


def _learnt(record: StudyRecord, trial: Trial) -> dict[str, Any]:
    """The published network nearest in FLOPs that a design learns far less than, where it does."""
    like = record.far_behind.get(trial.number)
    return {"learns_far_less_than": trial_name(like) if like else None}


def _prior_error(trial: Trial) -> float | None:
    """What is predicted of an anchor without its own result, less that result, points."""
    prior = finite(trial.estimate.get("prior"))
    return None if prior is None or trial.published_top1 is None else prior - trial.published_top1


def _beside(record: StudyRecord, trial: Trial) -> dict[str, Any]:
    """Columns of a design beside its nearest anchor."""
    found = standing(record, trial)
    if found is None:
        return {}
    if found.anchor.number == trial.number:
        return {"nearest_anchor": trial.anchor, "against_anchor": "is the anchor"}
    return found.row()


def _published(record: StudyRecord, name: str | None) -> dict[str, Any]:
    """What papers print of an anchor; in a study for a dense task its results in it, and no costs of classification."""
    row = all_anchors().get(name or "")
    if row is None:
        return {}
    recipe = {"recipe": other_recipe(row) or None}
    if record.task:
        return recipe | {"published_top1": row.published.get("top1"), "published_task": printed_results(record, row.id)}
    return recipe | {f"published_{key}": value for key, value in row.published.items()}


def _absence(record: StudyRecord, row: Anchor) -> str:
    """Why a published design is no completed trial."""
    for trial in record.trials:
        if trial.anchor == row.id:
            return f"{trial.state}: {trial.why}" if trial.why else trial.state
    if outside_budget(record, row):
        return "outside the budget"
    broken = counted_outside(record, row)
    return f"outside the budget as counted here: {broken}" if broken else "not run"
