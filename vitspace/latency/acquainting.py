"""Getting acquainted with a host: the smallest anchors of all families are timed for about a minute."""

import time
from collections.abc import Callable, Iterator
from itertools import chain, zip_longest

from vitspace.anchors import anchor, specs_at
from vitspace.anchors.references import main_anchors
from vitspace.costs import cost
from vitspace.image_sizes import ImageSize, sides
from vitspace.latency.counted import CountedLatency, unknown
from vitspace.latency.measuring import LatencySettings, measure
from vitspace.spec import Spec

#: Designs of this host by which latency is predicted well enough.
ENOUGH = 6


def get_acquainted(settings: LatencySettings, note: Callable[[str], None]) -> None:
    """Time anchors for a minute where few designs were timed on this host, so that latency is predicted better.

    Args:
        settings: How latency is timed; nothing is timed where designs that ship with the package tell nothing of it.
        note: Is told what is done, and how well latency is predicted then, or why it is not.
    """
    if why := unknown(settings):
        note(f"no prediction from what is counted: {why}")
        return
    if CountedLatency.here(settings).designs >= ENOUGH:
        return
    note("timing published designs for a minute, since little was timed on this machine by which to predict latency")
    acquaint(settings)
    note(f"latency is predicted {CountedLatency.here(settings).words}")


def acquaint(settings: LatencySettings, seconds: float = 60.0) -> int:
    """Time anchors, the smallest of each family first, until so many seconds are over; return how many.

    What was timed before costs no time, so that a second call goes on where the first one ended.

    Raises:
        InputError: the back end is not installed.
    """
    began, count = time.monotonic(), 0
    for spec in probes(settings.img_size):
        if time.monotonic() - began >= seconds:
            break
        measure(spec, settings, again=False)
        count += 1
    return count


def probes(img_size: ImageSize) -> Iterator[Spec]:
    """Yield the anchors that take images of a size, the smallest of each family, then the second smallest."""
    families: dict[str, list[Spec]] = {}
    for name, spec in specs_at(main_anchors(), img_size).items():
        if spec.stride <= min(sides(img_size)):
            families.setdefault(anchor(name).family, []).append(spec)
    columns = [sorted(specs, key=lambda spec: cost(spec, img_size).macs) for specs in families.values()]
    yield from (spec for spec in chain.from_iterable(zip_longest(*columns)) if spec is not None)
