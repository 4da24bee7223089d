"""ONNX against PyTorch for the random hybrids that tests/families/test_deployment.py exports.

python tests/bench/hybrids_onnx.py --out reports/bench/hybrids_onnx.csv [--count 50]

Narrow and shallow designs of all families at 64 px, of weights at which every part shows in the scores; the batches are
1, 2 and 3. A design whose export fails is a row too, and says why. Rows that --out holds already are not made again.
"""

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import torch

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "families")]

from designs import PARITY, hybrids, onnx_scores  # noqa: E402

from vitspace.costs import cost  # noqa: E402
from vitspace.machine.host import machine  # noqa: E402
from vitspace.spec import Spec  # noqa: E402

SIDE = 64


def parity(spec: Spec) -> dict[str, Any]:
    """Export one design; the largest difference of its scores, the largest score, and whether all are near enough."""
    start = time.monotonic()
    facts = {"id": spec.id, "families": "+".join(stage.family for stage in spec.stages), "macs": cost(spec, SIDE).macs}
    try:
        with tempfile.TemporaryDirectory() as folder:
            pairs = onnx_scores(spec, SIDE, Path(folder) / "model.onnx")
    except Exception as error:  # what fails is a row
        return facts | {"passes": False, "why": f"{type(error).__name__}: {error}".splitlines()[0]}
    off = max(float((got - expected).abs().max()) for got, expected in pairs)
    largest = max(float(expected.abs().max()) for _, expected in pairs)
    near = all(torch.allclose(got, expected, **PARITY) for got, expected in pairs)
    seconds = round(time.monotonic() - start, 1)
    return facts | {"max_abs_difference": off, "largest_score": largest, "passes": near, "seconds": seconds, "why": ""}


def main() -> None:
    """Export the designs one after the other, and write the table after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # of the exporter
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    rows = pd.read_csv(args.out, keep_default_na=False).to_dict("records") if args.out.exists() else []
    for spec in hybrids(args.count):
        if spec.id not in {row["id"] for row in rows}:
            rows.append(parity(spec))
            print(rows[-1], file=sys.stderr, flush=True)
            pd.DataFrame(rows).to_csv(args.out, index=False)
    failed = [row["id"] for row in rows if not row["passes"]]
    print(f"{len(rows)} designs, {len(failed)} fail {failed or ''}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
