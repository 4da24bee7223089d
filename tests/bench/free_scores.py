"""Seconds that all training-free scores of a design take together, beside a forward pass of the same network.

python tests/bench/free_scores.py [--rounds 3] [--threads 1] [--out reports/bench/free_scores.csv] [NAME ...]

Without names, the 22 main anchors. Each round goes through all of them; the first design's first scoring, which loads
code and makes the images, is left out. `processor` is processor time, which other work on the machine changes less;
`forwards` is its ratio to the processor time of one forward pass of one image, run right after it.
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

from vitspace.anchors.references import main_anchors
from vitspace.families import anchor
from vitspace.machine.host import machine
from vitspace.network import build
from vitspace.proxies.scores import SCORES, Subject, measure
from vitspace.spec import Spec

REPEATS = 3


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Return wall and processor seconds of a call."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor


def forward_seconds(spec: Spec) -> float:
    """Return the processor seconds of a forward pass of one image, the least of a few."""
    network, image = build(spec).eval(), torch.zeros(1, 3, 224, 224)
    with torch.inference_mode():
        network(image)
        return min(timed(lambda: network(image))[1] for _ in range(REPEATS))


def row(name: str, times: list[tuple[float, float, float]]) -> dict[str, object]:
    """Return a line of the table: median, least and most over the rounds."""
    columns = dict(zip(("seconds", "processor", "forwards"), np.array(times).T, strict=True))
    spread = {
        f"{what}{suffix}": round(float(np.percentile(values, share)), 3)
        for what, values in columns.items()
        for suffix, share in (("", 50), ("_least", 0), ("_most", 100))
    }
    return {"design": name, "runs": len(times), **spread}


def main() -> None:
    """Run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(args.threads)
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    anchors = [anchor(name) for name in args.names] or main_anchors()
    specs = {each.id: each.spec for each in anchors if each.spec}
    measure(Subject.of_spec(next(iter(specs.values()))))
    times: dict[str, list[tuple[float, float, float]]] = {name: [] for name in specs}
    for number in range(args.rounds):
        for name, spec in specs.items():
            wall, processor = timed(lambda spec=spec: measure(Subject.of_spec(spec), SCORES))
            times[name].append((wall, processor, processor / forward_seconds(spec)))
            print(f"round {number + 1}  {name}: {wall:.2f} s, {processor:.2f} s of processor", file=sys.stderr)
    every = [values for each in times.values() for values in each]
    table = pd.DataFrame([row(name, values) for name, values in {**times, "all": every}.items()])
    print(table.to_string(index=False))
    if args.out:
        table.to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
