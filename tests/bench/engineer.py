"""A search with a latency budget beside busy processes, and what a quiet machine says of the same designs.

    python tests/bench/engineer.py [--busy 2] [--out reports/bench/engineer.csv] [--report reports/unified-2G-40ms]

Start it on a machine that does nothing else. Runs SEARCH beside processes that multiply matrices, from an empty cache
as a first user has it. Then each design that the search timed is timed once with nothing beside it, as `vitspace
profile` does, from an empty cache too. Prints which designs were rejected that the quiet machine lets pass, and how
many of the drawn ones keep the budget. The table has both latencies of each, stated at one usual speed of ResNet-18,
the faster one of the search and of now. Where the report is there already, the search is not run again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from restless import beside

from vitspace.latency import LatencySettings, measure
from vitspace.machine.host import machine
from vitspace.measured import Latency
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
    """Return the trials that were timed, with their latency in the search and now, both at one usual speed."""
    study = json.loads((report / "study.json").read_text())
    timed = [trial for trial in study["trials"] if trial["latency_ms"] is not None]
    with tempfile.TemporaryDirectory() as cache:
        os.environ["VITSPACE_CACHE"] = cache
        found = [time_now(study["specs"][trial["spec_id"]]) for trial in timed]
    usual = min(*(now.usual_ms for now in found), *(trial["latency"]["usual_ms"] for trial in timed))
    return pd.DataFrame([row(trial, now.at_usual(usual), usual) for trial, now in zip(timed, found, strict=True)])


def time_now(spec: dict[str, Any]) -> Latency:
    """Time a design with nothing beside it."""
    now = measure(Spec.from_dict(spec), LatencySettings(backend=BACKEND))
    print(f"{now.median_ms:.1f} ms where ResNet-18 takes {now.usual_ms:.1f} ms", file=sys.stderr)
    return now


def row(trial: dict[str, Any], now: Latency, usual: float) -> dict[str, Any]:
    """Return a trial's latency in the search and on the quiet machine, in milliseconds at a usual speed."""
    scale = usual / trial["latency"]["usual_ms"]
    return {
        "design": trial["anchor"] or f"trial {trial['number']}",
        "drawn": trial["anchor"] is None,
        "gflops": trial["macs"] / 1e9,
        "state": trial["state"],
        "measured_ms": trial["latency_measured_ms"],
        "search_ms": trial["latency_ms"] * scale,
        "search_low_ms": trial["latency_low_ms"] * scale,
        "search_high_ms": trial["latency_high_ms"] * scale,
        "quiet_measured_ms": now.measured_ms,
        "quiet_ms": now.median_ms,
        "quiet_low_ms": now.low_ms,
        "quiet_high_ms": now.high_ms,
        "usual_ms": usual,
    }


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
