"""ONNX and OpenVINO against PyTorch, for a random design of every space at the top of its budget.

python tests/bench/parity.py [--spaces msg ems ...] [--format onnx] [--seed 0] [--out reports/bench/parity.csv]

Each is exported as `vitspace export` does, which fails where they disagree.
The six images are real, the batches 1, 2, 3.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from vitspace.design import Design
from vitspace.export import Model, export_folder
from vitspace.host import machine
from vitspace.space import load_space

#: FLOPs that the studies of each space search under.
BUDGETS = {
    "msg": "3.5G..4G",
    "ems": "0.5G..1G",
    "mat": "0.5G..1G",
    "partial": "1.5G..2G",
    "vt": "2G..4G",
    "transcnn": "3G..4G",
    "unified": "0.5G..1G",
    "hybrid": "0.5G..1G",
}


def main() -> None:
    """Export a design a space, print how near each is, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spaces", nargs="*", default=list(BUDGETS))
    parser.add_argument("--format", nargs="*", default=["onnx"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    rows = []
    for space in args.spaces:
        [spec] = load_space(space).draw(1, BUDGETS[space], args.seed)
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            record = export_folder(Model.of(Design(space, spec)), args.format, Path(folder) / "made")
        facts = {"space": space, "budget": BUDGETS[space], "spec_id": spec.id, "family": spec.family}
        facts |= {"params": record["params"], "macs": record["macs"], "seconds": time.monotonic() - start}
        for name, found in record["parity"].items():
            rows.append(facts | {"format": name} | {key: found[key] for key in [*list(found)[:4], "runtime"]})
            print({key: value for key, value in rows[-1].items() if key != "params"}, file=sys.stderr, flush=True)
        if args.out:
            pd.DataFrame(rows).to_csv(args.out, index=False)
    table = pd.DataFrame(rows)
    error = table["max_abs_error"] / table["largest_score"]
    print(f"{len(table)} exports: largest error {error.max():.2g} of the largest score")


if __name__ == "__main__":
    main()
