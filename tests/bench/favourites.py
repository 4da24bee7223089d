"""The designs of a space that a screening likes most, stage by stage, to be read by a sceptic.

    python tests/bench/favourites.py --space hybrid --budget 4G --out reports/accuracy/favourites

Writes OUT.md, and OUT.csv, a row a stage. Liked most are the highest estimates less their standard deviation; of
designs of equal families, widths and depths one is listed. The best of all come first, then the best mixtures of
families. Those outside of what is known are left out, as finalists leave them out.
"""

import argparse
from pathlib import Path

import pandas as pd

from vitspace.accuracy.prediction import summed
from vitspace.budget import Budget
from vitspace.costs import cost
from vitspace.searching.estimated import Estimator
from vitspace.searching.screening import screen_space
from vitspace.space import load_space

#: Settings of stages that are listed beside width and depth, where a family has them.
_SETTINGS = (
    "block",
    "mixer",
    "window",
    "region_size",
    "grid",
    "levels",
    "heads",
    "tokens",
    "foreground_ratio",
    "kernel",
)


def favourites(space, found, count, mixed):
    """Designs by lower estimate, no two of equal families, widths and depths; only mixtures if asked."""
    seen, chosen = set(), []
    for at in (-found.low).argsort(kind="stable"):
        spec = space.decode(space.population.params(found.rows[at]))
        shape = tuple((stage.family, stage.out_dim, stage.depth) for stage in spec.stages)
        one_family = len({stage.family for stage in spec.stages}) == 1
        if shape in seen or (mixed and one_family) or not found.inside[at]:
            continue
        seen.add(shape)
        chosen.append(spec)
        if len(chosen) == count:
            break
    return chosen


def rows_of(spec, number, group):
    """A row a stage."""
    whole, estimate = cost(spec), summed([spec])[0]
    stride = spec.stem.stride
    for place, (stage, (depth, count)) in enumerate(zip(spec.stages, whole.counts[1], strict=True), start=1):
        stride *= stage.stride
        part = count.deep(depth)
        listed = [f"{name} {getattr(stage, name)}" for name in _SETTINGS if getattr(stage, name, None) is not None]
        yield {
            "number": number, "group": group, "spec_id": spec.id, "gflops": whole.macs / 1e9,
            "params_m": whole.params / 1e6, "top1": estimate.mean, "sd": estimate.sd, "stage": place,
            "family": stage.family, "dim": stage.out_dim, "depth": depth, "stride": stride,
            "flops_share": part.macs / whole.macs, "params_share": part.params / whole.params,
            "settings": ", ".join(listed),
        }  # fmt: skip


def markdown(frame):
    """A line a stage under a heading a design."""
    lines = []
    for (number, group), rows in frame.groupby(["number", "group"], sort=False):
        one = rows.iloc[0]
        lines += [
            f"### {number}. {group}: {one.top1:.1f} ± {one.sd:.1f} %, {one.gflops:.2f} G, {one.params_m:.1f} M",
            "",
            "| stage | family | width | depth | stride | FLOPs | params | settings |",
            "| ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |",
        ]
        lines += [
            f"| {row.stage} | {row.family} | {row.dim} | {row.depth} | {row.stride} | {row.flops_share:.0%} | "
            f"{row.params_share:.0%} | {row.settings} |"
            for row in rows.itertuples()
        ]
        lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="hybrid")
    parser.add_argument("--budget", default="4G")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-n", type=int, default=10)
    parser.add_argument("--mixtures", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("reports/accuracy/favourites"))
    args = parser.parse_args()
    space = load_space(args.space)
    known = [row.spec for row in space.anchors() if row.spec]
    screened = screen_space(space, Budget.parse(args.budget), Estimator(space.population), args.seed, known)
    found, rows = screened.best, []
    for group, count, mixed in (("of all", args.n, False), ("mixture", args.mixtures, True)):
        for spec in favourites(space, found, count, mixed) if count else ():
            number = len({row["number"] for row in rows}) + 1
            rows += rows_of(spec, number, group)
    frame = pd.DataFrame(rows)
    frame.to_csv(args.out.with_suffix(".csv"), index=False, float_format="%.4g")
    text = f"{screened.designs:,} designs of {args.space} under {args.budget} screened, seed {args.seed}.\n\n"
    args.out.with_suffix(".md").write_text(f"{text}{markdown(frame)}")
    print(text + markdown(frame))


if __name__ == "__main__":
    main()
