"""Devices as kits tell of them: the error of predictions on designs that a kit does not hold.

python tests/bench/devices.py [--designs 60 24] [--unlike 1 2 4] [--out reports/bench/devices.csv]

Each host of the shipped designs in turn is an unknown device: a kit of some of its designs was timed in PyTorch, of the
other hosts the designs timed in onnxruntime are known, and the rest of its designs is predicted. ``unlike`` is how much
more a device may differ from hosts than these from each other, see `vitspace.latency.devices.UNLIKE`; ``held95`` is the
share of designs within the stated 95 %.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from vitspace.latency.counted import SCALES, CountedLatency
from vitspace.latency.devices import BACKEND, UNLIKE, unlike
from vitspace.latency.table import shipped
from vitspace.latency.timed import TimedDesign

#: Kits drawn of each host.
KITS = 5


def errors(host: str, designs: int, times: float, seed: int) -> pd.DataFrame:
    """Predict what a kit of a host's designs does not hold."""
    here = [row for row in shipped() if (row.backend, row.host) == ("eager", host)]
    order = np.random.default_rng(seed).permutation(len(here))
    own, asked = ([here[i] for i in part] for part in (order[:designs], order[designs:]))
    asked_ids = {row.spec_id for row in asked}
    known = [row for row in shipped() if row.backend == BACKEND and row.host != host and row.spec_id not in asked_ids]
    reference_ms = float(np.median([row.reference_ms for row in own]))
    model = CountedLatency(known, own, reference_ms, unlike(SCALES[BACKEND], times))
    return pd.DataFrame([_error(model, row, reference_ms) for row in asked], columns=["error", "stated"])


def _error(model: CountedLatency, row: TimedDesign, reference_ms: float) -> tuple[float, float]:
    found = model.look_at_counted(row.counted, row.family)
    return found.ms / (row.ms * reference_ms / row.reference_ms) - 1, found.error


def lines(sizes: Sequence[int], unlikes: Sequence[float]) -> Iterator[dict]:
    """Yield a line for each host, size of kit and ``unlike``."""
    for host in sorted({row.host for row in shipped() if row.backend == "eager"}):
        for designs in sizes:
            for times in unlikes:
                found = pd.concat([errors(host, designs, times, seed) for seed in range(KITS)])
                off = found["error"].abs()
                yield {
                    **{"host": host, "kit": designs, "unlike": times, "predicted": len(found)},
                    **{f"error{share:.0%}".rstrip("%"): off.quantile(share) for share in (0.8, 0.95)},
                    **{"stated95": found["stated"].median(), "held95": (off <= found["stated"]).mean()},
                }


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--designs", type=int, nargs="+", default=[60, 24])
    parser.add_argument("--unlike", type=float, nargs="+", default=[UNLIKE])
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    frame = pd.DataFrame(lines(args.designs, args.unlike)).round(3)
    print(frame.to_string(index=False))
    if args.out:
        frame.to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
