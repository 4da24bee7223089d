"""Timed designs of this host: what was counted of them and how long they took, whatever command timed them.

They are kept in the cache, for the code that ran them.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

from vitspace.cache import load, store
from vitspace.costs import cost
from vitspace.image_sizes import ImageSize
from vitspace.measured import NORMAL_95, Latency
from vitspace.sized import plain
from vitspace.sources import sources_of
from vitspace.spec import Spec

_COUNTS = "timings"
_NUMBERS = ("ms", "reference_ms", "sd")


@dataclass(frozen=True)
class TimedDesign:
    """A design that was timed for single images on one thread.

    Attributes:
        spec_id: The design's.
        family: Its family, or ``hybrid``.
        ms: Milliseconds at the reference network's usual speed.
        reference_ms: Usual milliseconds of the reference network there.
        sd: Standard deviation of the logarithm of ``ms``.
        counted: What was counted of it, as `PartCost.numbers`.
        backend: What ran it.
        host: The CPU, and what it was held to.
        date: When.
    """

    spec_id: str
    family: str
    ms: float
    reference_ms: float
    sd: float
    counted: tuple[int, ...]
    backend: str = ""
    host: str = ""
    date: str = ""

    @classmethod
    def of(cls, spec: Spec, latency: Latency, img_size: ImageSize) -> "TimedDesign":
        """Return what a measurement says of a design."""
        sd = math.log(latency.high_ms / latency.median_ms) / NORMAL_95
        numbers = cost(spec, img_size).numbers
        return cls(plain(spec).id, spec.family, latency.median_ms, latency.usual_ms, sd, numbers, latency.backend)


def remember(place: str, spec: Spec, latency: Latency, img_size: ImageSize) -> None:
    """Keep a measurement of this host.

    Args:
        place: Host, versions and settings, as `vitspace.latency.measuring.place_of` tells them.
        spec: The design.
        latency: Its latency.
        img_size: Side of the image, or (height, width), pixels.
    """
    row = TimedDesign.of(spec, latency, img_size)
    kind = _kind(place)
    store(kind, {row.spec_id: {name: getattr(row, name) for name in ("family", *_NUMBERS, "counted")}})
    store(_COUNTS, {kind: {"count": timings_at(place) + 1}})


def timed_at(place: str) -> list[TimedDesign]:
    """Return the designs that were timed at a place of this host, by the present code."""
    return [_kept(spec_id, facts) for spec_id, facts in sorted(load(_kind(place)).items())]


def timings_at(place: str) -> int:
    """Return how often a design was timed at a place; at least one more than before where one was since."""
    kind = _kind(place)
    return int(load(_COUNTS, kind).get(kind, {"count": 0})["count"])


def _kind(place: str) -> str:
    return json.dumps(["timed", sources_of("vitspace.latency.measuring", "vitspace.costs", "vitspace.families"), place])


def _kept(spec_id: str, facts: dict[str, Any]) -> TimedDesign:
    return TimedDesign(spec_id, **facts | {"counted": tuple(facts["counted"])})
