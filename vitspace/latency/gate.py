"""The gate: whether a design is so far from a latency budget that it need not be measured.

A prediction is off by at most ``error`` (relative to the measurement) for 95 % of the designs that the calibration held
out, so that a design predicted at p takes between p / (1 + error) and p / (1 - error). Where all of that is outside the
budget, the design is rejected unmeasured; at most one in twenty of those at the budget's edge is rejected wrongly, and
none further inside. One such design in eight, chosen by its id, is measured all the same: a space of which everything
is predicted too slow is found out by measurement. What the predictor does not know is always measured.
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from vitspace.budget import ANY, Budget
from vitspace.errors import InputError
from vitspace.latency.backends import check_backend
from vitspace.latency.measuring import LatencySettings
from vitspace.spec import Spec

if TYPE_CHECKING:
    from vitspace.latency.calibration import Calibration

_log = logging.getLogger(__name__)

MEASURED_ANYWAY = 8


def predicted_violation(spec: Spec, settings: LatencySettings, budget: Budget) -> str:
    """Say why a design is beyond the latency budget by its prediction, or return an empty string: then measure it."""
    if budget.latency_ms == ANY or int(spec.id, 16) % MEASURED_ANYWAY == 0:
        return ""
    calibration = _usable(settings.backend)
    if calibration is None or not calibration.fits(settings):
        return ""
    prediction = calibration.predict(spec)
    fastest, slowest = prediction.ms / (1 + prediction.error), prediction.ms / max(1 - prediction.error, 1e-9)
    low, high = budget.latency_ms
    if prediction.outside or (fastest <= high and slowest >= low):
        return ""
    return f"predicted, not measured: {budget.violation(latency_ms=prediction.ms)}; {prediction}"


def predicted_within(budget: Budget, settings: LatencySettings) -> Callable[[Spec], bool]:
    """Return what says whether a design's predicted latency is within a budget.

    A design that does far more of something than any measured one is not: its prediction is worth nothing.

    Raises:
        InputError: this host is not calibrated for such settings.
    """
    from vitspace.latency.calibration import calibration_path, load_calibration

    check_backend(settings.backend)
    calibration = load_calibration(calibration_path(settings.backend))
    if not calibration.fits(settings):
        raise InputError(
            f"latency is predicted as it was calibrated, at {calibration.settings.img_size} pixels, "
            f"but the space is at {settings.img_size}"
        )
    low, high = budget.latency_ms

    def within(spec: Spec) -> bool:
        prediction = calibration.predict(spec)
        return low <= prediction.ms <= high and not prediction.outside

    return within


@cache
def _usable(backend: str) -> "Calibration | None":
    """Return this host's calibration; one that is refused is said once, and all designs are measured."""
    # scikit-learn takes a second to import, and most studies have no latency budget.
    from vitspace.latency.calibration import host_calibration

    try:
        return host_calibration(backend)
    except InputError as error:
        _log.warning("every design is measured, since the latency predictor cannot be used: %s", error)
        return None
