"""Successive halving against plain evaluation at equal seconds: hypervolume at the highest rung.

    python tests/bench/halving.py --out reports/bench

Every one of some designs is trained at both rungs, with several seeds, and its seconds (of processor time, so that
other work on the machine does not count) are written down. Both strategies are then replayed over that table many
times, the designs in another order each time: plain trains each at the highest rung; halving trains each at the
lowest and goes on with those that `vitspace.searching.rungs` promotes. Objectives are -score and multiply-adds; latency
is left out, so that no clock decides. It goes on where it was stopped; `--report` replays the seeds that are whole.
"""

import argparse
import csv
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import vitspace
from vitspace.pareto import normalised_hypervolume
from vitspace.proxies.training.train import open_proxy, reference_points
from vitspace.searching.rungs import rung_place

SPACE, BUDGET, DESIGNS, SEEDS = "mat", "1.2G", 36, 2
COMMON = "data=digits,img_size=32,width=0.25,batch_size=16,lr=1e-3,max_val=300"
RUNGS = (f"tiny,steps=15,warmup=3,{COMMON}", f"tiny,steps=60,warmup=10,{COMMON}")
KEEP, REPLAYS = 1 / 3, 400
#: Shares of the seconds that plain takes for all designs.
SHARES = (0.125, 0.25, 0.375, 0.5)
FIELDS = ("design", "macs", "seed", "rung", "score", "seconds")


@dataclass(frozen=True)
class Table:
    """What was measured: macs [N], scores and seconds [S, R, N]."""

    macs: np.ndarray
    scores: np.ndarray
    seconds: np.ndarray


def measure(path: Path) -> None:
    """Train what is not yet in the table, and add it line by line."""
    known = {(row["design"], row["seed"], row["rung"]) for row in read(path)}
    if not known:
        path.write_text(",".join(FIELDS) + "\n")
    specs = vitspace.load_space(SPACE).draw(DESIGNS, BUDGET, seed=0)
    for rung, recipe in enumerate(RUNGS):
        proxy = open_proxy(recipe, "", "cpu")
        for seed in range(SEEDS):
            for spec in specs:
                if (spec.id, str(seed), str(rung)) in known:
                    continue
                began = time.process_time()
                score = proxy.score(spec, seed).value
                seconds = time.process_time() - began
                with path.open("a", newline="") as file:
                    row = (spec.id, vitspace.cost(spec).macs, seed, rung, f"{score:.5f}", f"{seconds:.3f}")
                    csv.writer(file, lineterminator="\n").writerow(row)


def read(path: Path) -> list[dict[str, str]]:
    """Read the table; of a line that a kill cut nothing is left."""
    rows = list(csv.DictReader(path.open())) if path.exists() else []
    return [row for row in rows if row["seconds"]]


def table(rows: list[dict[str, str]]) -> Table:
    """Return the rows as arrays; seeds are left out with which not all designs are trained at every rung."""
    names = list(dict.fromkeys(row["design"] for row in rows))
    whole = [seed for seed, count in Counter(row["seed"] for row in rows).items() if count == len(RUNGS) * len(names)]
    rows = [row for row in rows if row["seed"] in whole]
    shape = len(whole), len(RUNGS), len(names)
    macs, scores, seconds = np.empty(len(names)), np.full(shape, np.nan), np.full(shape, np.nan)
    for row in rows:
        at = whole.index(row["seed"]), int(row["rung"]), names.index(row["design"])
        macs[at[2]], scores[at], seconds[at] = float(row["macs"]), float(row["score"]), float(row["seconds"])
    return Table(macs, scores, seconds)


def plain(found: Table, seed: int, order: np.ndarray) -> list[tuple[float, int]]:
    """Return (seconds, design) of every design trained at the highest rung."""
    ends = np.cumsum(found.seconds[seed, -1, order])
    return list(zip(ends.tolist(), order.tolist(), strict=True))


def halving(found: Table, seed: int, order: np.ndarray) -> list[tuple[float, int]]:
    """Return (seconds, design) of every design that reaches the highest rung."""
    clock, points, done = 0.0, [], []
    for design in order.tolist():
        clock += found.seconds[seed, 0, design]
        points.append((-found.scores[seed, 0, design], found.macs[design]))
        if rung_place(len(points) - 1, points, KEEP).promoted:
            clock += found.seconds[seed, -1, design]
            done.append((clock, design))
    return done


def volumes(found: Table, chance: float) -> dict[str, np.ndarray]:
    """Return the hypervolume of either strategy by share of seconds: [REPLAYS, SHARES]."""
    rng, result = np.random.default_rng(0), {"plain": [], "halving": []}
    for replay in range(REPLAYS):
        seed, order = replay % len(found.scores), rng.permutation(len(found.macs))
        total = found.seconds[seed, -1].sum()
        for name, run in (("plain", plain), ("halving", halving)):
            ended = run(found, seed, order)
            result[name].append([_volume(found, seed, ended, share * total, chance) for share in SHARES])
    return {name: np.array(values) for name, values in result.items()}


def _volume(found: Table, seed: int, ended: list[tuple[float, int]], limit: float, chance: float) -> float:
    points = [(-found.scores[seed, -1, d], found.macs[d]) for seconds, d in ended if seconds <= limit]
    return normalised_hypervolume(points, (0.0, 0.0), (chance, found.macs.max() * 1.01)) if points else 0.0


def main() -> None:
    """Measure, replay, and write table and figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("reports/bench"))
    parser.add_argument("--report", action="store_true", help="Measure nothing: replay what is there.")
    args = parser.parse_args()
    out = args.out
    if not args.report:
        measure(out / "halving.csv")
    found = table(read(out / "halving.csv"))
    chance = reference_points(open_proxy(RUNGS[1], "", "cpu").dataset).loss
    result = volumes(found, chance)
    lines = ["| seconds | plain | halving | halving - plain, 90 % of replays | halving ahead |", "|" + " --- |" * 5]
    for column, share in enumerate(SHARES):
        a, b = result["plain"][:, column], result["halving"][:, column]
        low, high = np.percentile(b - a, (5, 95))
        ahead = np.mean(b > a) + np.mean(b == a) / 2
        seconds = share * found.seconds[:, -1].sum(1).mean()
        lines.append(
            f"| {seconds:.0f} | {a.mean():.4f} | {b.mean():.4f} | {(b - a).mean():+.4f} [{low:+.4f}, {high:+.4f}] "
            f"| {ahead:.0%} |"
        )
    ranks = [np.corrcoef(np.argsort(np.argsort(s[0])), np.argsort(np.argsort(s[1])))[0, 1] for s in found.scores]
    ratio = found.seconds[:, 0].sum() / found.seconds[:, 1].sum()
    lines += ["", f"Rank correlation of the two rungs: {', '.join(f'{r:.2f}' for r in ranks)} (one number a seed);"]
    lines += [
        f"the lower rung takes {ratio:.0%} of the higher one's seconds. {len(found.macs)} designs of {SPACE}, "
        f"{len(found.scores)} seed{'s'[: len(found.scores) != 1]}."
    ]
    (out / "halving.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    draw(found, result).savefig(out / "halving.png", dpi=150)


def draw(found: Table, result: dict[str, np.ndarray]) -> Figure:
    """Draw hypervolume against seconds, with the middle 90 % of replays."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    seconds = np.array(SHARES) * found.seconds[:, -1].sum(1).mean()
    for (name, values), colour in zip(result.items(), ("#0072B2", "#D55E00"), strict=True):
        low, high = np.percentile(values, (5, 95), axis=0)
        axes.plot(seconds, values.mean(0), color=colour, marker="o", label=name)
        axes.fill_between(seconds, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set_xlabel("processor seconds")
    axes.set_ylabel("hypervolume at the highest rung")
    axes.set_title("Successive halving against plain evaluation", loc="left", fontsize=11)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    main()
