"""Designs costed a second: as a population, one by one, and by counting whole networks with fvcore and torch's counter.

python tests/bench/costing.py [--space msg] [--designs 200000] [--out reports/bench/costing.csv]

The population and the single specs are costed twice, and the second time is timed: their parts are known by then.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from vitspace import load_space
from vitspace.costs import cost
from vitspace.machine.host import machine
from vitspace.network import build
from vitspace.space.population import Population
from vitspace.spec import Spec

REPEATS = 5


def seconds(run: Callable[[], object]) -> list[float]:
    """Time a call a few times."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return times


def with_torch(spec: Spec) -> None:
    """Count a whole network on the meta device with torch's counter."""
    with torch.device("meta"):
        network, image = build(spec).eval(), torch.empty(1, 3, 224, 224)
    with torch.no_grad(), FlopCounterMode(display=False):
        network(image)


def with_fvcore(spec: Spec) -> None:
    """Count a whole network with fvcore."""
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(build(spec).eval(), torch.zeros(1, 3, 224, 224))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none").total()


def main() -> None:
    """Run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="msg")
    parser.add_argument("--designs", type=int, default=200_000)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    space = load_space(args.space)
    population, specs = Population(space), space.draw(50, "4G")
    pool = population.random(4000, np.random.default_rng(0))
    rows = pool[np.random.default_rng(1).integers(len(pool), size=args.designs)]
    population.costs(pool)
    jobs = {
        "population": (args.designs, lambda: population.costs(rows)),
        "single specs": (len(specs), lambda: [cost(spec) for spec in specs]),
        "torch's counter, whole": (3, lambda: [with_torch(spec) for spec in specs[:3]]),
        "fvcore, whole": (3, lambda: [with_fvcore(spec) for spec in specs[:3]]),
    }
    table = []
    for name, (count, run) in jobs.items():
        run()
        rates = count / np.array(seconds(run))
        low, rate, high = np.percentile(rates, [0, 50, 100])
        table.append({"way": name, "designs": count, "per_second": rate, "lowest": low, "highest": high})
    whole = min(row["per_second"] for row in table[2:])
    for row in table:
        row["times_slowest_whole"] = row["per_second"] / whole
        print("  ".join(f"{key} {value:.6g}" if key != "way" else f"{value}:" for key, value in row.items()))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(table).to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
