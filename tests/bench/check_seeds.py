"""How far apart seeds put one design's score in the short training of a study, against the loss of chance.

    python tests/bench/check_seeds.py reports/*G --seeds 0
    python tests/bench/check_seeds.py reports/hybrid-1G reports/transcnn-4G --seeds 2 --out check_seeds.csv

Of each report, designs even over what its short training gave are trained again with seeds that the study did not use.
`vitspace.study.learning` calls a design far behind the published ones by a share of the loss of chance, which is to be
beyond what seeds do. Without further seeds nothing is trained; how many designs some shares mark is printed always.
"""

import argparse
import itertools
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from vitspace.machine.host import machine
from vitspace.proxies import open_proxy
from vitspace.report.study_file import read_study
from vitspace.spec import Spec
from vitspace.study.learning import FAR, far_behind
from vitspace.words import plural

#: Shares of the loss of chance by which a design is behind.
SHARES = (0.15, 0.2, 0.25, FAR, 0.35)


def chosen(study: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Trials even over the order of their scores in the short training."""
    trials = sorted((t for t in study["trials"] if t["proxy_score"] is not None), key=lambda t: t["proxy_score"])
    return [trials[at] for at in np.linspace(0, len(trials) - 1, min(count, len(trials))).round().astype(int)]


def marked(report: Path) -> str:
    """How many searched designs of a study are far behind by several shares of the loss of chance."""
    record = read_study(report)
    loss = record.reference["chance_loss"]
    found = (f"{len(far_behind(record.completed, loss * share / FAR))} by {share}" for share in SHARES)
    return f"{record.name}: of {len(record.completed) - len(record.anchors)} searched designs {', '.join(found)}"


def trained(study: dict[str, Any], count: int, seeds: int) -> pd.DataFrame:
    """Score of each chosen design from each seed, the study's own first, as rows."""
    proxy = open_proxy(study["proxy"], study["config"]["data"] or "", "cpu", study["seed"])
    rows = []
    for trial, more in itertools.product(chosen(study, count), range(seeds + 1)):
        seed = study["seed"] + more
        spec = Spec.from_dict(study["specs"][trial["spec_id"]])
        score = proxy.score(spec, seed).value if more else trial["proxy_score"]
        name = trial["anchor"] or f"trial {trial['number']}"
        rows.append({"study": study["study"], "design": name, "seed": seed, "score": round(score, 4)})
        rows[-1]["chance_loss"] = round(study["reference"]["chance_loss"], 4)
        print(f"{study['study']}, {name}, seed {seed}: {score:.3f}", file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def words(table: pd.DataFrame) -> str:
    """The deviation between seeds, pooled over designs, and the largest of one, as shares of the loss of chance."""
    by_design = (table["score"] / table["chance_loss"]).groupby([table["study"], table["design"]])
    variances = by_design.var()
    pooled, largest = math.sqrt(variances.mean()), math.sqrt(variances.max())
    spread = (by_design.max() - by_design.min()).max()
    studies = plural(table["study"].nunique(), "study")
    return (
        f"{len(variances)} designs of {studies}, {by_design.size().max()} seeds each: standard "
        f"deviation {pooled:.3f} of the loss of chance, pooled ({largest:.3f} of the design with the largest); the "
        f"seeds of one design are at most {spread:.3f} apart"
    )


def main() -> None:
    """Train, and print and write what seeds do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path, nargs="+")
    parser.add_argument("--designs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    print(*map(marked, args.report), sep="\n", flush=True)
    tables = []
    for report in args.report if args.seeds else ():
        study = json.loads((report / "study.json").read_text())
        tables.append(trained(study, args.designs, args.seeds))
        print(words(pd.concat(tables)), flush=True)
        if args.out:
            pd.concat(tables).to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
