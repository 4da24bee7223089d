"""What a study is refused for before anything is stored: its engine, environment, trials, budget and sources."""

import json
import math
import textwrap
from typing import Any

from vitspace.errors import InputError, shown
from vitspace.latency import LatencySettings, measure
from vitspace.machine.resources import usable_cores
from vitspace.proxies import kind_of
from vitspace.searching.engines import check_engine
from vitspace.searching.evaluate import Evaluator
from vitspace.searching.first import chosen_anchors
from vitspace.searching.lease import LeaseTiming
from vitspace.space import Space
from vitspace.study.config import DRAWN, GPU_ENGINES, StudyConfig
from vitspace.study.storage import patience
from vitspace.study.store import StudyStore

#: Processes for one core at most; each takes a gigabyte, and those that share a core only wait for each other.
WORKERS_A_CORE = 4
#: Of a proxy's description, what may differ from host to host and from version to version.
_MAY_DIFFER = {"device", "report_card", "rungs", "rescaled", "chance_loss", "chance_accuracy", "weights", "intercept"}


def check_environment() -> None:
    """Check ``VITSPACE_LEASE``, ``VITSPACE_HEARTBEAT`` and ``VITSPACE_PATIENCE``, which are read in mid-study.

    Raises:
        InputError: one of them breaks a rule.
    """
    LeaseTiming.from_environment()
    patience()


def check_runs(settings: dict[str, Any], config: StudyConfig, workers: int | None, threads: int | None = None) -> None:
    """Check that a study's engine can be used here, as it is asked to.

    Args:
        settings: What was given; what a study was begun with on another engine may be stored with it.
        config: What the study is asked.
        workers: Evaluations at once, where that was given.
        threads: Threads of one evaluation, where that was given.

    Raises:
        InputError: it cannot.
    """
    if settings.get("gpus") is not None and config.engine not in GPU_ENGINES:
        raise InputError(
            f"gpus are asked for by engines {' and '.join(GPU_ENGINES)}, but got engine {config.engine!r}; a process "
            "of this machine uses the GPU that --device names"
        )
    if config.engine != "optuna" and kind_of(config.proxy).has_rungs:
        name = kind_of(config.proxy).name
        raise InputError(f"{name} runs on engine optuna, with any number of workers, but got {shown(config.engine)}")
    if workers == 0 and config.engine != "optuna":
        raise InputError(
            f"workers are at least 1 with engine {config.engine!r}; 0, which evaluates in the search's own process, is "
            "for engine 'optuna'"
        )
    if threads is not None and config.engine != "optuna":
        raise InputError(f"threads are set for engine 'optuna', but got engine {config.engine!r}, whose tasks take one")
    if workers and config.engine in ("optuna", "nni"):  # the others' are jobs and tasks of a cluster
        check_workers(workers)
    check_engine(config)


def check_workers(count: int) -> None:
    """Check that so many processes can evaluate on this machine.

    Raises:
        InputError: there are too many.
    """
    if count > (most := WORKERS_A_CORE * usable_cores()):
        raise InputError(f"workers are at most {most}, {WORKERS_A_CORE} for each core of this machine, but got {count}")


def counted_trials(space: Space, config: StudyConfig) -> StudyConfig:
    """Return the configuration with its number of trials: as given, or the anchors and `DRAWN` more.

    Raises:
        InputError: there are too few for the anchors and one more.
    """
    anchors = chosen_anchors(space, config)
    if not config.trials:
        return config.model_copy(update={"trials": len(anchors) + DRAWN})
    if config.trials < len(anchors) + 1:
        raise InputError(
            f"trials hold every anchor inside the budget and one design more, so at least {len(anchors) + 1} "
            f"({', '.join(anchors)}), but got {config.trials}; --anchors chooses among them"
        )
    return config


def check_budget(space: Space, config: StudyConfig) -> None:
    """Check that a space has designs within a budget; the latency of the least one is measured.

    Raises:
        InputError: it has none.
    """
    space.check_budget(config.limits)
    limit = config.limits.latency_ms[1]
    if limit < math.inf:
        settings = LatencySettings(config.latency_backend, img_size=space.resolution)
        least = measure(space.smallest, settings)
        if least.low_ms > limit:
            raise InputError(
                f"a latency budget lets a design pass, but the design of least FLOPs in {space.name} takes "
                f"{least.median_ms:.3g}ms here, and the budget is {config.limits}"
            )


def describe_space(space: Space) -> dict[str, Any]:
    """Return what a study is to remember of its space."""
    facts = {"name": space.name, **space.config.model_dump(mode="json", exclude_unset=True)}
    return facts | {"resolution": space.resolution}


def check_same(store: StudyStore, evaluator: Evaluator) -> None:
    """Refuse to put trials of two spaces or two proxies, as of a file that was edited, into one study.

    Raises:
        InputError: one of them is no longer what the study was made of.
    """
    resolved = store.study.user_attrs.get("resolved", {})
    for what, now in (("space", describe_space(evaluator.space)), ("proxy", evaluator.proxy.describe())):
        then = resolved.get(what) or {}
        for key in sorted((then.keys() | now.keys() if what == "space" else then.keys() & now.keys()) - _MAY_DIFFER):
            if then and then.get(key) != json.loads(json.dumps(now.get(key))):
                raise InputError(
                    f"a study goes on with the {what} it was made of, but {key} was {_short(then.get(key))} and is "
                    f"{_short(now.get(key))} here; begin another study"
                )


def _short(value: Any) -> str:
    return textwrap.shorten(repr(value), 80, placeholder=" ...")
