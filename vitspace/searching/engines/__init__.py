"""The engines, which propose designs and run their evaluation; one file each, all writing the same trials.

An engine's file is named after the package that it drives, and has ``run(session)``, which evaluates designs until the
trials are complete, the space is used up or the time is over, beside others, and queues again what runs on Ctrl-C; and
``check(config)`` where something beside its package may be missing, as a cluster. Files that begin with an underscore
are no engines.
"""

import importlib
import importlib.util
import pkgutil
from types import ModuleType

from vitspace.errors import InputError, shown
from vitspace.searching.session import Session
from vitspace.study.config import StudyConfig

#: Names of the engines.
ENGINES = tuple(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))


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
    if name not in ENGINES:
        raise InputError(f"an engine is one of {', '.join(ENGINES)}, but got {shown(name)}")
    if importlib.util.find_spec(name) is None:
        raise InputError(f"engine {name!r} needs: pip install 'vitspace[{name}]'")
    return importlib.import_module(f"{__name__}.{name}")
