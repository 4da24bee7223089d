"""Designs drawn a second within a budget, once the space is explored, and a rejection sampler beside it.

python tests/bench/drawing.py [--n 20000] [--out reports/bench/drawing.csv]

The peer draws every axis uniformly and keeps what is valid and fits, as tools without exact sampling do; it is stopped
after some seconds, and its rate is of what it kept.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from vitspace import load_space
from vitspace.costs import cost
from vitspace.machine.host import machine
from vitspace.space import InvalidDesign, Space

BUDGETS = {"unified": "2G..4G", "hybrid": "0.98G..1.02G", "msg": "3.9G..4G", "vt": "1.5G..1.52G"}
SECONDS = 20.0


def rejected(space: Space, low: float, high: float) -> float:
    """Designs a second that independent uniform values, checked one by one, give."""
    rng, kept, began = np.random.default_rng(0), set(), time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        try:
            spec = space.decode(space.choose(lambda v: v.values[rng.integers(len(v.values))]))
        except InvalidDesign:
            continue
        if low <= cost(spec).macs <= high:
            kept.add(spec)
    return len(kept) / SECONDS


def main() -> None:
    """Run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = []
    for name, budget in BUDGETS.items():
        space = load_space(name)
        low, high = (float(bound.strip("G")) * 1e9 for bound in budget.split(".."))
        space.draw(options.n, budget, seed=1)  # explored, ranked, and its parts made
        began = time.perf_counter()
        specs = space.draw(options.n, budget, seed=0)
        seconds = time.perf_counter() - began
        inside = sum(low <= cost(spec).macs <= high for spec in specs)
        row = {
            "space": name,
            "budget": budget,
            "designs": space.size(),
            "designs_in_budget": space.size(budget),
            "drawn": len(specs),
            "distinct": len(set(specs)),
            "inside": inside,
            "per_second": round(len(specs) / seconds),
            "rejection_per_second": round(rejected(space, low, high), 2),
        }
        rows.append(row)
        print(row, flush=True)
    print(machine(), file=sys.stderr)
    if options.out:
        pd.DataFrame(rows).to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
