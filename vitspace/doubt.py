"""Why a measured latency is known badly, in words.

They stand apart from what measures: kept latencies hold as long as the code that they come from, and outlive a change
of these words.
"""

import logging
import math
from dataclasses import asdict
from typing import Any

from vitspace.measured import REFERENCE, UNSURE, Latency
from vitspace.precision import USUAL_PRECISION, format_precision
from vitspace.words import plural

_log = logging.getLogger(__name__)


def doubt_of(latency: Latency) -> str:
    """Say why a latency is known badly, or return an empty string."""
    if not latency.unsure:
        return ""
    if not latency.usual_sd:
        why = f"{REFERENCE} took {latency.reference_ms:.1f} ms, usually {latency.usual_ms:.1f} ms"
    else:
        why = f"{REFERENCE} was not timed here while nothing else ran"
    unknown = "" if latency.core_share is not None else ", and what share of its cores it had is not known"
    # What is not known of the usual speed alone makes milliseconds too long, never too short.
    too_long = latency.usual_sd and latency.high_ms / latency.median_ms - 1 <= UNSURE
    known = f"up to {latency.error:.0%} too long" if too_long else f"known to {latency.error:.0%}"
    return f"{known}: {why}{unknown}"


def shortfall_of(latency: Latency) -> str:
    """Say by how much the runs miss the precision that was asked for, and why, or return an empty string."""
    asked = latency.precision
    if asked is None or latency.runs_error <= asked:
        return ""
    times = f" in {latency.times} timings" if latency.times > 1 else ""
    reached = math.ceil(1e4 * latency.runs_error) / 1e4  # rounded up, it is not what was asked for
    return (
        f"its runs tell it to {format_precision(reached)} and not to {format_precision(asked)}: they vary too much, "
        f"and after {plural(latency.runs, 'run')}{times} no more were made"
    )


def facts_of(latency: Latency) -> dict[str, Any]:
    """Return what a trial keeps of a latency."""
    words = {"doubt": doubt_of(latency), "shortfall": shortfall_of(latency)}
    return asdict(latency) | {"runs_error": latency.runs_error} | words


def warn_of_doubt(name: str, latency: Latency) -> None:
    """Log that a network's latency is unsure, or told less well than was asked; the usual precision is not asked."""
    if latency.unsure:
        _log.warning("the latency of %s is unsure: %s", name, doubt_of(latency))
    if latency.precision != USUAL_PRECISION and (missed := shortfall_of(latency)):
        _log.warning("the latency of %s: %s", name, missed)
