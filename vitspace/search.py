"""Search: a study from its configuration to its report."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitspace.costs import CONVENTION
from vitspace.engines import Monitor, Silent
from vitspace.engines.optuna import OptunaEngine, anchors_inside, enqueue_first
from vitspace.errors import InputError
from vitspace.evaluate import Evaluator
from vitspace.host import machine
from vitspace.latency import LatencySettings, check_backend
from vitspace.proxies import Proxy, open_proxy
from vitspace.report import write_report
from vitspace.space import Space, load_space
from vitspace.study.config import MAY_CHANGE, StudyConfig
from vitspace.study.record import StudyRecord
from vitspace.study.store import StudyStore, check_new, free_name, open_storage


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
        store, config = _resume(settings, place)
        space = load_space(config.space)
        if len(store.record().completed) < config.trials:
            _run(store, space, _open(config), config, monitor)
    else:
        config = StudyConfig.of(settings)
        if place.name:
            check_new(place.storage, place.name)
        space = load_space(config.space)
        _check_trials(space, config)
        monitor.note(f"loading {config.data}")
        proxy = _open(config)
        store = _create(config, space, proxy, place)
        _run(store, space, proxy, config, monitor)
    record = store.record()
    return record, write_report(record, out or report_folder(record.name))


def report_folder(name: str) -> Path:
    """Return where a study's report goes unless told otherwise."""
    return Path("reports") / name


def _open(config: StudyConfig) -> Proxy:
    check_backend(config.latency_backend)
    return open_proxy(config.proxy, config.data, config.device, config.seed)


def _run(store: StudyStore, space: Space, proxy: Proxy, config: StudyConfig, monitor: Monitor) -> None:
    evaluator = Evaluator(space, config.limits, proxy, config.seed, LatencySettings(config.latency_backend))
    OptunaEngine(store, space, evaluator, monitor).run(config)


def _check_trials(space: Space, config: StudyConfig) -> None:
    space.check_budget(config.limits)
    anchors = anchors_inside(space, config)
    if config.trials < len(anchors) + 1:
        raise InputError(
            f"trials hold every anchor inside the budget and one design more, so at least {len(anchors) + 1} "
            f"({', '.join(anchors)}), but got {config.trials}"
        )


def _create(config: StudyConfig, space: Space, proxy: Proxy, place: Place) -> StudyStore:
    resolved = {
        "command": place.command,
        "machine": machine(),
        "proxy": proxy.describe(),
        "space": {"name": space.name, **space.config.model_dump(mode="json", exclude_defaults=True)},
        "convention": CONVENTION,
    }
    storage = open_storage(place.storage)
    name = place.name or free_name(storage, config.default_name())
    store = StudyStore.create(storage, name, config, resolved)
    enqueue_first(store, space, config)
    return store


def _resume(settings: dict[str, Any], place: Place) -> tuple[StudyStore, StudyConfig]:
    name = place.name or StudyConfig.of(settings).default_name()
    store = StudyStore.load(open_storage(place.storage, create=False), name)
    stored = store.config.model_dump()
    for key, value in settings.items():
        if key in stored and key not in MAY_CHANGE and value != stored[key]:
            raise InputError(f"a resumed study keeps its {key}, {stored[key]!r}, but got {value!r}")
    config = StudyConfig.of(stored | settings)
    if config != store.config:
        store.set(config=config)
    return store, config
