"""Tables of a study, as data frames. Missing values are None or NaN here, and blank where they are written."""

import math
from typing import Any

import pandas as pd

from vitspace.anchors import Anchor, all_anchors
from vitspace.plots.names import readable_name
from vitspace.report.names import trial_name
from vitspace.report.noise import finite, noise, noise_limit, pooled_noise
from vitspace.report.settings import differing, shape
from vitspace.report.words import dominated_by, headline, proxy_sentence, trains
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial

__all__ = [
    "anchors_table",
    "calibration",
    "front_table",
    "headline",
    "outside_budget",
    "proxy_sentence",
    "references",
    "rejected",
    "settings_table",
    "trials_table",
]

_COSTS = ["gflops", "params_m", "latency_ms", "p10_ms", "p90_ms", "latency_doubt", "score", "score_std", "accuracy"]
_GAPS = ["nearest_anchor", "flops_gap", "latency_gap", "score_gap", "against_anchor"]
_FRONT = ["number", "name", "anchor", "spec_id", "dim", "depth", "settings", *_COSTS, *_GAPS]
_TRIALS = ["number", "name", "anchor", "spec_id", "family", "state", "why", "front", *_COSTS, "seconds", "seed"]
_ANCHORS = ["name", "published_gflops", "published_params_m", "published_top1", "published_cpu_ms"]


def front_table(record: StudyRecord) -> pd.DataFrame:
    """The front by FLOPs; each design beside the anchor nearest in FLOPs and latency (gaps as ratio - 1)."""
    specs = {t.number: t.spec for t in [*record.front, *record.anchors] if t.spec}
    names = differing(specs.values())
    limit = noise_limit(record)
    rows = [_shared(t) | shape(specs[t.number], names) | _gap(t, record.anchors, limit) for t in record.front]
    return pd.DataFrame(rows, columns=_FRONT)


def trials_table(record: StudyRecord) -> pd.DataFrame:
    """Every trial by number, rejected ones with the reason."""
    front = {trial.number for trial in record.front}
    rows = [
        _shared(t)
        | {"family": t.spec.family if t.spec else None, "state": t.state, "why": t.why or None}
        | {"front": t.number in front, "seconds": finite(t.seconds), "seed": t.seed}
        for t in record.trials
    ]
    return pd.DataFrame(rows, columns=_TRIALS)


def anchors_table(record: StudyRecord) -> pd.DataFrame:
    """The family's published designs: what was printed, what was measured here, and how they stand to the front."""
    specs = {t.number: t.spec for t in [*record.front, *record.anchors] if t.spec}
    names = differing(specs.values())
    rows = [
        _shared(t) | shape(specs[t.number], names) | _published(t.anchor) | {"standing": dominated_by(record, t.number)}
        for t in record.anchors
    ]
    rows += [
        {"name": readable_name(a.id)} | _published(a.id) | {"standing": _absence(record, a)} for a in references(record)
    ]
    return pd.DataFrame(rows, columns=[*_ANCHORS, "settings", *_COSTS, "standing"])


def settings_table(record: StudyRecord) -> pd.DataFrame:
    """Widths, depths and what differs, of the front and then of the published designs that are not on it."""
    trials = {t.number: t for t in [*record.front, *record.anchors] if t.spec}
    names = differing(t.spec for t in trials.values() if t.spec)
    rows = [{"number": t.number, "name": trial_name(t)} | shape(t.spec, names) for t in trials.values() if t.spec]
    return pd.DataFrame(rows, columns=["number", "name", "dim", "depth", "settings"])


def references(record: StudyRecord) -> list[Anchor]:
    """Anchors of the study's family, published at its resolution, that are no completed trial; by FLOPs."""
    space = record.resolved.get("space") or {}
    own = {space["family"]} if isinstance(space.get("family"), str) else set()
    families = own | {trial.spec.family for trial in record.completed if trial.spec}
    size, done = space.get("resolution"), {trial.anchor for trial in record.anchors}
    rows = [a for a in all_anchors().values() if a.role == "anchor" and a.family in families and a.id not in done]
    rows = [a for a in rows if "gflops" in a.published and size in (None, a.resolution)]
    return sorted(rows, key=lambda a: a.published["gflops"])


def outside_budget(record: StudyRecord, row: Anchor) -> bool:
    """Whether the FLOPs or params that a paper prints break the study's budget."""
    macs, params = (
        row.published[name] * unit if name in row.published else None
        for name, unit in (("gflops", 1e9), ("params_m", 1e6))
    )
    return bool(record.config.limits.violation(macs=macs, params=params))


def calibration(record: StudyRecord) -> pd.DataFrame:
    """What a score is to be held against: quantity, value, note. Only what was measured."""
    reference = record.reference
    name = readable_name(str(reference.get("name") or reference.get("spec_id") or "the reference"))
    scores = [score for value in reference.get("scores") or [] if (score := finite(value)) is not None]
    sign, what = (-1, "loss") if trains(record) else (1, "score")
    mean = sign * sum(scores) / len(scores) if scores else None
    unit = "in nats, " if trains(record) else ""
    pooled, designs = pooled_noise(record)
    of = f"{designs} published designs, each with several seeds" if pooled else f"{name} over {len(scores)} seeds"
    rough = "" if pooled else ", a rough figure: three further pairs of seeds in ten differ by more"
    listed = ", ".join(f"{sign * score:.3f}" for score in scores)
    rows = [
        ("loss of chance", finite(reference.get("chance_loss")), f"{unit}guessing by how often each class occurs"),
        (f"{what} of {name}", mean, f"{unit}mean of {len(scores)} seeds: {listed}"),
        ("noise between seeds", noise(record), f"standard deviation of the {what} of {of}"),
        ("smallest difference that counts", noise_limit(record) or None, f"2.77 x noise{rough}"),
    ]
    return pd.DataFrame([row for row in rows if row[1] is not None], columns=["quantity", "value", "note"])


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
        "gflops": trial.macs / 1e9 if trial.macs is not None else None,
        "params_m": trial.params / 1e6 if trial.params is not None else None,
        "latency_ms": finite(trial.latency_ms),
        "p10_ms": finite(trial.latency.get("p10_ms")),
        "p90_ms": finite(trial.latency.get("p90_ms")),
        "latency_doubt": trial.latency_doubt or None,
        "score": finite(trial.score),
        "score_std": finite(trial.score_std),
        "accuracy": finite(trial.details.get("accuracy")),
    }


def _published(name: str | None) -> dict[str, Any]:
    row = all_anchors().get(name or "")
    return {f"published_{key}": value for key, value in row.published.items()} if row else {}


def _absence(record: StudyRecord, row: Anchor) -> str:
    """Why a published design is no completed trial."""
    for trial in record.trials:
        if trial.anchor == row.id:
            return f"{trial.state}: {trial.why}" if trial.why else trial.state
    return "outside the budget" if outside_budget(record, row) else "not run"


def _gap(trial: Trial, anchors: list[Trial], limit: float | None) -> dict[str, Any]:
    if not anchors:
        return {}
    near = min(anchors, key=lambda other: math.dist(_costs(trial), _costs(other)))
    if near.number == trial.number:
        return {"nearest_anchor": near.anchor, "against_anchor": "is the anchor"}
    (loss, macs, ms), (other_loss, other_macs, other_ms) = trial.point, near.point
    flops_gap, latency_gap, score_gap = macs / other_macs - 1, ms / other_ms - 1, other_loss - loss
    unsure = " (latency unsure)" if trial.latency_doubt or near.latency_doubt else ""
    words = [
        _words(flops_gap, "FLOPs", "cheaper", "costlier"),
        _words(latency_gap, "latency", "faster", "slower") + unsure,
        _score_words(score_gap, limit),
    ]
    return {
        "nearest_anchor": near.anchor,
        "flops_gap": flops_gap,
        "latency_gap": latency_gap,
        "score_gap": score_gap,
        "against_anchor": f"{trial_name(near)}: {', '.join(words)}",
    }


def _costs(trial: Trial) -> tuple[float, float]:
    _, macs, ms = trial.point
    return math.log(macs), math.log(ms)


def _words(gap: float, cost: str, less: str, more: str) -> str:
    if abs(gap) < 0.005:
        return f"same {cost}"
    return f"{100 * abs(gap):.0f} % {less if gap < 0 else more}"


def _score_words(gap: float, limit: float | None) -> str:
    if limit and abs(gap) <= limit:
        return f"score {gap:+.3f} (within noise)"
    if not gap:
        return "same score"
    return f"score {'better' if gap > 0 else 'worse'} by {abs(gap):.3f}"
