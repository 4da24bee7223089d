"""The same designs measured on two occasions: how far a latency moves.

python tests/bench/repeatability.py CALIBRATION.json [--designs 20] [--out reports/bench/repeatability.csv]

The first occasion is the calibration's own, the second is now, with the same settings. Run it at least 20 minutes
after the calibration, on a machine that does nothing else.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from vitspace.doubt import doubt_of
from vitspace.latency.calibration import load_calibration
from vitspace.latency.measuring import LatencySettings, measure_anew
from vitspace.latency.samples import Sample
from vitspace.machine.host import machine


def row(sample: Sample, settings: LatencySettings) -> dict:
    """Both occasions of one design, and their ratio, as measured and at the reference's speed."""
    latency = measure_anew(sample.spec, settings)
    ratio = latency.median_ms / sample.ms
    return {
        "spec_id": sample.spec.id,
        "family": sample.spec.family,
        "first_ms": sample.ms,
        "second_ms": latency.median_ms,
        "first_reference_ms": sample.reference_ms,
        "second_reference_ms": latency.reference_ms,
        "ratio": ratio,
        "ratio_at_reference": ratio * sample.reference_ms / latency.reference_ms,
        "doubt": doubt_of(latency),
    }


def main() -> None:
    """Measure again, print how far the second occasion is from the first, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calibration", type=Path)
    parser.add_argument("--designs", type=int, default=20)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    calibration = load_calibration(args.calibration)
    samples = calibration.samples
    chosen = [samples[i] for i in np.linspace(0, len(samples) - 1, args.designs).astype(int)]
    table = pd.DataFrame([row(sample, calibration.settings) for sample in chosen]).round(4)
    for name in ("ratio", "ratio_at_reference"):
        off = np.abs(np.log(table[name]))
        worst = table.loc[off.idxmax()]
        print(
            f"{name}: median {table[name].median():.3f}, median |change| {np.expm1(off.median()):.1%}, "
            f"worst {worst[name]:.3f} ({worst['family']} {worst['spec_id']})"
        )
    if args.out:
        table.to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
