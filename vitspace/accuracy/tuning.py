"""Tuning the scales of both processes, by the marginal likelihood of the public rows of the table.

python -m vitspace.accuracy.tuning

It takes about a minute. What it prints goes to `predictor`; the prior on the logarithms of the scales is weak.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from vitspace.accuracy.features import LAW, SHAPE, Array
from vitspace.accuracy.predictor import Predictor
from vitspace.accuracy.process import Process, Scales
from vitspace.accuracy.table import published

START = Scales(sizes=0.2, others=0.03, recipe=0.1, recipe_slope=0.03, family=0.07, noise=0.05, bend=0.08, length=4.0)
#: Of the logarithms' prior, as 1 / (2 sd^2).
_PRIOR = 0.05
_ROUNDS = 25
_REACH = 3.0


def tune(process: Process, bends: bool) -> Scales:
    """Return the scales of largest marginal likelihood (Rasmussen and Williams, eq. 5.8) near `START`."""
    start = np.log(START if bends else START[:6])

    def loss(logs: Array) -> float:
        process.scales = _scales(logs)
        covariance = process.covariance(process.inputs, process.inputs)
        covariance += (process.scales.noise**2 + 1e-8) * np.eye(len(covariance))
        factor = cho_factor(covariance, lower=True)
        fit = process.log_errors @ cho_solve(factor, process.log_errors)
        return float(fit / 2 + np.log(np.diag(factor[0])).sum() + _PRIOR * ((logs - start) ** 2).sum())

    bounds = [(value - _REACH, value + _REACH) for value in start]
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds, options={"maxiter": _ROUNDS})
    return _scales(found.x)


def _scales(logs: Array) -> Scales:
    return Scales(*np.exp(logs).tolist())


def main() -> None:
    """Print the scales of both processes."""
    model = Predictor([row for row in published() if row.public])
    for name, process, bends in zip(("law", "shape"), model.processes, (False, True), strict=True):
        scales = tune(process, bends)
        values = ", ".join(f"{field}={value:.3g}" for field, value in scales._asdict().items())
        print(f"{name} ({len(LAW if name == 'law' else SHAPE)} features): {values}")


if __name__ == "__main__":
    main()
