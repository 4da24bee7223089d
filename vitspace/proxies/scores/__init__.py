"""The training-free scores; one file each, whose name is the score's. Every score is higher-better.

A score's file says in `NEEDS` which passes it reads, and has ``score(evidence)``, which returns a number. All scores
that are asked for at once share one set of passes. Files that begin with an underscore are no scores.
"""

import importlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import ModuleType

from vitspace.errors import InputError, shown
from vitspace.proxies import SCORES, ProxyError, checked_score
from vitspace.proxies.scores._evidence import COUNTS, PassResults, Settings
from vitspace.proxies.scores._init import INITS
from vitspace.proxies.scores._passes import gather
from vitspace.proxies.scores._subjects import TIMM, Subject

__all__ = [
    "BASELINES",
    "INITS",
    "SCORES",
    "TIMM",
    "MeasuredScores",
    "Settings",
    "Subject",
    "measure",
    "needs_device",
]

#: Scores that only count: what any other score has to beat.
BASELINES = ("params", "macs", "nt", "slog")


@dataclass(frozen=True)
class MeasuredScores:
    """What the scores gave for one network.

    Attributes:
        values: By score, for those that gave a number.
        failures: By score, why the others did not.
        seconds: By score: its passes, shared or not, and its own work.
        total_seconds: Wall time of all together.
    """

    values: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    total_seconds: float = 0.0


def _check_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, which are all of scores.

    Raises:
        InputError: one is not.
    """
    chosen = tuple(names)
    for name in chosen:
        if name not in SCORES:
            raise InputError(f"a training-free score is one of {', '.join(SCORES)}, but got {shown(name)}")
    return chosen


def measure(subject: Subject, names: Sequence[str] = SCORES, settings: Settings | None = None) -> MeasuredScores:
    """Score one network; what several scores need is done once.

    Args:
        subject: The network.
        names: Scores.
        settings: Seed, initialisation, images and device.

    Raises:
        InputError: a name is no score's.
    """
    start = time.perf_counter()
    modules = {name: _module(name) for name in _check_names(names)}
    evidence = gather(subject, {need for module in modules.values() for need in module.NEEDS}, settings or Settings())
    result = MeasuredScores()
    for name, module in modules.items():
        began = time.perf_counter()
        try:
            result.values[name] = _value(module, evidence)
        except ProxyError as error:
            result.failures[name] = str(error)
        shared = sum(evidence.seconds.get(need, 0.0) for need in module.NEEDS)
        result.seconds[name] = shared + time.perf_counter() - began
    return MeasuredScores(result.values, result.failures, result.seconds, time.perf_counter() - start)


def needs_device(names: Iterable[str]) -> bool:
    """Whether one of some scores runs the network, and does not only count it.

    Raises:
        InputError: a name is no score's.
    """
    return any(set(_module(name).NEEDS) != {COUNTS} for name in _check_names(names))


def _value(module: ModuleType, evidence: PassResults) -> float:
    for need in module.NEEDS:
        if why := evidence.failures.get(need):
            raise ProxyError(why)
    return checked_score(float(module.score(evidence)))


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name}")
