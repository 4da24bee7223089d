"""What every proxy is, and what it gives of a design."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from vitspace.errors import InputError
from vitspace.spec import Spec


class ProxyError(RuntimeError):
    """A design could not be scored; the message is the reason. The study records it and goes on."""


class ProxyFault(InputError):  # noqa: N818 (a fault of another package's proxy)
    """A proxy of another package is of the wrong shape, whatever design it is asked of."""


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


@runtime_checkable
class Laddered(Protocol):
    """A proxy of several rungs, from cheap to dear: a design is measured at each until others are better.

    Attributes:
        rungs: The proxies; the score of the last is the design's.
        keep: Share of a rung's designs that goes on, over 0 and below 1.
    """

    rungs: tuple[Proxy, ...]
    keep: float


@runtime_checkable
class Selective(Protocol):
    """A proxy that knows some designs only."""

    def refused(self, spec: Spec) -> str:
        """Say why it does not score a design; an empty string where it does."""


@runtime_checkable
class Settled(Protocol):
    """A proxy that can give a design the same score with every seed."""

    @property
    def rests_on(self) -> str:
        """What decides its scores in a seed's place, in words; empty where a seed does decide."""


def rests_on(proxy: Proxy) -> str:
    """Return what decides a proxy's scores where no seed does, in words; else an empty string."""
    return proxy.rests_on if isinstance(proxy, Settled) else ""


def checked_score(score: float) -> float:
    """Return a score as a float, where it is a number.

    Raises:
        ProxyError: it is not.
    """
    if not math.isfinite(score):
        raise ProxyError(f"the score is {score}")
    return float(score)
