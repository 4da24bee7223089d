"""Tuning the scales of latency from what is counted, by the marginal likelihood of the shipped designs.

python -m vitspace.latency.tuning

What it prints goes to `counted`; the prior on the logarithms of the scales is weak.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from vitspace.latency.counted import CountedLatency
from vitspace.latency.process import TimeProcess, TimeScales
from vitspace.latency.rates import Floats
from vitspace.latency.table import shipped
from vitspace.latency.timed import TimedDesign

#: Of the logarithms' prior, as 1 / (2 sd^2).
_PRIOR = 0.5
_REACH = 2.5
_ROUNDS = 60


def tune(known: Sequence[TimedDesign], start: TimeScales) -> TimeScales:
    """Return the scales of largest marginal likelihood near ``start``."""
    fitted = CountedLatency(known, (), 1.0, start).process
    logs = np.log(start)

    def loss(moved: Floats) -> float:
        process = TimeProcess(_scales(moved), fitted.inputs, fitted.logs, fitted.sds)
        return float(_PRIOR * ((moved - logs) ** 2).sum()) - process.likelihood()

    bounds = [(value - _REACH, value + _REACH) for value in logs]
    return _scales(minimize(loss, logs, method="L-BFGS-B", bounds=bounds, options={"maxiter": _ROUNDS}).x)


def _scales(logs: Floats) -> TimeScales:
    return TimeScales(*np.exp(logs).tolist())


def main() -> None:
    """Print the scales of each back end."""
    for backend in sorted({row.backend for row in shipped()}):
        known = [row for row in shipped() if row.backend == backend]
        values = ", ".join(f"{field}={value:.3g}" for field, value in tune(known, TimeScales())._asdict().items())
        print(f"{backend} ({len(known)} designs, {len({row.host for row in known})} hosts): {values}")


if __name__ == "__main__":
    main()
