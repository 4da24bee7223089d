"""Chooses what a new study evaluates before a sampler proposes anything; the anchors lead."""

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from vitspace.accuracy.mixing import mixes
from vitspace.anchors import Anchor, all_anchors
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize
from vitspace.latency.counted import CountedLatency, unknown
from vitspace.searching.engines import engine_of
from vitspace.searching.estimated import Estimator
from vitspace.searching.evaluate import Evaluator
from vitspace.searching.finalists import Known, choose_finalists, fast_enough
from vitspace.searching.latency import budget_device, timing_of
from vitspace.searching.queue import OUTSIDE, design_of
from vitspace.searching.screening import screen_space
from vitspace.sized import size_of
from vitspace.space import Space
from vitspace.spec import Spec
from vitspace.study.config import STARTUP, StudyConfig
from vitspace.study.store import StudyStore

_ROLES = ("anchor", "ablation")
#: What a further screening of a study adds to what is stored of the first one.
_ADDED = ("chosen", "wanted", "filled")
#: Is told how many designs were screened, of how many.
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class FirstDesigns:
    """What a new study evaluates first.

    Attributes:
        designs: (anchor, spec) of each, anchors first.
        screening: How it was chosen; see `StudyRecord.screening`.
    """

    designs: list[tuple[str | None, Spec]]
    screening: dict[str, Any] = field(default_factory=dict)

    @property
    def others(self) -> int:
        """How many are no anchors."""
        return sum(anchor is None for anchor, _ in self.designs)


def alternates(config: StudyConfig, evaluator: Evaluator) -> bool:
    """Whether further designs are to be proposed by what the first ones gave.

    Not where our sampler searches by estimates that the proxy does not move: it would propose the next finalists.
    """
    return config.sampler != "pareto" or evaluator.evidence is None or evaluator.evidence.weight > 0


def first_designs(
    space: Space, config: StudyConfig, alternates: bool = True, tell: Tell = lambda done, of: None
) -> FirstDesigns:
    """Return a new study's first designs: the anchors, and finalists of a screening, or random draws.

    Draws and finalists come by FLOPs, the least first, so that something is scored soon. Where scores are a proxy's
    own numbers, nothing can be screened, and designs are drawn uniformly.

    Args:
        space: Of the study.
        config: What is asked.
        alternates: Whether a sampler is to propose further designs by what the first ones gave.
        tell: Is told how far a screening is.

    Raises:
        InputError: too few designs fit the budget.
    """
    anchors = chosen_anchors(space, config)
    count = config.trials - len(anchors)
    listed: list[tuple[str | None, Spec]] = [*anchors.items()]
    if config.accuracy == "estimate":
        wanted = min(count, STARTUP) if alternates else count
        found, screening = finalists_of(space, config, wanted, anchors.values(), tell)
        return FirstDesigns([*listed, *((None, spec) for spec in found)], screening)
    # An engine that proposes by itself has draws of its own at the start.
    drawn = space.draw(
        min(count, STARTUP) if not engine_of(config.engine).proposes else 0,
        config.limits.counted,
        config.seed,
        exclude=set(anchors.values()),
    )
    drawn.sort(key=lambda spec: space.cost(spec).macs)
    return FirstDesigns([*listed, *((None, spec) for spec in drawn)])


def latency_of(config: StudyConfig, img_size: ImageSize) -> CountedLatency | None:
    """Return what predicts milliseconds of many designs; None where no designs timed by such settings are known."""
    if device := budget_device(config.limits, img_size):
        return device.latency
    settings = timing_of(config, img_size)
    return None if unknown(settings) else CountedLatency.here(settings)


def enqueue(store: StudyStore, space: Space, first: FirstDesigns) -> None:
    """Queue a study's first designs, those that are not yet among its trials; the study is ready then."""
    known = [(trial.system_attrs.get("fixed_params"), trial.user_attrs.get("anchor")) for trial in store.frozen()]
    for anchor, spec in first.designs:
        inside = spec in space
        params = space.encode(spec) if inside else {}
        facts = ({"anchor": anchor} if anchor else {}) | ({} if inside else {OUTSIDE: True})
        if (params, anchor) not in known:
            store.study.enqueue_trial(params, user_attrs=facts)
    store.set(screening=first.screening, ready=True)


def is_ready(store: StudyStore) -> bool:
    """Whether a study's first designs are queued, so that others may join."""
    return bool(store.study.user_attrs.get("ready") or store.trials())


def chosen_anchors(space: Space, config: StudyConfig) -> dict[str, Spec]:
    """Return the published designs that are trials, as `StudyConfig.anchors` says; all are within FLOPs and params.

    ``all`` takes anchors inside the space. ``nearest`` and ids may lie outside it, in one of its families: mixtures of
    families are compared with them.

    Raises:
        InputError: an id that was asked for is no such design.
    """
    if config.anchors == "all":
        return _within(space.anchors(config.ablations), space, config)
    if config.anchors == "none":
        return {}
    rows = [row for row in all_anchors().values() if row.family in space.families and row.role in _ROLES]
    fitting = _within(rows, space, config)
    if config.anchors == "nearest":
        return _nearest([row for row in rows if row.role == "anchor" and row.id in fitting], fitting, space)
    names = [name.strip() for name in config.anchors.split(",")]
    if unknown := [name for name in names if name not in fitting]:
        fit = ", ".join(row.id for row in rows if row.role == "anchor" and row.id in fitting)
        raise InputError(
            f"anchors are all, nearest, none, or ids of published designs of the space's families within the budget "
            f"({fit or 'there is none'}), but got {', '.join(unknown)}"
        )
    return {name: fitting[name] for name in names}


def _within(rows: Iterable[Anchor], space: Space, config: StudyConfig) -> dict[str, Spec]:
    specs = space.published(rows)
    return {name: spec for name, spec in specs.items() if not space.over_budget(spec, config.limits)}


def _nearest(rows: Iterable[Anchor], fitting: dict[str, Spec], space: Space) -> dict[str, Spec]:
    """Return the design of most FLOPs of each family: the one nearest to the budget."""
    largest: dict[str, str] = {}
    macs = {name: space.cost(spec).macs for name, spec in fitting.items()}
    for row in sorted(rows, key=lambda row: macs[row.id]):
        largest[row.family] = row.id
    return {name: fitting[name] for name in largest.values()}


def further_finalists(store: StudyStore, space: Space, config: StudyConfig, tell: Tell) -> FirstDesigns:
    """Return the finalists that a resumed study in points has room for beside what it evaluated and what waits."""
    trials = store.frozen()
    known = [spec for trial in store.trials() if (spec := trial.spec)]
    known += [spec for trial in trials if not trial.state.is_finished() and (spec := design_of(trial, space))]
    waiting = sum(not trial.state.is_finished() for trial in trials)
    record = store.record()
    count = config.trials - len(record.counted) - waiting
    if count <= 0:
        return FirstDesigns([], record.screening)
    found, screening = finalists_of(space, config, count, known, tell)
    # What was screened first is what the report tells of; studies of before kept no list of what that chose.
    kept = {name: record.screening[name] + screening[name] for name in _ADDED if name in record.screening}
    return FirstDesigns([(None, spec) for spec in found], (record.screening or screening) | kept)


def finalists_of(
    space: Space, config: StudyConfig, count: int, known: Collection[Spec], tell: Tell
) -> tuple[list[Spec], dict[str, Any]]:
    """Return the designs that a screening leaves, and what is said of it.

    Args:
        space: Of the designs.
        config: Gives limits, seed and how latency is timed.
        count: How many designs.
        known: Designs that are trials already.
        tell: Is told how far it is.

    Raises:
        InputError: no design fits, or positions of the map meet in none of the best.
    """
    population, size = space.population, space.resolution
    latency_at = cache(partial(latency_of, config))
    estimator = Estimator(population, latency_at)
    inside = [spec for spec in known if spec in space]
    found = screen_space(space, config.limits.counted, estimator, config.seed, inside, tell)
    predicted = [latency for each in config.sizes or (size,) if (latency := latency_at(each))]
    best = fast_enough(found.best, config.limits, max(each.error for each in predicted)) if predicted else found.best

    def ms(spec: Spec) -> float:
        latency = latency_at(size_of(spec, size))
        return latency.look_at(spec).ms if latency else math.nan

    trials = Known.of(known, space, ms)
    shared = space.shared_macs
    finalists = choose_finalists(best, count, lambda row: space.decode(population.params(row)), trials, size, shared)
    if len(best) and count and not any(mixes(spec, size) for spec in (*finalists.specs, *inside)):
        raise InputError(
            "a search by estimates needs designs in which positions of the map meet, but in none of the best they do; "
            "--accuracy proxy searches by the proxy's own number"
        )
    screening = {"designs": found.designs, "seconds": found.seconds, "cloud": found.cloud.tolist()}
    facts = {"chosen": [spec.id for spec in finalists.specs], "wanted": count, "filled": finalists.filled}
    return finalists.specs, screening | facts
