"""Engines: what proposes designs and runs their evaluation; one file each, all writing the same trials.

An engine's file is named after the package that it drives, and has ``open_engine(study)``, which takes an `OpenStudy`
and returns an `Engine`; and ``check(config)`` where something beside its package may be missing, as a cluster. Files
that begin with an underscore are no engines.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Protocol

from vitspace.errors import InputError
from vitspace.searching.evaluate import Evaluator
from vitspace.space import Space
from vitspace.study.config import StudyConfig
from vitspace.study.record import StudyRecord
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

#: Names of the engines.
ENGINES = tuple(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))


class Monitor(Protocol):
    """Is told how a study goes."""

    def started(self, record: StudyRecord) -> None:
        """The study's trials so far, before more are run."""

    def step(self, done: int, total: int) -> None:
        """How far the proxy of the running trial is."""

    def ended(self, trial: Trial, record: StudyRecord) -> None:
        """A trial ended."""

    def note(self, text: str) -> None:
        """Something worth a line."""


class Silent:
    """A monitor that says nothing."""

    def started(self, record: StudyRecord) -> None: ...

    def step(self, done: int, total: int) -> None: ...

    def ended(self, trial: Trial, record: StudyRecord) -> None: ...

    def note(self, text: str) -> None: ...


class Engine(Protocol):
    """Runs a study."""

    def run(self, config: StudyConfig) -> None:
        """Evaluate designs until the trials are complete, the space is used up or the time is over, beside others.

        On Ctrl-C what runs is queued again.

        Raises:
            StudyFailedError: too many trials in a row failed, or were too slow.
        """


@dataclass
class OpenStudy:
    """What an engine works on.

    Attributes:
        store: The study.
        url: Its storage, as other processes open it.
        space: Its space.
        evaluator: What it measures, the proxy's data loaded.
        monitor: Is told how it goes.
        workers: Evaluations at once, for engines that start their own processes; None is one for each core or GPU.
        check: Called every heartbeat, in a thread of its own.
    """

    store: StudyStore
    url: str
    space: Space
    evaluator: Evaluator
    monitor: Monitor = field(default_factory=Silent)
    workers: int | None = None
    check: Callable[[], None] = lambda: None


def open_engine(name: str, study: OpenStudy) -> Engine:
    """Return the engine of that name.

    Raises:
        InputError: there is none, or what it needs is not installed.
    """
    engine: Engine = _module(name).open_engine(study)
    return engine


def check_engine(config: StudyConfig) -> None:
    """Check that a study's engine can be used.

    Raises:
        InputError: there is none of that name, what it needs is not installed, or it has no place to run.
    """
    module = _module(config.engine)
    if hasattr(module, "check"):
        module.check(config)


def _module(name: str) -> ModuleType:
    if name not in ENGINES:
        raise InputError(f"an engine is one of {', '.join(ENGINES)}, but got {name!r}")
    if importlib.util.find_spec(name) is None:
        raise InputError(f"engine {name!r} needs: pip install 'vitspace[{name}]'")
    return importlib.import_module(f"{__name__}.{name}")
