"""Proxies: cheap stand-ins for full training; one file each, whose name is the proxy's. Every score is higher-better.

A proxy's file has ``open_proxy(argument, data, device, seed)``, which returns a `Proxy`. Files that begin with an
underscore are no proxies. A package of your own registers such a module by the entry-point group `vitspace.proxies`.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, Protocol

from vitspace.errors import InputError
from vitspace.spec import Spec

#: Names of the proxies.
PROXIES = tuple(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))


class ProxyError(RuntimeError):
    """A design could not be scored; the message is the reason. The study records it and goes on."""


@dataclass(frozen=True)
class Score:
    """What a proxy measured of one design: the value, its seconds, and what else it says."""

    value: float
    seconds: float
    details: dict[str, Any] = field(default_factory=dict)


class Proxy(Protocol):
    """A cheap stand-in for full training.

    Attributes:
        worst: The score's negative for a design that does no better than chance, or None where there is none.
    """

    worst: float | None

    def describe(self) -> dict[str, Any]:
        """Return the record of the proxy: everything that decides a score but the design and the seed."""

    def score(self, spec: Spec, seed: int, on_step: Callable[[int, int], None] | None = None) -> Score:
        """Score a design.

        Raises:
            ProxyError: it cannot be scored.
        """


def open_proxy(text: str, data: str, device: str, seed: int = 0) -> Proxy:
    """Return the proxy that ``train`` or ``train:PRESET`` names, its data loaded.

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
    return importlib.import_module(f"{__name__}.{name}").open_proxy(argument, data, device, seed)
