"""What a study is refused for before anything is stored: its engine, environment, trials, budget and sources."""

import json
import math
import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from vitspace.accuracy.peers import check_peers
from vitspace.doubt import warn_of_doubt
from vitspace.errors import InputError
from vitspace.latency import measure
from vitspace.machine.resources import usable_cores
from vitspace.proxies import kind_of, module_of
from vitspace.searching.engines import check_engine, check_sampler, engine_of, engines_that
from vitspace.searching.evaluate import Evaluator
from vitspace.searching.first import chosen_anchors
from vitspace.searching.latency import budget_device, predicted_latency, timing_of
from vitspace.searching.lease import LeaseTiming
from vitspace.sized import size_of
from vitspace.sources import sources_of
from vitspace.space import Space
from vitspace.space.sizes import SizedSpace
from vitspace.study.config import DRAWN, StudyConfig
from vitspace.study.storage import patience

#: Processes for one core at most; each takes a gigabyte, and those that share a core only wait for each other.
WORKERS_A_CORE = 4
#: Of a proxy's description, what may differ from host to host and from version to version.
_MAY_DIFFER = {
    "device",
    "held_out",
    "report_card",
    "rungs",
    "rescaled",
    "chance_loss",
    "chance_accuracy",
    "weights",
    "intercept",
}


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
    check_sampler(config)
    check_peers(config.peers)
    engine, asked, here = engine_of(config.engine), f"but got engine {config.engine!r}", engines_that("in_process")
    if settings.get("gpus") is not None and not engine.gpus:
        raise InputError(
            f"gpus are asked for by engines {' and '.join(engines_that('gpus'))}, {asked}; a process of this machine "
            "uses the GPU that --device names"
        )
    if not engine.in_process and kind_of(config.proxy).has_rungs:
        name = kind_of(config.proxy).name
        where = f"{name} runs on engine {' or '.join(here)}, with any number of workers"
        raise InputError(f"{where}, but got {config.engine!r}")
    if workers == 0 and not engine.in_process:
        raise InputError(
            f"workers are at least 1 with engine {config.engine!r}; 0, which evaluates in the search's own process, is "
            f"for engine {' or '.join(map(repr, here))}"
        )
    if threads is not None and not engine.in_process:
        raise InputError(f"threads are set for engine {' or '.join(map(repr, here))}, {asked}, whose tasks take one")
    if workers and engine.local:
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
    """Check that a space has designs within a budget; the latency of the least one is measured, or predicted.

    Raises:
        InputError: it has none.
    """
    space.check_budget(config.limits)
    limit = config.limits.latency_ms[1]
    if limit < math.inf:
        least, size = space.smallest, size_of(space.smallest, space.resolution)
        device = budget_device(config.limits, size)
        if device:
            found = predicted_latency(device, least, config.limits)
        else:
            latency = measure(least, timing_of(config, size))
            warn_of_doubt(f"the design of least FLOPs in {space.name}", latency)
            found = asdict(latency)
        if found["low_ms"] > limit:
            where = f"on {device.name}" if device else "here"
            raise InputError(
                f"a latency budget lets a design pass, but the design of least FLOPs in {space.name} takes "
                f"{found['median_ms']:.3g}ms {where}, and the budget is {config.limits}"
            )


def describe_space(space: Space) -> dict[str, Any]:
    """Return what a study is to remember of its space: what the file says, and the size; `stored_space` reads it."""
    facts = {"name": space.name, **space.written.config.model_dump(mode="json", exclude_unset=True)}
    follows = {} if space.written.resolution == space.resolution else {"written_for": space.written.resolution}
    sizes = {"img_sizes": [*space.at]} if isinstance(space, SizedSpace) else {}
    task = {"task": asdict(space.task) | {"size": list(space.task.size)}} if space.task else {}
    return facts | {"resolution": space.resolution} | follows | sizes | task


def describe_device(evaluator: Evaluator) -> dict[str, Any] | None:
    """Return what a study is to remember of the device that its budget names; None where that is this machine."""
    found = budget_device(evaluator.budget, evaluator.space.resolution)
    return found.to_json() if found else None


def made_of(evaluator: Evaluator) -> dict[str, Any]:
    """Return what the processes of a study share: space, proxy, device, and a digest of the code that evaluates."""
    facts = {"space": describe_space(evaluator.space), "proxy": evaluator.proxy.describe()}
    return facts | {"device": describe_device(evaluator), "code": _code(evaluator)}


def _code(evaluator: Evaluator) -> str:
    modules = {"vitspace.searching.evaluate", "vitspace.families", module_of(evaluator.proxy)}
    return sources_of(*sorted(modules - {"__main__"}))


def check_same(known: Mapping[str, Any], evaluator: Evaluator) -> None:
    """Refuse to put trials of two spaces, proxies or versions of the code into one study.

    Args:
        known: What the study is made of, as it was stored, or as `made_of` says of the process that runs it. The code
            counts where it is told: a stored study may be gone on with by a later version.
        evaluator: What is measured here.

    Raises:
        InputError: something differs, as where a file was edited.
    """
    made = made_of(evaluator)
    if "code" in known and known["code"] != made["code"]:
        raise InputError(
            "a worker evaluates by the code of its search, but the files of vitspace or of the proxy differ here "
            f"({made['code']} here, {known['code']} there); install the same version"
        )
    for what, now in ((name, made[name] or {}) for name in ("space", "proxy", "device")):
        then = known.get(what) or {}
        for key in sorted((then.keys() | now.keys() if what == "space" else then.keys() & now.keys()) - _MAY_DIFFER):
            if then and then.get(key) != json.loads(json.dumps(now.get(key))):
                raise InputError(
                    f"a study goes on with the {what} it was made of, but {key} was {_short(then.get(key))} and is "
                    f"{_short(now.get(key))} here; begin another study"
                )


def _short(value: Any) -> str:
    return textwrap.shorten(repr(value), 80, placeholder=" ...")
