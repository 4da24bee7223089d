"""A study's lead over the published designs again, from other seeds: is it the seed's?

python tests/bench/seeds.py reports/hybrid-1G [--seeds 3] [--out reports/bench/seeds.csv]

Reads a report's study.json, trains its front's drawn designs and its best anchors anew with seeds that the study did
not use, and compares each drawn design with each anchor that costs as many FLOPs or more, seed by seed. Intervals are
Student's, of the mean of the differences. The designs were chosen by the study's own seed, which is left out.
"""

import argparse
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import stats

from vitspace.machine.host import machine
from vitspace.proxies import open_proxy
from vitspace.spec import Spec

ANCHORS = 2


def chosen(study: dict[str, Any]) -> list[dict[str, Any]]:
    """The drawn designs on the front, and the anchors of best score."""
    trials = [trial for trial in study["trials"] if trial["score"] is not None]
    anchors = sorted((t for t in trials if t["anchor"]), key=lambda t: -t["score"])[:ANCHORS]
    return [t for t in trials if not t["anchor"] and t["number"] in study["front"]] + anchors


def trained(study: dict[str, Any], seeds: list[int]) -> pd.DataFrame:
    """Score of each chosen design from each seed, as rows."""
    proxy = open_proxy(study["proxy"], study["config"]["data"], "cpu", study["seed"])
    rows = []
    for trial, seed in itertools.product(chosen(study), seeds):
        score = proxy.score(Spec.from_dict(study["specs"][trial["spec_id"]]), seed).value
        name = trial["anchor"] or f"trial {trial['number']}"
        rows.append({"study": study["study"], "design": name, "anchor": bool(trial["anchor"]), "macs": trial["macs"]})
        rows[-1] |= {"seed": seed, "score": round(score, 4), "study_score": round(trial["score"], 4)}
        print(f"{name}, seed {seed}: {score:.3f}", file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def leads(table: pd.DataFrame) -> list[str]:
    """A line for each drawn design and each anchor of as many FLOPs or more."""
    scores = table.pivot(index="seed", columns="design", values="score")
    macs, study_score = (table.groupby("design")[name].first() for name in ("macs", "study_score"))
    anchors, drawn = (table.loc[table.anchor == kind, "design"].unique() for kind in (True, False))
    lines = []
    for one, other in itertools.product(drawn, anchors):
        if macs[one] > macs[other]:
            continue
        off = scores[one] - scores[other]
        half = stats.t.ppf(0.975, len(off) - 1) * stats.sem(off) if len(off) > 1 else np.nan
        mean, share = off.mean(), macs[one] / macs[other]
        there = study_score[one] - study_score[other]
        lines.append(
            f"| {one} | {other} | {share:.0%} | {there:+.2f} | {mean:+.2f} | {mean - half:+.2f} to {mean + half:+.2f} |"
        )
    return lines


def main() -> None:
    """Train, compare, print a table, and write the scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path, nargs="+")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    tables = []
    for report in args.report:
        study = json.loads((report / "study.json").read_text())
        tables.append(trained(study, [study["seed"] + 1 + i for i in range(args.seeds)]))
        print(f"\n{study['study']}, {args.seeds} further seeds\n")
        print(
            "| drawn | published | its FLOPs | lead in the study | mean lead, nats | 95 % interval |",
            "| --- | --- | ---: | ---: | ---: | ---: |",
            sep="\n",
        )
        print(*leads(tables[-1]), sep="\n", flush=True)
        if args.out:
            pd.concat(tables).to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
