"""The audit of all anchors: our count beside fvcore's and torch's, operator by operator.

python tests/bench/audit.py [--out reports/bench/audit]

Writes OUT.csv, a row an anchor and operator, and OUT.md, a row an anchor.
"""

import argparse
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from vitspace.costs import CONVENTION
from vitspace.costs.audit import COUNTERS, audit
from vitspace.families import anchor, list_anchors
from vitspace.machine.host import machine


def markdown(table: pd.DataFrame, ignored: dict[str, Counter[str]]) -> str:
    """A row an anchor: the three counts, how far they are apart, and what else fvcore counts."""
    left_out = "; ".join(f"{counter}: {', '.join(sorted(ignored[counter]))}" for counter in COUNTERS)
    lines = [
        f"Convention: {CONVENTION}. Ours is the sum over parts; by operator all three stand in audit.csv, and they are "
        "equal for each operator of the convention. The last column is what fvcore counts beside it: norms, upsampling "
        "and sampling. All three run the plain graph at 224 pixels.",
        "",
        f"Operators that ran without being counted, reshaping aside. {left_out}.",
        "",
        "| anchor | ours | fvcore | torch | largest difference | fvcore beyond the convention |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, rows in table.groupby("anchor", sort=False):
        by = rows.set_index("operator")
        ours, fvcore, torchs = (int(by.loc["counted", who]) for who in ("ours", "fvcore", "torch"))
        off = max(abs(fvcore - ours), abs(torchs - ours)) / ours
        beyond = int(by.loc["total", "fvcore"]) / fvcore - 1
        lines.append(f"| {name} | {ours:,} | {fvcore:,} | {torchs:,} | {off:.2%} | {beyond:.1%} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Count all anchors and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    rows, ignored = [], {counter: Counter() for counter in COUNTERS}
    for name in list_anchors("anchor"):
        spec = anchor(name).spec
        if spec is not None:
            found = audit(spec)
            rows += [{"anchor": name} | asdict(row) for row in found.rows]
            for counter, times in found.ignored.items():
                ignored[counter].update(times)
            print(name, file=sys.stderr, flush=True)
    table = pd.DataFrame(rows).astype(dict.fromkeys(("ours", "fvcore", "torch"), "Int64"))
    print(markdown(table, ignored), end="")
    if args.out:
        table.to_csv(args.out.with_suffix(".csv"), index=False)
        args.out.with_suffix(".md").write_text(f"# The audit of all anchors\n\n{markdown(table, ignored)}")


if __name__ == "__main__":
    main()
