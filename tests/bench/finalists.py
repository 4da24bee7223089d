"""What a search's first two steps find with other seeds: finalists beside the anchor nearest in accuracy.

    python tests/bench/finalists.py --space msg --budget 4G --seeds 5 --out reports/bench/finalists.csv

Nothing is timed or trained: milliseconds are predicted. A finalist ties with an anchor where the estimate is nearer to
the published top-1 than the standard deviation of their difference.
"""

import argparse
import time
from pathlib import Path

import pandas as pd

from vitspace.accuracy.posterior import PUBLISHED_SD
from vitspace.accuracy.prediction import summed
from vitspace.anchors import anchor
from vitspace.costs import cost
from vitspace.report.gaps import Gap
from vitspace.searching.first import chosen_anchors, finalists_of, latency_of
from vitspace.space import load_space
from vitspace.study.config import DRAWN, StudyConfig


def rows_of(space, config, latency):
    """A row a finalist of one seed, beside the anchor of the nearest published top-1."""
    anchors = chosen_anchors(space, config)
    began = time.perf_counter()
    found, screened = finalists_of(space, config, DRAWN, list(anchors.values()), lambda done, of: None)
    facts = {"seed": config.seed, "screened": screened["designs"], "seconds": time.perf_counter() - began}
    published = {
        name: (anchor(name).published["top1"], cost(spec).macs, latency.look_at(spec).ms)
        for name, spec in anchors.items()
    }
    for spec, estimate in zip(found, summed(found, space.resolution), strict=True):
        macs, ms = cost(spec).macs, latency.look_at(spec).ms
        name, (top1, its_macs, its_ms) = min(published.items(), key=lambda item: abs(item[1][0] - estimate.mean))
        gap, sd = estimate.mean - top1, (estimate.sd**2 + PUBLISHED_SD**2) ** 0.5
        yield facts | {
            "spec_id": spec.id, "family": spec.family, "gflops": macs / 1e9, "predicted_ms": ms,
            "top1": estimate.mean, "sd": estimate.sd, "anchor": name, "gap": gap, "gap_sd": sd,
            "standing": Gap(gap, sd, in_points=True).stands, "flops_gap": macs / its_macs - 1,
            "latency_gap": ms / its_ms - 1,
        }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="msg")
    parser.add_argument("--budget", default="4G")
    parser.add_argument("--anchors", default="all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("reports/bench/finalists.csv"))
    args = parser.parse_args()
    space, rows = load_space(args.space), []
    for seed in range(args.seeds):
        config = StudyConfig(space=args.space, budget=args.budget, anchors=args.anchors, seed=seed, trials=1)
        rows += [
            {"space": args.space, "budget": args.budget} | row
            for row in rows_of(space, config, latency_of(config, space.resolution))
        ]
    frame = pd.DataFrame(rows)
    if args.out.exists():  # those of other spaces and budgets stay
        old = pd.read_csv(args.out)
        frame = pd.concat([old[(old.space != args.space) | (old.budget != args.budget)], frame])
    frame.to_csv(args.out, index=False, float_format="%.4g")
    mine = frame[(frame.space == args.space) & (frame.budget == args.budget)]
    ties = mine[(mine.standing == "ties") & (mine.latency_gap < 0) & (mine.flops_gap < 0)]
    print(
        mine.groupby("seed")
        .agg(best=("top1", "max"), screened=("screened", "first"), seconds=("seconds", "first"))
        .round(2)
    )
    print("finalists that tie with an anchor at fewer FLOPs and predicted milliseconds, by seed:")
    print(ties.groupby("seed").size().to_dict())
    print(
        ties[["seed", "anchor", "gflops", "predicted_ms", "top1", "gap", "flops_gap", "latency_gap"]]
        .round(2)
        .to_string(index=False)
    )


if __name__ == "__main__":
    main()
