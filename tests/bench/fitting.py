"""How long the predictor of top-1 takes to fit on the shipped table.

    OMP_NUM_THREADS=1 python tests/bench/fitting.py --times 5

The table is read before, and the libraries are loaded. With the fit come the widths of its intervals, for which every
network is predicted without its family.
"""

import argparse
import statistics
import time

from vitspace.accuracy.predictor import Predictor
from vitspace.accuracy.table import published
from vitspace.machine.host import machine


def fit_seconds(times: int) -> list[float]:
    """Seconds of each of some fits, of which the first also warms up."""
    rows, found = published(), []
    for _ in range(times):
        began = time.perf_counter()
        _ = Predictor(rows).factors
        found.append(time.perf_counter() - began)
    return found


def main() -> None:
    """Fit, and print seconds and the machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    args = parser.parse_args()
    print(" ".join(f"{key}={value}" for key, value in machine().items()))
    first, *others = fit_seconds(args.times)
    print(f"{len(published())} networks: {first:.2f} s at first, then {statistics.median(others or [first]):.2f} s")


if __name__ == "__main__":
    main()
