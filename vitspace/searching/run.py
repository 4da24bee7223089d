"""Search: a study from its configuration to its report."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitspace.costs import CONVENTION
from vitspace.errors import InputError, StudyGoneError
from vitspace.host import machine
from vitspace.latency import LatencySettings, measure
from vitspace.proxies import Proxy, part_data, trains
from vitspace.report import check_folder, write_report
from vitspace.searching.engines import Monitor, Silent, check_engine, open_engine
from vitspace.searching.first import anchors_inside, enqueue, first_designs
from vitspace.searching.lease import check_environment
from vitspace.searching.session import check_same, describe_space, open_proxy_of, open_study, wait_until_ready
from vitspace.searching.workers import check_workers, run_workers
from vitspace.space import Space, load_space
from vitspace.study.config import GPU_ENGINES, MAY_CHANGE, StudyConfig
from vitspace.study.record import StudyRecord
from vitspace.study.storage import named_failure, open_storage, resume_command
from vitspace.study.store import StudyStore, check_new, free_name


@dataclass(frozen=True)
class Place:
    """Where a study is stored, and under which name.

    Attributes:
        storage: A journal file or a database URL.
        name: The study's name; None takes the configuration's, or the next free one after it.
        resume: Whether a study of that name is gone on with.
        command: The command line, for the report.
        workers: Processes that evaluate; None is this one, or the engine's choice.
    """

    storage: str
    name: str | None = None
    resume: bool = False
    command: str = ""
    workers: int | None = None


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
    monitor, settings = monitor or Silent(), _with_data(settings)
    check_environment()
    prepare = _go_on if place.resume else _begin
    store, config, proxy, out = prepare(settings, place, out, monitor)
    if proxy is not None:
        _run(store, proxy, config, place, out, monitor)
    record = store.record(place.storage)
    return record, write_report(record, out)


def report_folder(name: str) -> Path:
    """Return where a study's report goes unless told otherwise."""
    return Path("reports") / name


def _with_data(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with the data that the proxy's name holds as ``data``, where that is not set."""
    proxy = settings.get("proxy")
    if not isinstance(proxy, str):
        return settings
    name, data = part_data(proxy, settings.get("data"))
    return settings | {"proxy": name} | ({} if data is None else {"data": data})


def _name(settings: dict[str, Any], place: Place) -> str:
    return place.name or StudyConfig.of(settings).default_name()


def _begin(
    settings: dict[str, Any], place: Place, out: Path | None, monitor: Monitor
) -> tuple[StudyStore, StudyConfig, Proxy | None, Path]:
    """Make a study, its first designs queued."""
    config = StudyConfig.of(settings)
    _check_engine(settings, config, place)
    check_new(place.storage, place.name or config.default_name(), taken=place.name is None)
    check_folder(out or report_folder(""))
    space = load_space(config.space)
    # What is refused in seconds comes before the data are loaded and the space is counted, which takes minutes once.
    _check_trials(space, config)
    proxy = open_proxy_of(config, monitor)
    _check_budget(space, config)
    monitor.note("drawing the first designs")
    designs = first_designs(space, config)
    drawn = sum(anchor is None for anchor, _ in designs)
    store = _create(config, space, proxy, place, drawn)
    enqueue(store, space, designs)
    return store, config, proxy, out or report_folder(store.study.study_name)


def _go_on(
    settings: dict[str, Any], place: Place, out: Path | None, monitor: Monitor
) -> tuple[StudyStore, StudyConfig, Proxy | None, Path]:
    """Open a stored study; without a proxy where nothing is left to do."""
    store = StudyStore.load(open_storage(place.storage, create=False), _name(settings, place))
    config = _resumed(store, settings)
    _check_engine(settings, config, place)
    out = check_folder(out or report_folder(store.study.study_name))
    if len(store.record().completed) >= config.trials:
        return store, config, None, out
    proxy = open_proxy_of(config, monitor)
    check_same(store, load_space(config.space), proxy)
    wait_until_ready(store)
    kept = {"engine": config.engine, "sampler": config.sampler, "device": config.device}
    run = {"command": place.command, "machine": machine(), **kept}
    store.resume(config, run)
    return store, config, proxy, out


def _run(store: StudyStore, proxy: Proxy, config: StudyConfig, place: Place, out: Path, monitor: Monitor) -> None:
    """Run the engine; however it stops, what was found is reported."""
    study = open_study(store, place.storage, config, proxy, place.command, monitor)
    study.workers = place.workers
    try:
        with named_failure(place.storage):
            if place.workers and config.engine == "optuna":
                run_workers(store, config, place.storage, place.workers, monitor)
            else:
                open_engine(config.engine, study).run(config)
    except StudyGoneError:
        raise
    except BaseException:
        name = store.study.study_name
        try:
            monitor.note(f"study {name} is stored, report so far: {write_report(store.record(place.storage), out)}")
        except Exception as error:
            # What stopped the study may keep its report from being written; the study's own error is raised below.
            monitor.note(f"study {name} is stored as far as it went, but its report cannot be written: {error}")
        monitor.note(f"to go on: {resume_command(name, place.storage)}")
        raise


def _check_engine(settings: dict[str, Any], config: StudyConfig, place: Place) -> None:
    # What a study was begun with on another engine may be stored with it, and is no mistake.
    if settings.get("gpus") is not None and config.engine not in GPU_ENGINES:
        raise InputError(
            f"gpus are asked for by engines {' and '.join(GPU_ENGINES)}, but got engine {config.engine!r}; a process "
            "of this machine uses the GPU that --device names"
        )
    if place.workers and config.engine in ("optuna", "nni"):  # the others' are jobs and tasks of a cluster
        check_workers(place.workers)
    check_engine(config)


def _check_trials(space: Space, config: StudyConfig) -> None:
    anchors = anchors_inside(space, config)
    if config.trials < len(anchors) + 1:
        raise InputError(
            f"trials hold every anchor inside the budget and one design more, so at least {len(anchors) + 1} "
            f"({', '.join(anchors)}), but got {config.trials}"
        )


def _check_budget(space: Space, config: StudyConfig) -> None:
    space.check_budget(config.limits)
    limit = config.limits.latency_ms[1]
    if limit < math.inf:
        settings = LatencySettings(config.latency_backend, img_size=space.resolution)
        least = measure(space.smallest, settings)
        if least.median_ms > limit and not least.doubt:  # which was said, and each design is measured anyway
            raise InputError(
                f"a latency budget lets a design pass, but the design of least FLOPs in {space.name} takes "
                f"{least.median_ms:.3g}ms here, and the budget is {config.limits}"
            )


def _create(config: StudyConfig, space: Space, proxy: Proxy, place: Place, drawn: int) -> StudyStore:
    resolved = {
        "command": place.command,
        "machine": machine(),
        "proxy": {"trains": trains(config.proxy), **proxy.describe()},
        "space": describe_space(space),
        "convention": CONVENTION,
        "drawn": drawn,
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
