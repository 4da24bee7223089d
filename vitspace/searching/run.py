"""Runs a study: from its configuration, or from what is stored of it, to its last trial."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitspace.accuracy.predictor import predictor
from vitspace.budget import ANY
from vitspace.costs import CONVENTION
from vitspace.errors import InputError, shown
from vitspace.image_sizes import format_image_size
from vitspace.latency.acquainting import get_acquainted
from vitspace.machine.devices import computing_on
from vitspace.machine.host import machine
from vitspace.proxies import part_data, rests_on, trains
from vitspace.searching.checks import (
    check_budget,
    check_environment,
    check_runs,
    counted_trials,
    describe_device,
    describe_space,
)
from vitspace.searching.engines import engine_of, run_engine
from vitspace.searching.evaluate import Evaluator
from vitspace.searching.finalists import seats_words
from vitspace.searching.first import alternates, enqueue, first_designs, further_finalists
from vitspace.searching.idle import waited_words
from vitspace.searching.join import open_session
from vitspace.searching.latency import timing_of
from vitspace.searching.monitor import Monitor
from vitspace.searching.retiming import is_open, settle, take_up
from vitspace.searching.session import Session, open_evaluator
from vitspace.searching.workers import plan_workers
from vitspace.space import load_sizes
from vitspace.study.config import MAY_CHANGE, StudyConfig, same_space
from vitspace.study.storage import DEFAULT_STORAGE, naming_storage, open_storage
from vitspace.study.store import StudyStore, check_new, free_name, study_names


@dataclass(frozen=True)
class StudyLocation:
    """Where a study is stored, and under which name.

    Attributes:
        storage: A journal file or a database URL.
        name: The study's name; None takes the configuration's, or the next free one after it.
        resume: Whether a stored study of that name is resumed.
    """

    storage: str = DEFAULT_STORAGE
    name: str | None = None
    resume: bool = False


@dataclass(frozen=True)
class Means:
    """Execution options of a run: workers and threads. They change no setting of the study.

    Attributes:
        workers: Evaluations at once, each in a process of its own; 0 evaluates one after the other in this process;
            None is the engine's choice, see `vitspace.searching.workers`.
        threads: Threads of one evaluation; None is one where the proxy runs on the CPU, and torch's number elsewhere.
        command: The command line, for the report.
    """

    workers: int | None = None
    threads: int | None = None
    command: str = ""


def open_search(
    settings: dict[str, Any], location: StudyLocation, means: Means, monitor: Monitor
) -> tuple[StudyStore, Session | None]:
    """Make a study, or open a stored one, ready to be run.

    Args:
        settings: Fields of `StudyConfig` that are given; the rest have their defaults, or their stored values.
        location: Where the study is.
        means: Its execution options.
        monitor: Shows the progress.

    Returns:
        The study, and the session in which it is run; no session where a stored study is complete.

    Raises:
        InputError: a setting breaks a rule; nothing is stored then.
    """
    check_environment()
    return (_go_on if location.resume else _begin)(_with_data(settings), location, means, monitor)


def run(session: Session) -> None:
    """Run a study's engine until its trials are complete, the space is used up or the time is over.

    Designs that are undecided then are timed again, and others take the places of those that are too slow.

    Raises:
        StudyFailedError: too many trials in a row failed, or the storage cannot be used.
        StudyGoneError: the study was deleted meanwhile.
    """
    with computing_on(session.threads), naming_storage(session.store.url):
        run_engine(session)
        while settle(session):
            run_engine(session)
        if words := waited_words(session.store.trials()):
            session.monitor.note(words)


def _with_data(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with the data that the proxy's name holds as ``data``, where that is not set."""
    proxy = settings.get("proxy")
    if not isinstance(proxy, str):
        return settings
    name, data = part_data(proxy, settings.get("data"))
    return settings | {"proxy": name} | ({} if data is None else {"data": data})


def _begin(
    settings: dict[str, Any], location: StudyLocation, means: Means, monitor: Monitor
) -> tuple[StudyStore, Session]:
    """Make a study, its first designs queued."""
    config = StudyConfig.of(settings)
    if "sampler" not in settings:
        config = config.model_copy(update={"sampler": engine_of(config.engine).samplers[0]})
    check_runs(settings, config, means.workers, means.threads)
    check_new(location.storage, location.name or config.default_name(), taken=location.name is None)
    # What is refused in seconds comes before the data are loaded and the space is counted, which takes minutes once.
    config = counted_trials(load_sizes(config.space, config.sizes, config.task), config)
    evaluator = open_evaluator(config, means.command, monitor)
    space = evaluator.space
    monitor.note(f"looking at the designs of {space.name} within {config.limits}")
    check_budget(space, config)
    if config.limits.latency_ms != ANY and not config.limits.device:
        for size in config.sizes or (space.resolution,):
            get_acquainted(timing_of(config, size), monitor.note)
    monitor.note("choosing the first designs")
    first = first_designs(space, config, alternates(config, evaluator), monitor.screening)
    if words := seats_words(first.screening):
        monitor.note(words)
    store = _create(location, config, _resolved(config, evaluator, means) | {"drawn": first.others})
    enqueue(store, space, first)
    return store, _planned(open_session(store, config, means.command, monitor, evaluator), means)


def _go_on(
    settings: dict[str, Any], location: StudyLocation, means: Means, monitor: Monitor
) -> tuple[StudyStore, Session | None]:
    """Open a stored study; without a session where nothing is left to do."""
    store = StudyStore.open(location.storage, location.name or StudyConfig.of(settings).default_name())
    config = _resumed(store, settings)
    check_runs(settings, config, means.workers, means.threads)
    if len(store.record().counted) >= config.trials and not any(map(is_open, store.trials())):
        return store, None
    session = open_session(store, config, means.command, monitor)
    kept = {"engine": config.engine, "sampler": config.sampler, "device": config.device}
    if config.accuracy == "estimate":
        kept |= {"predictor": _same_predictor(store, monitor)}
    store.resume(config, {"command": means.command, "machine": machine(), **kept})
    take_up(store, config, monitor.note)
    if config.accuracy == "estimate" and not alternates(config, session.evaluator):
        enqueue(store, session.space, further_finalists(store, session.space, config, monitor.screening))
    return store, _planned(session, means)


def _same_predictor(store: StudyStore, monitor: Monitor) -> str:
    """Return the digest of the predictor here, and say so where another one estimated the study's designs so far."""
    record, here = store.record(), predictor().digest
    before = [record.told("accuracy"), *record.resolved.get("resumed", [])]
    known = [each["predictor"] for each in before if each.get("predictor")]
    if known and known[-1] != here:
        monitor.note(
            f"the predictor of top-1 is another one than this study was run with ({here}, and not {known[-1]}): the "
            f"{len(record.counted)} designs so far keep their estimates, further ones have the new one's, and the "
            "report says so; a new study estimates all designs alike"
        )
    return here


def _planned(session: Session, means: Means) -> Session:
    """Set a session's execution options, and store how many designs it evaluates at once."""
    session.workers, session.threads = means.workers, means.threads
    plan_workers(session)
    resolved = session.store.record().resolved
    session.store.set(resolved=resolved | {"workers": session.workers or 1, "threads": session.threads})
    return session


def _create(location: StudyLocation, config: StudyConfig, resolved: dict[str, Any]) -> StudyStore:
    storage = open_storage(location.storage)
    while True:
        name = location.name or free_name(storage, config.default_name())
        try:
            return StudyStore.create(storage, name, config, resolved)
        except InputError:
            if location.name or name not in study_names(storage):
                raise  # else another search took the name meanwhile


def _resolved(config: StudyConfig, evaluator: Evaluator, means: Means) -> dict[str, Any]:
    """Return the settings behind a configuration's names, for the record."""
    proxy = evaluator.proxy
    settled = {"rests_on": words} if (words := rests_on(proxy)) else {}
    return {
        "command": means.command,
        "folder": str(Path.cwd()),
        "machine": machine(),
        "proxy": {"trains": trains(config.proxy), **settled, **proxy.describe()},
        "accuracy": evaluator.describe_accuracy(),
        "space": describe_space(evaluator.space),
        "device": describe_device(evaluator),
        "convention": CONVENTION,
    }


def _resumed(store: StudyStore, settings: dict[str, Any]) -> StudyConfig:
    """Return the stored configuration with what may change changed."""
    stored, record = store.config, store.record()
    if stored.img_size is None and "img_size" in settings:
        stored = stored.model_copy(update={"img_size": format_image_size(record.counted_size)})
    if stored.data is None and "data" in settings:
        stored = stored.model_copy(update={"data": record.told("proxy").get("data")})
    config = StudyConfig.of(stored.model_dump() | settings)
    for key, value in settings.items():
        same = same_space(str(value), stored.space) if key == "space" else getattr(config, key) == getattr(stored, key)
        if key not in MAY_CHANGE and not same:
            raise InputError(f"a resumed study keeps its {key}, {getattr(stored, key)!r}, but got {shown(value)}")
    config = config.model_copy(update={"space": stored.space})
    done = len(record.counted)
    if "trials" in settings and config.trials < done:
        raise InputError(f"trials is the total, so at least the {done} that are complete, but got {config.trials}")
    return config
