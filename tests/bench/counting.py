"""Counting stages: outputs made from shapes, against torch's own kernels for the meta device.

python tests/bench/counting.py [--rounds 3] [--out reports/bench/counting.csv]

The stages of a family's published designs are counted anew, nothing remembered, both ways by turns; milliseconds of
processor time a stage. Both ways count the same, or it ends.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pandas as pd

from vitspace.anchors import all_anchors
from vitspace.costs import cost, counter, parts, shapes
from vitspace.families import anchor
from vitspace.machine.host import machine
from vitspace.spec import Spec

WAYS = {"shapes": shapes.put_out, "torch": lambda func, args, kwargs: (func(*args, **kwargs), None)}
REMEMBERING = (parts.count_stem, parts.count_stage, parts.count_head, parts._neutral, parts._added, parts._count_probe)


def families() -> dict[str, list[Spec]]:
    """Return the published designs of each family."""
    specs = [anchor(row.id).spec for row in all_anchors().values() if row.parts]
    return {family: [s for s in specs if s.family == family] for family in dict.fromkeys(s.family for s in specs)}


def count(specs: list[Spec], way: Callable) -> tuple[list[int], float]:
    """Return each design's multiply-adds, and milliseconds of processor time a counted stage."""
    for function in REMEMBERING:
        function.cache_clear()
    shapes._KNOWN.clear()
    counter._MACS.clear()
    with mock.patch.object(counter, "put_out", way), mock.patch.object(parts, "remembered", _anew):
        began = time.process_time()
        macs = [cost(spec).macs for spec in specs]
        spent = time.process_time() - began
    return macs, spent * 1000 / parts._count_probe.cache_info().misses


def _anew(part: object, context: object, find: object) -> dict:
    return find()


def main() -> None:
    """Count every family both ways by turns, and write the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    print(" ".join(f"{key}={value}" for key, value in machine().items()))
    rows = []
    for family, specs in families().items():
        count(specs, WAYS["shapes"])  # code is loaded
        for _ in range(args.rounds):
            found = {name: count(specs, way) for name, way in WAYS.items()}
            assert found["shapes"][0] == found["torch"][0], family
            rows.append({"family": family, **{way: ms for way, (_, ms) in found.items()}})
    table = pd.DataFrame(rows)
    table["ratio"] = table["torch"] / table["shapes"]
    shown = table.groupby("family", sort=False).agg(["median", "min", "max"])
    shown.columns = [f"{name}_{what}" for name, what in shown.columns]
    print(shown.round(2).to_string())
    if args.out:
        shown.round(3).to_csv(args.out)


if __name__ == "__main__":
    main()
