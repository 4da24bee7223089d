"""Search: a study from its configuration to its report."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitspace.costs import CONVENTION
from vitspace.engines import Monitor, Silent
from vitspace.engines._first import anchors_inside, enqueue, first_designs
from vitspace.engines.optuna import OptunaEngine
from vitspace.errors import InputError
from vitspace.evaluate import Evaluator
from vitspace.host import machine
from vitspace.latency import LatencySettings, check_backend, measure
from vitspace.proxies import Proxy, open_proxy
from vitspace.report import check_folder, write_report
from vitspace.space import Space, load_space
from vitspace.study.config import MAY_CHANGE, StudyConfig
from vitspace.study.record import StudyRecord
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore, check_new, free_name


@dataclass(frozen=True)
class Place:
    """Where a study is stored, and under which name.

    Attributes:
        storage: A journal file or a database URL.
        name: The study's name; None takes the configuration's, or the next free one after it.
        resume: Whether a study of that name is gone on with.
        command: The command line, for the report.
    """

    storage: str
    name: str | None = None
    resume: bool = False
    command: str = ""


def search(
    settings: dict[str, Any], place: Place, out: Path | None = None, monitor: Monitor | None = None
) -> tuple[StudyRecord, Path]:
    """Run a study, or go on with one, and write its report.

    Args:
        settings: Fields of `StudyConfig` that are given; the rest have their defaults, or their stored values.
        place: Where the study is.
        out: The report's folder; None is ``reports/<study>``.
        monitor: Is told how it goes.

    Returns:
        The study as stored, and the report's folder.

    Raises:
        InputError: a setting breaks a rule; nothing is stored then.
    """
    monitor = monitor or Silent()
    if place.resume:
        store = StudyStore.load(open_storage(place.storage, create=False), _name(settings, place))
        config = _resumed(store, settings)
        out = check_folder(out or report_folder(store.study.study_name))
        if len(store.record().completed) < config.trials:
            proxy = _open(config, monitor)
            store.resume(config, {"command": place.command, "machine": machine(), "device": config.device})
            _run(store, load_space(config.space), proxy, config, out, monitor)
    else:
        config = StudyConfig.of(settings)
        check_new(place.storage, place.name or config.default_name(), taken=place.name is None)
        if out:
            check_folder(out)
        space = load_space(config.space)
        _check_trials(space, config)
        proxy = _open(config, monitor)
        monitor.note("drawing the first designs")
        designs = first_designs(space, config)
        store = _create(config, space, proxy, place)
        out = out or report_folder(store.study.study_name)
        enqueue(store, space, designs)
        _run(store, space, proxy, config, out, monitor)
    record = store.record()
    return record, write_report(record, out)


def report_folder(name: str) -> Path:
    """Return where a study's report goes unless told otherwise."""
    return Path("reports") / name


def _name(settings: dict[str, Any], place: Place) -> str:
    return place.name or StudyConfig.of(settings).default_name()


def _open(config: StudyConfig, monitor: Monitor) -> Proxy:
    monitor.note(f"loading {config.data}")
    check_backend(config.latency_backend)
    return open_proxy(config.proxy, config.data, config.device, config.seed)


def _run(store: StudyStore, space: Space, proxy: Proxy, config: StudyConfig, out: Path, monitor: Monitor) -> None:
    """Run the engine; however it stops, what was found is reported."""
    evaluator = Evaluator(space, config.limits, proxy, config.seed, LatencySettings(config.latency_backend))
    try:
        OptunaEngine(store, space, evaluator, monitor).run(config)
    except BaseException:
        name = store.study.study_name
        monitor.note(f"study {name} is stored, report so far: {write_report(store.record(), out)}")
        monitor.note(f"to go on: vitspace search --study {name} --resume")
        raise


def _check_trials(space: Space, config: StudyConfig) -> None:
    space.check_budget(config.limits)
    anchors = anchors_inside(space, config)
    if config.trials < len(anchors) + 1:
        raise InputError(
            f"trials hold every anchor inside the budget and one design more, so at least {len(anchors) + 1} "
            f"({', '.join(anchors)}), but got {config.trials}"
        )
    limit = config.limits.latency_ms[1]
    if limit < math.inf:
        settings = LatencySettings(config.latency_backend, img_size=space.resolution)
        least = measure(space.smallest, settings).median_ms
        if least > limit:
            raise InputError(
                f"a latency budget lets a design pass, but the design of least FLOPs in {space.name} takes "
                f"{least:.3g}ms here, and the budget is {config.limits}"
            )


def _create(config: StudyConfig, space: Space, proxy: Proxy, place: Place) -> StudyStore:
    resolved = {
        "command": place.command,
        "machine": machine(),
        "proxy": proxy.describe(),
        "space": {"name": space.name, **space.config.model_dump(mode="json", exclude_unset=True)}
        | {"resolution": space.resolution},
        "convention": CONVENTION,
    }
    storage = open_storage(place.storage)
    name = place.name or free_name(storage, config.default_name())
    return StudyStore.create(storage, name, config, resolved)


def _resumed(store: StudyStore, settings: dict[str, Any]) -> StudyConfig:
    """Return the stored configuration with what may change changed."""
    stored = store.config.model_dump()
    for key, value in settings.items():
        if key in stored and key not in MAY_CHANGE and value != stored[key]:
            raise InputError(f"a resumed study keeps its {key}, {stored[key]!r}, but got {value!r}")
    config = StudyConfig.of(stored | settings)
    done = len(store.record().completed)
    if "trials" in settings and config.trials < done:
        raise InputError(f"trials is the total, so at least the {done} that are complete, but got {config.trials}")
    return config
