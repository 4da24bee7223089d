"""Latency on a quiet machine and beside busy processes: how far the corrected milliseconds move.

python tests/bench/restless.py [--backend eager --backend onnxruntime] [--busy 1 --busy 2 --busy 4] [--as-user]
    [--fresh] [--designs 20] [--run 1] [--out reports/bench/restless.csv]

Start it on a machine that does nothing else. Twenty designs of all families are exported and compiled once, and timed
quiet and beside one, two and four processes that multiply matrices. With --as-user the timed thread is refused
real-time priority, as a user's is who may not take it.

Latencies are stated at the usual speed of the quiet machine. With --fresh those beside busy processes are stated as the
first command of a user states them whose machine was never quiet: each with an empty cache. The rows of a run, of such
options and of a back end are made anew in the file; others in it stay.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd

from vitspace.anchors import anchor, list_anchors
from vitspace.latency import LatencySettings
from vitspace.latency.measuring import prepare_network, time_runners
from vitspace.latency.protocol import Runner
from vitspace.machine.host import machine
from vitspace.measured import UNSURE, Latency
from vitspace.network import build
from vitspace.space import load_space
from vitspace.spec import Spec

BUSY = "import numpy as np\na = np.ones((700, 700), np.float32)\nwhile True: a @ a"
HYBRIDS = 4
#: What tells the rows of one call from those of others in a file.
RUN = ["run", "as_user", "fresh", "backend"]


def designs() -> dict[str, Spec]:
    """Return sixteen published designs of all families, from the smallest to the largest, and four hybrids."""
    names = list_anchors(role="anchor")
    chosen = [names[i] for i in np.linspace(0, len(names) - 1, 16).astype(int)]
    hybrids = load_space("hybrid").draw(HYBRIDS, "0.5G..4G", seed=0)
    return {name: anchor(name).spec for name in chosen} | {f"hybrid-{spec.id[:6]}": spec for spec in hybrids}


@contextmanager
def beside(busy: int) -> Iterator[None]:
    """Keep processes busy meanwhile."""
    one_thread = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    processes = [subprocess.Popen([sys.executable, "-c", BUSY], env=one_thread) for _ in range(busy)]
    try:
        time.sleep(2.0 if busy else 0.0)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def rows(busy: int, settings: LatencySettings, prepared: dict[str, list[Runner]], fresh: bool) -> list[dict]:
    """Measure all designs beside so many busy processes, each with an empty cache or all with that of the bench."""
    found = []
    with beside(busy):
        for name, runners in prepared.items():
            if fresh:
                os.environ["VITSPACE_CACHE"] = tempfile.mkdtemp()
            start = time.monotonic()
            latency = time_runners(runners, settings)
            found.append({"design": name, "busy": busy, "seconds": time.monotonic() - start, "latency": latency})
            print(f"{settings.backend}, {busy} busy: {name} {latency.median_ms:.1f} ms", file=sys.stderr)
    return found


def table(found: list[dict], backend: str, fresh: bool, **run: str | int) -> pd.DataFrame:
    """State all measurements at the quiet machine's speed, or the busy ones as they are, each beside its quiet one."""
    usual = float(np.median([row["latency"].reference_ms for row in found if not row["busy"]]))
    latencies: list[Latency] = [
        row["latency"] if fresh and row["busy"] else row["latency"].at_usual(usual) for row in found
    ]
    frame = pd.DataFrame(
        {
            **run,
            "fresh": "yes" if fresh else "no",
            "backend": backend,
            "design": [row["design"] for row in found],
            "busy": [row["busy"] for row in found],
            "ms": [latency.median_ms for latency in latencies],
            "low_ms": [latency.low_ms for latency in latencies],
            "high_ms": [latency.high_ms for latency in latencies],
            "measured_ms": [latency.measured_ms for latency in latencies],
            "reference_ms": [latency.reference_ms for latency in latencies],
            "usual_sd": [row["latency"].usual_sd for row in found],
            "core_share": [latency.core_share for latency in latencies],
            "runs": [latency.runs for latency in latencies],
            "seconds": [row["seconds"] for row in found],
        }
    )
    quiet = frame[frame["busy"] == 0].set_index("design")
    for name in ("ms", "measured_ms"):
        frame[f"quiet_{name}"] = quiet[name].reindex(frame["design"]).to_numpy()
    return frame


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return, for each back end and number of busy processes, how far designs moved, and how often intervals hold."""
    lines = []
    for (backend, busy), group in frame.groupby(["backend", "busy"]):
        width = np.maximum(group["high_ms"] / group["ms"], group["ms"] / group["low_ms"]) - 1
        moved = np.abs(group["ms"] / group["quiet_ms"] - 1)
        seen = np.abs(group["measured_ms"] / group["quiet_measured_ms"] - 1)
        holds = (group["low_ms"] <= group["quiet_ms"]) & (group["quiet_ms"] <= group["high_ms"])
        lines.append(
            {
                "backend": backend,
                "busy": busy,
                "within_5": (moved <= 0.05).mean(),
                "within_10": (moved <= 0.10).mean(),
                "worst": moved.max(),
                "held": holds.mean(),
                "half_width": width.median(),
                "unsure": (width > UNSURE).mean(),
                "as_measured_within_10": (seen <= 0.10).mean(),
                "as_measured_worst": seen.max(),
                "seconds_a_design": group["seconds"].mean(),
            }
        )
    return pd.DataFrame(lines).round(3)


def among(frame: pd.DataFrame, out: Path) -> pd.DataFrame:
    """Return a table with the rows of a file that are of other runs, options or back ends before it, as they stand."""
    if not out.exists():
        return frame
    new, before = frame.astype(str), pd.read_csv(out, dtype=str)
    return pd.concat([before[~before.set_index(RUN).index.isin(new.set_index(RUN).index)], new])


def main() -> None:
    """Measure, print the summary, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", action="append", choices=["eager", "onnxruntime", "openvino"])
    parser.add_argument("--busy", action="append", type=int)
    parser.add_argument("--designs", type=int, default=20)
    parser.add_argument("--as-user", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--run", type=int, default=1, help="number of the run in the file")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    named = list(designs().items())
    specs = dict(named[i] for i in np.linspace(0, len(named) - 1, args.designs).astype(int))
    frames, run = [], {"run": args.run, "as_user": "yes" if args.as_user else "no"}
    if args.as_user:
        mock.patch.object(os, "sched_setscheduler", side_effect=PermissionError).start()
    for backend in args.backend or ["eager", "onnxruntime"]:
        os.environ["VITSPACE_CACHE"] = tempfile.mkdtemp()
        settings = replace(LatencySettings(), backend=backend)
        prepared = {name: prepare_network(build(spec), settings)[0] for name, spec in specs.items()}
        found = rows(0, settings, prepared, fresh=False)
        found += [row for busy in args.busy or (1, 2, 4) for row in rows(busy, settings, prepared, args.fresh)]
        frames.append(table(found, backend, args.fresh, **run))
    whole = pd.concat(frames)
    print(summary(whole).to_string(index=False), file=sys.stderr)
    (among(whole.round(3), args.out) if args.out else whole.round(3)).to_csv(args.out or sys.stdout, index=False)


if __name__ == "__main__":
    main()
