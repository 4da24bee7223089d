"""Rejects designs whose predicted latency is so far outside a budget that no measurement is needed.

The error of a prediction, relative to the measurement, is at most ``error`` for 95 % of the held-out designs of the
calibration. So a design predicted at p takes between p / (1 + error) and p / (1 - error), or less while the reference
network was never timed on a quiet machine. If that interval is outside the budget, the design is rejected without a
measurement. At most one in twenty designs at the edge of the budget is rejected wrongly, and none far inside it.

Predictions are stated at the reference network's usual speed on this host, as measurements are, whatever its speed was
on the day of the calibration. One in eight of the rejected designs, chosen by its id, is measured nevertheless, so that
a predictor that is too pessimistic for a whole space is noticed. A design outside the range of the predictor is always
measured. On another device nothing is measured.
"""

import logging
import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from vitspace.budget import ANY, Budget
from vitspace.errors import InputError
from vitspace.image_sizes import format_image_size
from vitspace.latency.backends import check_backend
from vitspace.latency.measuring import LatencySettings, usual_ms, usual_speed
from vitspace.sized import plain
from vitspace.spec import Spec

if TYPE_CHECKING:
    from vitspace.latency.calibration import Calibration
    from vitspace.latency.counted import CountedPrediction
    from vitspace.latency.predictor import LatencyPrediction

_log = logging.getLogger(__name__)

MEASURED_ANYWAY = 8


def predicted_violation(spec: Spec, settings: LatencySettings, budget: Budget) -> str:
    """Say why a design is rejected by its predicted latency; an empty string if it has to be measured."""
    if budget.latency_ms == ANY or (not budget.device and int(plain(spec).id, 16) % MEASURED_ANYWAY == 0):
        return ""
    predict = _predictor(settings, budget.device)
    if predict is None:
        return ""
    prediction, here = predict(spec), None if budget.device else usual_speed(settings)
    fastest = prediction.ms / (1 + prediction.error) / (here.factor if here else 1.0)
    slowest = prediction.ms / max(1 - prediction.error, 1e-9)
    low, high = budget.latency_ms
    if prediction.outside or (fastest <= high and slowest >= low):
        return ""
    return f"predicted, not measured: {budget.violation(latency_ms=prediction.ms)}; {prediction}"


class HostPredictor:
    """Predicts latency on this host at the reference network's usual speed.

    Args:
        calibration: The calibration of this host.
        settings: Settings of the timing that is predicted.

    Attributes:
        reference_ms: Usual milliseconds of the reference network on this host.

    Raises:
        InputError: the calibration is of other settings.
    """

    def __init__(self, calibration: "Calibration", settings: LatencySettings) -> None:
        if not calibration.fits(settings):
            raise InputError(
                f"latency is predicted at the image size of the calibration, "
                f"{format_image_size(calibration.settings.img_size)} pixels, but got "
                f"{format_image_size(settings.img_size)}"
            )
        self._calibration = calibration
        self.reference_ms = usual_ms(settings) or calibration.measured.reference_ms

    @classmethod
    def here(cls, settings: LatencySettings) -> "HostPredictor":
        """Return the predictor of this host.

        Raises:
            InputError: this host is not calibrated for such settings.
        """
        from vitspace.latency.calibration import calibration_path, load_calibration

        check_backend(settings.backend)
        return cls(load_calibration(calibration_path(settings.backend)), settings)

    def __call__(self, spec: Spec) -> "LatencyPrediction":
        """Predict a design."""
        return self._calibration.predict(spec).at_speed(self.reference_ms)


class PredictedWithin:
    """Says whether a design's predicted latency is within a budget.

    A design outside the predictor's range, which does far more of some kind of work than any measured design, is not
    within the budget.

    Attributes:
        least: Smallest prediction so far, in ms; ``most`` is the largest.

    Raises:
        InputError: this host is not calibrated for such settings, there is no such device, or it was timed for images
            of another size.
    """

    def __init__(self, budget: Budget, settings: LatencySettings) -> None:
        self.predict: Callable[[Spec], LatencyPrediction | CountedPrediction] = (
            _on_device(budget.device, settings) if budget.device else HostPredictor.here(settings)
        )
        self.low, self.high = budget.latency_ms
        self.least, self.most = math.inf, 0.0

    def __call__(self, spec: Spec) -> bool:
        """Return whether the predicted latency of a design is within the budget."""
        prediction = self.predict(spec)
        self.least, self.most = min(self.least, prediction.ms), max(self.most, prediction.ms)
        return self.low <= prediction.ms <= self.high and not prediction.outside

    def __str__(self) -> str:
        """Return the limit, and the range of the predictions so far, in words."""
        return f"predicted latency ({self.least:.1f} to {self.most:.1f} ms)"


def _on_device(name: str, settings: LatencySettings) -> "Callable[[Spec], LatencyPrediction | CountedPrediction]":
    # scipy takes a while to import, and most studies have no latency budget.
    from vitspace.latency.devices import device_at

    return device_at(name, settings.img_size).predict


def _predictor(
    settings: LatencySettings, device: str = ""
) -> "Callable[[Spec], LatencyPrediction | CountedPrediction] | None":
    """Return what predicts a design best here, or on a device; None where nothing does."""
    if device:
        return _on_device(device, settings)
    # scipy takes a while to import, and most studies have no latency budget.
    from vitspace.latency.counted import CountedLatency, unknown

    calibrated = _usable(settings)
    if calibrated or unknown(settings):
        return calibrated
    return CountedLatency.here(settings).look_at


@cache
def _usable(settings: LatencySettings) -> HostPredictor | None:
    """Return this host's calibrated predictor, or None; the reason is logged once."""
    # scikit-learn takes a second to import, and most studies have no latency budget.
    from vitspace.latency.calibration import host_calibration

    try:
        calibration = host_calibration(settings.backend)
    except InputError as error:
        _log.warning("the latency predictor of this host cannot be used: %s", error)
        return None
    return HostPredictor(calibration, settings) if calibration and calibration.fits(settings) else None
