"""Non-negative milliseconds for a unit of each kind of work, fitted to measured designs."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]


class Rates:
    """Milliseconds for a unit of each kind of work, and a constant, all non-negative; errors are relative.

    Args:
        work: [N, kinds].
        ms: [N].
    """

    def __init__(self, work: Floats, ms: Floats) -> None:
        scale = np.where(work.max(axis=0) > 0, work.max(axis=0), 1.0)
        rates, _ = nnls(_with_constant(work / scale) / ms[:, None], np.ones(len(ms)), maxiter=100 * work.shape[1])
        self.rates: Floats = rates / np.append(scale, 1.0)

    def terms(self, work: Floats) -> Floats:
        """Milliseconds by kind of work, [N, kinds + 1]."""
        return _with_constant(work) * self.rates

    def total(self, work: Floats) -> Floats:
        """Milliseconds, [N]."""
        return _with_constant(work) @ self.rates


def _with_constant(work: Floats) -> Floats:
    return np.hstack([work, np.ones((len(work), 1))])
