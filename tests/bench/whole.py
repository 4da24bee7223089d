"""Random designs of all spaces, costed by parts, against whole networks counted by torch's counter.

python tests/bench/whole.py [--designs 1000] [--budget ..8G] [--out reports/bench/whole.csv] [--processes 2]

Params are to be equal to the unit; the largest relative error of the multiply-adds is printed.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from vitspace.costs import CONVENTION, cost
from vitspace.files import data_names
from vitspace.machine.host import machine
from vitspace.network import build
from vitspace.space import load_space
from vitspace.spec import Spec


def whole(spec: Spec) -> tuple[int, int]:
    """Params and multiply-adds of the whole network."""
    with torch.device("meta"):
        network, image = build(spec).eval(), torch.empty(1, 3, 224, 224)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(image)
    return sum(p.numel() for p in network.parameters()), counter.get_total_flops() // 2


def rows(space: str, count: int, budget: str | None, seed: int) -> list[dict]:
    """Both counts of random designs of one space."""
    torch.set_num_threads(1)
    found = []
    for spec in load_space(space).draw(count, budget, seed):
        costs, (params, macs) = cost(spec), whole(spec)
        counts = {"params": costs.params, "params_whole": params, "macs": costs.macs, "macs_whole": macs}
        found.append({"space": space, "spec_id": spec.id} | counts)
    return found


def main() -> None:
    """Count, print the worst errors, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--designs", type=int, default=1000)
    parser.add_argument("--budget", help="FLOPs of the designs, such as ..8G; none is all")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    names, start, found = data_names("spaces"), time.monotonic(), []
    shares = [args.designs * (i + 1) // len(names) - args.designs * i // len(names) for i in range(len(names))]
    with ProcessPoolExecutor(args.processes) as pool:
        for name, part in zip(
            names, pool.map(partial(rows, budget=args.budget, seed=args.seed), names, shares), strict=True
        ):
            found += part
            print(f"{name}: {len(part)} designs, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    table = pd.DataFrame(found)
    wrong = int((table["params"] != table["params_whole"]).sum())
    error = (table["macs"] / table["macs_whole"] - 1).abs()
    print(f"{len(table)} random designs of {', '.join(names)}: params differ in {wrong}, worst FLOPs error", end=" ")
    print(f"{error.max():.2e} ({table.loc[error.idxmax(), 'spec_id']}); {CONVENTION}")
    if args.out:
        table.to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
