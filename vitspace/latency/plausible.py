"""What is wrong with a device's times: of another unit, a row that cannot be, rows far from what the others tell."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vitspace.errors import InputError
from vitspace.latency.counted import CountedLatency, reference_elsewhere
from vitspace.latency.kit import SCRIPT
from vitspace.measured import REFERENCE
from vitspace.words import plural, some

#: How much of the time of shipped hosts the reference network can take on a device: a thousandth and a thousand times
#: of what any CPU takes lie outside.
_REFERENCE = (0.1, 100.0)
#: How many times longer or shorter than elsewhere, relative to the reference, a device's networks can take, and one of
#: them than the others.
_MOST = 10.0
#: The same between a time and its prediction by the others, from which it is told.
_FAR = 1.5


def check_times(latency: CountedLatency, files: Sequence[str], path: Path) -> None:
    """Check that times can be milliseconds, all of them and each.

    Args:
        latency: Fitted to them.
        files: The network of each.
        path: Where they were read, for the error.

    Raises:
        InputError: they cannot.
    """
    elsewhere = reference_elsewhere(latency.known, latency.img_size)
    low, high = (share * elsewhere for share in _REFERENCE)
    if not low <= latency.reference_ms <= high:
        raise InputError(
            f"times are milliseconds, of which {REFERENCE} takes from {low:.3g} to {high:.3g} on one thread, but in "
            f"{path} it takes {latency.reference_ms:.3g}: is that another unit?"
        )
    off = latency.process.left[len(latency.known) :]
    usual = float(np.median(off))
    if abs(usual) > math.log(_MOST):
        raise InputError(
            f"times are milliseconds of networks and of {REFERENCE} alike, but in {path} networks take "
            f"{math.exp(usual):.3g} times as long beside {REFERENCE} as elsewhere: are the columns of two units?"
        )
    wrong = [i for i in np.argsort(-np.abs(off - usual)) if abs(off[i] - usual) > math.log(_MOST)]
    if wrong:
        told = [f"{files[i]} ({latency.own[i].ms:.3g} ms, {math.exp(off[i] - usual):.3g} times as long)" for i in wrong]
        raise InputError(
            f"a network takes about as long as the others let expect, but {path} has {some(told)}: delete such rows, "
            f"and run {SCRIPT} again, which times them anew"
        )


def far_words(latency: CountedLatency, files: Sequence[str]) -> str:
    """Name the networks whose times are far from their prediction by the others, the farthest first; empty of none."""
    logs = np.log1p(latency.own_errors)
    far = [i for i in np.argsort(-np.abs(logs)) if abs(logs[i]) > math.log(_FAR)]
    told = [f"{files[i]} (took {latency.own[i].ms:.3g} ms, expected {_expected(latency, i):.3g})" for i in far]
    count = f"{plural(len(far), 'time')} of {len(files)}"
    return f"{count} {'is' if len(far) == 1 else 'are'} far from what the others tell: {some(told)}" if far else ""


def _expected(latency: CountedLatency, row: int) -> float:
    return float(latency.own[row].ms * (1 + latency.own_errors[row]))
