"""Proxies: cheap stand-ins for full training; one file each, whose name is the proxy's. Every score is higher-better.

A proxy's file lies in one of three folders: ``training``, where it has ``open_proxy(argument, data, device, seed)``,
which returns a `Proxy`; ``scores``, for a number that needs no training; ``combinations``, for a model over such
numbers. Files that begin with an underscore are no proxies.
A package of your own registers a module with such an ``open_proxy`` by the entry-point group `vitspace.proxies`.
"""

import importlib
import logging
import math
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from vitspace.errors import InputError
from vitspace.spec import Spec

_log = logging.getLogger(__name__)


def _names(folder: str) -> tuple[str, ...]:
    found = pkgutil.iter_modules([str(Path(__file__).parent / folder)])
    return tuple(info.name for info in found if not info.name.startswith("_") and not info.ispkg)


#: Names of the proxies that train, of the training-free scores, of the combinations, and of all.
TRAINING, SCORES, COMBINATIONS = _names("training"), _names("scores"), _names("combinations")
PROXIES = (*TRAINING, *COMBINATIONS, *SCORES)


class ProxyError(RuntimeError):
    """A design could not be scored; the message is the reason. The study records it and goes on."""


@dataclass(frozen=True)
class Score:
    """What a proxy measured of one design: the value, its seconds, and what else it says."""

    value: float
    seconds: float
    details: dict[str, Any] = field(default_factory=dict)


class Proxy(Protocol):
    """A cheap stand-in for full training."""

    @property
    def worst(self) -> float | None:
        """The score's negative for a design that does no better than chance, or None where there is none."""

    def describe(self) -> dict[str, Any]:
        """Return the record of the proxy: everything that decides a score but the design and the seed."""

    def score(self, spec: Spec, seed: int, on_step: Callable[[int, int], None] | None = None) -> Score:
        """Score a design.

        Raises:
            ProxyError: it cannot be scored.
        """


def finite(score: float) -> float:
    """Return a score that is a number.

    Raises:
        ProxyError: it is not.
    """
    if not math.isfinite(score):
        raise ProxyError(f"the score is {score}")
    return score


def takes_data(text: str) -> bool:
    """Whether the proxy that a text names loads data: all but training-free scores and combinations of them."""
    return text.partition(":")[0] not in (*SCORES, *COMBINATIONS)


def part_data(text: str, data: str | None = None) -> tuple[str, str | None]:
    """Return a proxy's name without its data, and the data: those given, else those in the name, else None.

    A name that holds data beside others that are given stays as it is, and `open_proxy` refuses it.

    Raises:
        InputError: the name is of no form, or is halving's, whose rungs share their data, and holds some.
    """
    kind, _, argument = text.partition(":")
    if data is not None or "data=" not in argument:
        return text, data
    if kind == "halving":
        raise InputError(f"the rungs of halving share their data, which --data names, but got {text!r}")
    if kind != "train":
        return text, data
    from vitspace.proxies._recipe import split_data

    return split_data(text)


def open_proxy(text: str, data: str, device: str, seed: int = 0) -> Proxy:
    """Return the proxy that a text names, its data loaded: ``train:small``, ``halving:tiny/small``, ``rank``.

    Raises:
        InputError: there is no such proxy, preset, data or device.
    """
    name, _, argument = text.partition(":")
    registered = {point.name: point for point in entry_points(group="vitspace.proxies")}
    if name in registered:
        proxy: Proxy = registered[name].load().open_proxy(argument, data, device, seed)
        return proxy
    if name not in PROXIES:
        raise InputError(f"a proxy is one of {', '.join((*PROXIES, *registered))}, but got {text!r}")
    if name in TRAINING:
        return importlib.import_module(f"{__name__}.training.{name}").open_proxy(argument, data, device, seed)
    from vitspace.proxies._free import open_free

    proxy = open_free(name, argument, data, device)
    _log.warning("%s", CAUTION.format(name=name))
    return proxy


#: What is said wherever a training-free score is searched by.
CAUTION = (
    "{name} needs no training: it orders designs of equal FLOPs and params at best, and a search that maximises it "
    "stacks layers or params; `vitspace fidelity` shows how far it may be trusted"
)
