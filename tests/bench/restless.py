"""Latency on a quiet machine and beside busy processes: how far the corrected milliseconds move.

python tests/bench/restless.py [--backend eager --backend onnxruntime] [--busy 1 --busy 2 --busy 4] [--as-user]
    [--out reports/bench/restless.csv]

Start it on a machine that does nothing else. Twenty designs of all families are exported and compiled once, and timed
quiet and beside one, two and four processes that multiply matrices. With --as-user the timed thread has no real-time
priority, as for a user who may not take it; a process of root's gives that right up first.
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

import numpy as np
import pandas as pd

from vitspace.anchors import anchor, list_anchors
from vitspace.latency import LatencySettings
from vitspace.latency.measuring import prepare_network, time_runners
from vitspace.latency.protocol import Runner
from vitspace.machine.host import machine
from vitspace.measured import Latency
from vitspace.network import build
from vitspace.space import load_space
from vitspace.spec import Spec

#: Nobody, who may not take real-time priority.
NOBODY = 65534
BUSY = "import numpy as np\na = np.ones((700, 700), np.float32)\nwhile True: a @ a"
HYBRIDS = 4


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


def rows(busy: int, settings: LatencySettings, prepared: dict[str, list[Runner]]) -> list[dict]:
    """Measure all designs beside so many busy processes."""
    found = []
    with beside(busy):
        for name, runners in prepared.items():
            start = time.monotonic()
            latency = time_runners(runners, settings)
            found.append({"design": name, "busy": busy, "seconds": time.monotonic() - start, "latency": latency})
            print(f"{settings.backend}, {busy} busy: {name} {latency.median_ms:.1f} ms", file=sys.stderr)
    return found


def table(found: list[dict], backend: str) -> pd.DataFrame:
    """State all measurements at one usual speed, each beside its quiet one."""
    usual = np.median([row["latency"].reference_ms for row in found if not row["busy"]])
    latencies: list[Latency] = [row["latency"].at_usual(float(usual)) for row in found]
    frame = pd.DataFrame(
        {
            "backend": backend,
            "design": [row["design"] for row in found],
            "busy": [row["busy"] for row in found],
            "ms": [latency.median_ms for latency in latencies],
            "low_ms": [latency.low_ms for latency in latencies],
            "high_ms": [latency.high_ms for latency in latencies],
            "measured_ms": [latency.measured_ms for latency in latencies],
            "reference_ms": [latency.reference_ms for latency in latencies],
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
                "as_measured_within_10": (seen <= 0.10).mean(),
                "as_measured_worst": seen.max(),
                "seconds_a_design": group["seconds"].mean(),
            }
        )
    return pd.DataFrame(lines).round(3)


def main() -> None:
    """Measure, print the summary, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", action="append", choices=["eager", "onnxruntime", "openvino"])
    parser.add_argument("--busy", action="append", type=int)
    parser.add_argument("--designs", type=int, default=20)
    parser.add_argument("--as-user", action="store_true")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    specs = dict(list(designs().items())[: args.designs])
    frames = []
    cache = tempfile.mkdtemp()
    with args.out.open("w") if args.out else sys.stdout as out:
        Path(cache).chmod(0o777)
        os.environ["VITSPACE_CACHE"] = cache
        if args.as_user:
            os.setuid(NOBODY)
        for backend in args.backend or ["eager", "onnxruntime"]:
            settings = replace(LatencySettings(), backend=backend)
            prepared = {name: prepare_network(build(spec), settings)[0] for name, spec in specs.items()}
            found = [row for busy in (0, *(args.busy or (1, 2, 4))) for row in rows(busy, settings, prepared)]
            frames.append(table(found, backend))
        whole = pd.concat(frames)
        print(summary(whole).to_string(index=False), file=sys.stderr)
        whole.round(3).to_csv(out, index=False)


if __name__ == "__main__":
    main()
