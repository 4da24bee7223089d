"""Does any combination of scores beat params? All of up to three, and what picking the best of them is worth.

    python tests/bench/combining.py reports/fidelity/scores.csv reports/fidelity/combinations.csv

Each is a ridge regression of top-1 on logarithms of scores over the main anchors, always without the family that is
judged. The last line picks among all of them without that family too, which is what a user who picks can expect.
"""

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

import vitspace.families  # noqa: F401 (registers the specs)
from vitspace.anchors.references import ablation_pairs, main_anchors
from vitspace.costs import cost
from vitspace.proxies.score_tables import read_table
from vitspace.statistics import kendall, rightness

LARGEST = 3
PENALTY = 1.0


def load(path):
    """[designs, scores]: signed logarithms of all scores that every design has."""
    rows = [r for r in read_table(path) if (r.seed, r.init) == (0, "own") and not r.spec.startswith("timm:")]
    table = pd.DataFrame([(r.spec, r.proxy, r.value) for r in rows], columns=["spec", "proxy", "value"])
    table = table.pivot(index="spec", columns="proxy", values="value").dropna(axis=1)
    return np.sign(table) * np.log1p(table.abs())


def predict(table, names, anchors):
    """Scores of all designs by a model fitted on the anchors."""
    x = table.loc[[a.spec.id for a in anchors], list(names)].to_numpy()
    y = np.array([a.published["top1"] for a in anchors])
    centre, scale = x.mean(0), x.std(0) + 1e-12
    z = (x - centre) / scale
    weights = np.linalg.solve(z.T @ z + PENALTY * np.eye(len(names)), z.T @ (y - y.mean()))
    return pd.Series((table[list(names)].to_numpy() - centre) / scale @ weights + y.mean(), table.index)


def judge(predictions, anchors, pairs):
    """Tau over anchors, and right pairs; ``predictions`` holds by family the scores of a model without it."""
    scores = [predictions[a.family][a.spec.id] for a in anchors]
    tau = kendall(scores, [a.published["top1"] for a in anchors])[0]
    gaps = [np.subtract(*(predictions[p.family][spec.id] for spec in p.specs)) for p in pairs]
    return tau, rightness(gaps, [p.difference for p in pairs])


def main(source, target):
    table, anchors, pairs = load(source), main_anchors(), ablation_pairs()
    families = sorted({a.family for a in anchors})
    sets = [names for size in range(1, LARGEST + 1) for names in combinations(table.columns, size)]
    params = {spec.id: cost(spec).params for p in pairs for spec in p.specs}
    hard = rightness([params[p.specs[0].id] - params[p.specs[1].id] for p in pairs], [p.difference for p in pairs]) < 1

    def without(names, *left):
        return predict(table, names, [a for a in anchors if a.family not in left])

    found = []
    for names in sets:
        tau, right = judge({f: without(names, f) for f in families}, anchors, pairs)
        found.append((" + ".join(names), tau, right.mean(), right[hard].sum()))
    picked = {}
    for family in families:
        rest = [f for f in families if f != family]
        some, few = [a for a in anchors if a.family != family], [p for p in pairs if p.family != family]

        def worth(names, family=family, rest=rest, some=some, few=few):
            tau, right = judge({f: without(names, family, f) for f in rest}, some, few)
            return tau + right.mean()

        picked[family] = without(max(sets, key=worth), family)
    tau, right = judge(picked, anchors, pairs)
    found.sort(key=lambda row: -(row[1] + row[2]))
    found.append((f"picked among {len(sets)} without the family", tau, right.mean(), right[hard].sum()))
    frame = pd.DataFrame(found, columns=["combination", "tau", "pairs", f"hard_of_{hard.sum()}"])
    frame.round(4).to_csv(target, index=False)
    print(frame.head(12).to_string(), frame.tail(1).to_string(header=False), sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
