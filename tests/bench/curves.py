"""How early a training proxy's order is known: ablation rows by their training loss so far, against steps.

python tests/bench/curves.py "train:small,data=cifar10" [--folder reports/fidelity] [--out reports/fidelity/curves]

Reads ``curves.csv`` and ``trained.csv`` of the folder. Of every family, at every kept step: Kendall's tau between the
negative training loss there and the score at the end, seed by seed and averaged; and the share of ablation pairs that
the loss, averaged over seeds, orders as published. Writes OUT.md and OUT.png.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vitspace.anchors.references import ablation_pairs
from vitspace.fidelity.cards import all_families
from vitspace.plots.formats import markdown
from vitspace.statistics import kendall, rightness

COLUMNS = ("tau with the score", "pairs as published")


def orders(curves: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Return a row a family and step: tau with the score at the end, and the share of pairs."""
    families, rows = all_families(), []
    both = curves.merge(scores[["spec", "seed", "value"]], on=["spec", "seed"])
    both["family"] = both.spec.map(families)
    for (family, step), part in both.groupby(["family", "step"]):
        taus = [kendall(-one.loss, one.value)[0] for _, one in part.groupby("seed") if len(one) > 2]
        gap, end = part.groupby("spec").loss.mean(), part.groupby("spec").value.mean()
        pairs = [pair for pair in ablation_pairs() if all(spec.id in gap.index for spec in pair.specs)]
        shares = [
            rightness([sign * (of[a] - of[b]) for a, b in ids(pairs)], [pair.difference for pair in pairs]).mean()
            for sign, of in ((-1, gap), (1, end))
        ]
        values = (np.mean(taus) if taus else np.nan, shares[0])
        rows.append({"family": family, "step": step, **dict(zip(COLUMNS, values, strict=True)), "by score": shares[1]})
    return pd.DataFrame(rows)


def ids(pairs) -> list[tuple[str, str]]:
    return [tuple(spec.id for spec in pair.specs) for pair in pairs]


def draw(found: pd.DataFrame, path: Path) -> None:
    """Draw both against steps, a line a family."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, column in zip(figure.subplots(1, 2), COLUMNS, strict=True):
        for family, part in found.groupby("family"):
            axes.plot(part.step, part[column], marker="o", markersize=3, label=family)
        axes.set(xlabel="steps", ylabel=column, ylim=(-1.05 if column == COLUMNS[0] else 0, 1.05))
        axes.axhline(0 if column == COLUMNS[0] else 0.5, color="0.6", linewidth=0.8, linestyle=":")
        axes.grid(alpha=0.3)
    figure.axes[0].legend(loc="lower right")
    figure.savefig(path, dpi=130)


def main() -> None:
    """Read, print, write and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proxy")
    parser.add_argument("--folder", type=Path, default=Path("reports/fidelity"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    curves, scores = (pd.read_csv(options.folder / name) for name in ("curves.csv", "trained.csv"))
    found = orders(curves[curves.proxy == options.proxy], scores[scores.proxy == options.proxy])
    last = found.step.max()
    chosen = found[found.step.isin([last // 20, last // 4, last // 2, last])].round(2).astype(str)
    text = markdown(chosen)
    print(text)
    if options.out:
        options.out.with_suffix(".md").write_text(text)
        draw(found, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
