"""First designs: what a new study evaluates before anything is proposed; the anchors lead."""

from vitspace.costs import cost
from vitspace.space import Space
from vitspace.spec import Spec
from vitspace.study.config import STARTUP, StudyConfig
from vitspace.study.store import StudyStore


def first_designs(space: Space, config: StudyConfig) -> list[tuple[str | None, Spec]]:
    """Return (anchor, spec) of a new study's first designs: the anchors inside the budget, then random draws.

    The draws of least FLOPs come first, so that something is scored soon.

    Raises:
        InputError: too few designs fit the budget.
    """
    anchors = anchors_inside(space, config)
    # NNI's tuners have a startup of their own.
    count = min(config.trials - len(anchors), STARTUP) if config.engine != "nni" else 0
    drawn = space.draw(count, config.limits.counted, config.seed, exclude=set(anchors.values()))
    drawn.sort(key=lambda spec: cost(spec, space.resolution).macs)
    return [*anchors.items(), *((None, spec) for spec in drawn)]


def enqueue(store: StudyStore, space: Space, designs: list[tuple[str | None, Spec]]) -> None:
    """Queue a study's first designs, those that are not yet among its trials; the study is ready then."""
    known = [trial.system_attrs.get("fixed_params") for trial in store.frozen()]
    for anchor, spec in designs:
        if (params := space.encode(spec)) not in known:
            store.study.enqueue_trial(params, user_attrs={"anchor": anchor} if anchor else None)
    store.set(ready=True)


def is_ready(store: StudyStore) -> bool:
    """Whether a study's first designs are queued, so that others may join."""
    return bool(store.study.user_attrs.get("ready") or store.trials())


def anchors_inside(space: Space, config: StudyConfig) -> dict[str, Spec]:
    """Return the published designs of the space whose FLOPs and params are within the budget."""
    rows = space.anchors(config.ablations)
    return {row.id: row.spec for row in rows if row.spec and not space.over_budget(row.spec, config.limits)}
