"""The engines, which propose designs and run their evaluation; one file each, all writing the same trials.

An engine's file is named after the package that it drives, which it loads when it first uses it. The file has `ENGINE`,
an `Engine`, which says what the engine can do; ``run(session)``, which evaluates designs until the trials are complete,
the space is used up or the time is over, beside others, and queues again what runs on Ctrl-C; and ``check(config)``
where something beside its package may be missing, as a cluster. Files that begin with an underscore are no engines.
"""

import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass
from types import ModuleType

from vitspace.errors import InputError, shown
from vitspace.searching.samplers import SAMPLERS
from vitspace.searching.session import Session
from vitspace.study.config import StudyConfig

#: Names of the engines.
ENGINES = tuple(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))


@dataclass(frozen=True)
class Engine:
    """What an engine can do.

    Attributes:
        samplers: The samplers that it takes; the first is its default.
        proposes: Whether it proposes designs by itself, with draws of its own at the start.
        local: Whether its workers are processes of this machine.
        in_process: Whether it can evaluate in the search's own process, on several threads, and halve.
        gpus: Whether an evaluation asks it for GPUs; otherwise it uses those that ``--device`` names.
    """

    samplers: tuple[str, ...] = SAMPLERS
    proposes: bool = False
    local: bool = False
    in_process: bool = False
    gpus: bool = False


def engine_of(name: str) -> Engine:
    """Return what an engine can do, whether its package is installed or not.

    Raises:
        InputError: there is no such engine.
    """
    engine: Engine = _file(name).ENGINE
    return engine


def engines_that(can: str) -> list[str]:
    """Return the engines of which an attribute of `Engine` holds."""
    return [name for name in ENGINES if getattr(engine_of(name), can)]


def check_sampler(config: StudyConfig) -> None:
    """Check that a study's engine takes its sampler.

    Raises:
        InputError: it does not.
    """
    samplers = engine_of(config.engine).samplers
    if config.sampler in samplers:
        return
    owners = [name for name in ENGINES if config.sampler in engine_of(name).samplers]
    if len(owners) == 1:
        raise InputError(f"sampler {config.sampler} is engine {owners[0]}'s, but got engine {config.engine!r}")
    raise InputError(f"sampler of engine {config.engine} is one of {', '.join(samplers)}, but got {config.sampler!r}")


def run_engine(session: Session, name: str | None = None) -> None:
    """Run a study's engine.

    Args:
        session: The study's.
        name: The engine; None is the configuration's.

    Raises:
        InputError: there is no such engine, or what it needs is not installed.
        StudyFailedError: too many trials in a row failed, or were too slow.
    """
    _module(name or session.config.engine).run(session)


def check_engine(config: StudyConfig) -> None:
    """Check that a study's engine can be used.

    Raises:
        InputError: there is none of that name, what it needs is not installed, or it has no place to run.
    """
    module = _module(config.engine)
    if hasattr(module, "check"):
        module.check(config)


def _module(name: str) -> ModuleType:
    """Return the file of an engine whose package is installed."""
    module = _file(name)
    if importlib.util.find_spec(name) is None:
        raise InputError(f"engine {name!r} needs: pip install 'vitspace[{name}]'")
    return module


def _file(name: str) -> ModuleType:
    if name not in ENGINES:
        raise InputError(f"an engine is one of {', '.join(ENGINES)}, but got {shown(name)}")
    return importlib.import_module(f"{__name__}.{name}")
