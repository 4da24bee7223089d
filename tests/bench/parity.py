"""ONNX and OpenVINO against PyTorch, for a front point of every committed study.

python tests/bench/parity.py [--studies msg-4G ...] [--format onnx openvino] [--out reports/bench/parity.csv]

It is the front's best-scored design, of those that the search made where there is one. Each is exported as
`vitspace export` does, which fails where they disagree. The six images are real, the batches 1, 2, 3.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from vitspace.design import Design
from vitspace.export import ExportedModel, export_folder
from vitspace.machine.host import machine
from vitspace.spec import Spec

REPORTS = Path(__file__).parents[2] / "reports"


def front_point(study: str) -> tuple[int, Spec]:
    """Return number and spec of a committed study's best front point that is no anchor; else of its best."""
    record = json.loads((REPORTS / study / "study.json").read_text())
    front = [record["trials"][number] for number in record["front"]]
    best = max(front, key=lambda trial: (trial["anchor"] is None, trial["score"]))
    return best["number"], Spec.from_json(json.dumps(record["specs"][best["spec_id"]]))


def rows_of(study: str, formats: list[str]) -> list[dict[str, object]]:
    """Export a study's front point, and return one row a format."""
    number, spec = front_point(study)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        record = export_folder(ExportedModel.of(Design(study, spec)), formats, Path(folder) / "made")
    facts = {"study": study, "trial": number, "spec_id": spec.id, "family": spec.family}
    facts |= {"params": record["params"], "macs": record["macs"], "seconds": round(time.monotonic() - start, 1)}
    return [
        facts | {"format": name} | {key: found[key] for key in [*list(found)[:4], "runtime"]}
        for name, found in record["parity"].items()
    ]


def main() -> None:
    """Export a design a study, print how near each is, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", nargs="*", default=sorted(p.parent.name for p in REPORTS.glob("*/study.json")))
    parser.add_argument("--format", nargs="*", default=["onnx"])
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    rows = []
    for study in args.studies:
        rows += rows_of(study, args.format)
        print({key: value for key, value in rows[-1].items() if key != "params"}, file=sys.stderr, flush=True)
        if args.out:
            pd.DataFrame(rows).to_csv(args.out, index=False)
    table = pd.DataFrame(rows)
    error = table["max_abs_error"] / table["largest_score"]
    print(f"{len(table)} exports: largest error {error.max():.2g} of the largest score")


if __name__ == "__main__":
    main()
