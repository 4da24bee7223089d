"""Predicts the latency of any spec on this host from the work of its operations.

A first estimate is a sum over the kinds of work of a network (`vitspace.latency.work`), each with a non-negative rate
that is fitted to designs measured on this host. A Gaussian process then corrects it by a factor that depends on the
shares of the sum. Errors are relative in both fits: 1 ms counts more in 10 ms than in 100 ms.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize
from vitspace.latency.rates import Rates
from vitspace.latency.recorder import WORK
from vitspace.latency.samples import Floats, Measured
from vitspace.latency.work import work
from vitspace.spec import Spec

#: A design is outside the range if more than this share of its prediction is for work beyond any measured design's.
BEYOND = 0.05
#: Kinds of work whose share varies less than this are no feature.
_VARIES = 1e-4


class Model:
    """Rates and their correction, fitted on measured designs: work [N, kinds] -> milliseconds [N].

    Raises:
        InputError: by these milliseconds the work of a design would take no time.
    """

    def __init__(self, measured: Measured) -> None:
        self.rates = Rates(measured.work, measured.ms)
        terms = self.rates.terms(measured.work)
        if not (terms.sum(axis=1) > 0).all():
            raise InputError(
                "milliseconds of a calibration grow with work, but by those given that of a design takes none; make it "
                "anew by `vitspace profile --calibrate`"
            )
        spread = (terms / terms.sum(axis=1, keepdims=True)).std(axis=0)
        self._tells = spread > _VARIES
        self._scale = spread[self._tells].mean() if self._tells.any() else 1.0
        total = terms.sum(axis=1)
        self.correction = Correction(self._make_up(terms, total), np.log(measured.ms / total))

    def __call__(self, work: Floats) -> Floats:
        """Milliseconds of designs by their work."""
        terms = self.rates.terms(work)
        total = terms.sum(axis=1)
        return total * np.exp(self.correction(self._make_up(terms, total)))

    def _make_up(self, terms: Floats, total: Floats) -> Floats:
        """Shares of the sum by kind of work, and its logarithm, [N, features]."""
        shares = terms[:, self._tells] / (total[:, None] * self._scale)
        return np.hstack([shares, np.log(total)[:, None]])


class Correction:
    """A Gaussian process fitted to features [N, F] and values [N]: features -> mean [N].

    scikit-learn fits it. The mean is computed by numpy, in a hundredth of scikit-learn's time. Far from all measured
    designs it is the mean of the values.
    """

    def __init__(self, features: Floats, values: Floats) -> None:
        self.mean, spread = values.mean(), values.std() or 1.0
        process = _fit_process(features, (values - self.mean) / spread)
        signal = process.kernel_.k1
        self._length = signal.k2.length_scale
        self._known = process.X_train_ / self._length
        self._squares = (self._known**2).sum(axis=1)
        self._weights = process.alpha_ * signal.k1.constant_value * spread

    def __call__(self, features: Floats) -> Floats:
        """Mean at features [N, F], [N]."""
        asked = features / self._length
        distance = (asked**2).sum(axis=1)[:, None] + self._squares - 2 * asked @ self._known.T
        return self.mean + np.exp(-distance / 2) @ self._weights


class LatencyPredictor:
    """Predicts latency; fitting takes a second or two.

    Args:
        measured: Measured designs.
        img_size: Side of the image in pixels.
    """

    def __init__(self, measured: Measured, img_size: ImageSize = 224) -> None:
        self.img_size = img_size
        self.model = Model(measured)
        self.most = measured.work.max(axis=0)

    def predict(self, specs: Sequence[Spec]) -> Floats:
        """Milliseconds of specs, [N]."""
        return self.model(np.array([work(spec, self.img_size) for spec in specs]))

    def look_at(self, spec: Spec) -> tuple[float, str]:
        """Return a design's milliseconds, and the kind of work that puts it outside the range, or an empty string."""
        amount = work(spec, self.img_size)
        return float(self.model(amount[None])[0]), self._outside(amount)

    def _outside(self, amount: Floats) -> str:
        if (amount <= self.most).all():
            return ""
        unheard = [WORK[i] for i in np.flatnonzero((self.most == 0) & (amount > 0))]
        if unheard:
            return f"no measured design has {', '.join(unheard)}"
        inside = np.minimum(amount, self.most)
        terms, total = self.model.rates.terms((amount - inside)[None])[0, :-1], self.model.rates.total(amount[None])[0]
        if terms.sum() <= BEYOND * total:
            return ""
        kind = int(np.argmax(terms))
        times = amount[kind] / self.most[kind]
        share = f"{terms.sum() / total:.0%} of it is for more work than any measured design has"
        return f"{share}: {times:.1f} times the {WORK[kind]}"


def _fit_process(features: Floats, values: Floats) -> GaussianProcessRegressor:
    kernel = ConstantKernel(0.01, (1e-5, 1.0)) * RBF(5.0, (1.0, 100.0)) + WhiteKernel(1e-3, (1e-5, 0.1))
    with warnings.catch_warnings():
        # scikit-learn warns if the fitted noise is at its bound, as it is when the sum is nearly exact.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianProcessRegressor(kernel).fit(features, values)


@dataclass(frozen=True)
class LatencyPrediction:
    """Predicted latency of a design, with the predictor's error.

    Attributes:
        ms: Milliseconds.
        error: 95th percentile of the errors on held-out designs, relative to the measurement.
        within_10: Share of held-out designs predicted within 10 %.
        designs: Number of held-out designs.
        family: Their family: the design's own, or ``all`` if no design of that family was measured.
        outside: The kind of work that the design does more of than any measured design, or an empty string.
        reference_ms: Milliseconds of the reference network at the speed for which ``ms`` is stated.
    """

    ms: float
    error: float
    within_10: float
    designs: int
    family: str
    outside: str
    reference_ms: float

    def at_speed(self, reference_ms: float) -> "LatencyPrediction":
        """Return the prediction for a machine that takes ``reference_ms`` for the reference network."""
        return replace(self, ms=self.ms * reference_ms / self.reference_ms, reference_ms=reference_ms)

    @property
    def worth(self) -> str:
        """Say how far the prediction may be trusted."""
        return f"95 % of {self.designs} held-out designs ({self.family}) are within {self.error:.0%}"

    def __str__(self) -> str:
        """Return the prediction in one line."""
        return f"{self.ms:.1f} ms ({self.worth}{f'; OUTSIDE its range: {self.outside}' if self.outside else ''})"
