"""Training-free scores on this machine beside the committed ones: how far another kind of CPU is from them.

python tests/bench/score_parity.py [--designs mat_1 vt_r18 ...] [--out reports/bench/score_parity.csv]

A committed score is of two cores of an AMD EPYC. Seed, weights and images are the same here, so what differs is
rounding and what a score makes of it. The designs are the smallest anchor of every family and two peers unless others
are named.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
import torch

from vitspace.fidelity.designs import PublishedDesign, designs
from vitspace.machine.host import machine
from vitspace.proxies.score_tables import ScoreRow, committed_rows
from vitspace.proxies.scores import measure

SMALL = ["msg_tiny", "emsnet_xxtiny", "mat_1", "partialformer_b0", "vt_r18_adv", "transcnn_small"]
SMALL += ["convnextv2_atto", "mobilevit_xxs"]


def rows_of(design: PublishedDesign, committed: list[ScoreRow]) -> list[dict[str, object]]:
    """Score a design as its committed rows were, and return one row a score with the relative difference."""
    known = {row.proxy: row.value for row in committed if row.spec == design.subject.name and row.value is not None}
    values = measure(design.subject, tuple(known)).values
    return [
        {
            "name": design.name,
            "proxy": proxy,
            "committed": known[proxy],
            "here": here,
            "relative": abs(here / known[proxy] - 1),
        }
        for proxy, here in values.items()
    ]


def main() -> None:
    """Score the designs on one thread, print the largest difference of each score, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--designs", nargs="+", default=SMALL)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    committed = [row for row in committed_rows() if not row.trained and (row.seed, row.init) == (0, "own")]
    known = {design.name: design for design in designs()}
    chosen = [known[name] for name in args.designs]
    table = pd.DataFrame([row for design in chosen for row in rows_of(design, committed)])
    worst = table.loc[table.groupby("proxy")["relative"].idxmax()].sort_values("relative", ascending=False)
    print(worst.to_string(index=False, float_format=lambda value: f"{value:.6g}"))
    if args.out:
        table.to_csv(args.out, index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
