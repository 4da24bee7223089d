"""A search with a latency budget beside busy processes, and what a quiet machine says of the same designs.

    python tests/bench/engineer.py [--busy 2] [--out reports/bench/engineer.csv] [--report reports/unified-2G-40ms]

Start it on a machine that does nothing else. Runs SEARCH beside processes that multiply matrices, from an empty cache
as a first user has it. Then each design that the search timed is timed once with nothing beside it, as `vitspace
profile` does, from an empty cache too. Prints which designs were rejected that the quiet machine lets pass, and how
many of the drawn ones keep the budget; the table has both latencies of each. Where the report is there already, the
search is not run again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from restless import beside

from vitspace.latency import LatencySettings, measure
from vitspace.machine.host import machine
from vitspace.spec import Spec

BUDGET_MS, BACKEND = 40, "onnxruntime"
SEARCH = ["--space", "unified", "--budget", "2G", "--latency", f"{BUDGET_MS}ms", "--latency-backend", BACKEND]


def search(report: Path, busy: int) -> float:
    """Run the search beside busy processes, and return its seconds."""
    with beside(busy), tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-m", "vitspace", "search", *SEARCH, "--study", report.name, "--out", str(report)]
        start = time.monotonic()
        subprocess.run(command, env=os.environ | {"VITSPACE_CACHE": cache}, check=True)
        return time.monotonic() - start


def quiet(report: Path) -> pd.DataFrame:
    """Return the trials that were timed, with their latency in the search and now."""
    study = json.loads((report / "study.json").read_text())
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        os.environ["VITSPACE_CACHE"] = cache
        for trial in study["trials"]:
            if trial["latency_ms"] is None:
                continue
            now = measure(Spec.from_dict(study["specs"][trial["spec_id"]]), LatencySettings(backend=BACKEND))
            rows.append(
                {
                    "design": trial["anchor"] or f"trial {trial['number']}",
                    "drawn": trial["anchor"] is None,
                    "gflops": trial["macs"] / 1e9,
                    "state": trial["state"],
                    "measured_ms": trial["latency_measured_ms"],
                    "search_ms": trial["latency_ms"],
                    "search_low_ms": trial["latency_low_ms"],
                    "search_high_ms": trial["latency_high_ms"],
                    "quiet_ms": now.median_ms,
                    "quiet_low_ms": now.low_ms,
                    "quiet_high_ms": now.high_ms,
                }
            )
            print(f"{rows[-1]['design']}: {trial['latency_ms']:.1f} ms, quiet {now.median_ms:.1f} ms", file=sys.stderr)
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame) -> list[str]:
    """Return what the table says, a line each."""
    passes = table["quiet_ms"] <= BUDGET_MS
    rejected = table["state"] == "over_budget"
    drawn = table[table["drawn"]]
    wrong = table.loc[rejected & passes, "design"].tolist()
    held = ((table["search_low_ms"] <= table["quiet_ms"]) & (table["quiet_ms"] <= table["search_high_ms"])).mean()
    return [
        f"{len(table)} designs timed, {len(drawn)} of them drawn; {rejected.sum()} rejected for their latency",
        f"rejected though a quiet machine lets them pass: {', '.join(wrong) or 'none'}",
        f"drawn designs within {BUDGET_MS} ms on a quiet machine: {(passes & table['drawn']).sum()} of {len(drawn)}",
        f"intervals of the search that hold the quiet latency: {held:.0%}",
    ]


def main() -> None:
    """Run the search and time its designs again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busy", type=int, default=2)
    parser.add_argument("--report", type=Path, default=Path("reports/unified-2G-40ms"))
    parser.add_argument("--out", type=Path, default=Path("reports/bench/engineer.csv"))
    arguments = parser.parse_args()
    print(machine())
    if not (arguments.report / "study.json").exists():
        print(f"search beside {arguments.busy} busy processes: {search(arguments.report, arguments.busy):.0f} s")
    table = quiet(arguments.report)
    table.round(3).to_csv(arguments.out, index=False)
    print(table.round(1).to_string(index=False))
    print("\n".join(summary(table)))


if __name__ == "__main__":
    main()
