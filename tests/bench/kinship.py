"""How much of what the features do not see like designs have in common, by the ablation pairs.

    python tests/bench/kinship.py

Each pair is predicted without its family. Prints by share in common (`vitspace.accuracy.predictor.KIN`) the log
likelihood of the pairs' published differences, and the mean square of the residuals in standard deviations.
"""

import numpy as np

from vitspace.accuracy.features import SHAPE, features
from vitspace.accuracy.mixing import mixes
from vitspace.accuracy.predictor import NORMAL_90, Predictor
from vitspace.accuracy.table import numbers_of, published
from vitspace.anchors.references import ablation_pairs
from vitspace.costs import cost


def measured(pair, model):
    """Squared residual of log error, variance that the features explain, noise, and likeness, of one pair."""
    counted = numbers_of([cost(spec, row.resolution) for spec, row in zip(pair.specs, (pair.a, pair.b), strict=True)])
    capped = model.guards.capped(features(counted))
    joint, process = model.joint(capped, np.full(2, model.family(pair.family))), model.processes[1]
    noise = 2 * np.mean([each.scales.noise**2 for each in model.processes])
    found = np.log(100 - pair.a.published["top1"]) - np.log(100 - pair.b.published["top1"])
    contrast, z = np.array([1.0, -1.0]), process.standard(capped.of(SHAPE))
    likeness = np.exp(-0.5 * ((z[0] - z[1]) ** 2).sum() / process.scales.length**2)
    scale = (model.factors[1] / NORMAL_90) ** 2
    explained = max(contrast @ joint.covariance @ contrast - noise, 0)
    return (found - contrast @ joint.mean) ** 2, scale * explained, scale * noise, likeness


def main():
    """Print a line a share."""
    rows, models = [], {}
    for pair in ablation_pairs():
        if all(mixes(spec, 224) for spec in pair.specs):
            if pair.family not in models:
                models[pair.family] = Predictor([row for row in published() if row.family != pair.family])
            rows.append(measured(pair, models[pair.family]))
    square, explained, noise, likeness = np.array(rows).T
    print(f"{len(rows)} pairs in which positions meet")
    for kin in np.arange(11) / 10:
        variance = explained + noise * np.maximum(1 - kin * likeness, 1e-3)
        likelihood = -0.5 * (np.log(variance) + square / variance).sum()
        print(f"{kin:.1f}: log likelihood {likelihood:.1f}, mean square {(square / variance).mean():.2f}")


if __name__ == "__main__":
    main()
