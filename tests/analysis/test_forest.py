import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.importance import FanovaImportanceEvaluator

from vitspace.analysis.forest import variance_shares

SIZES = {"depth": 3, "dim": 4, "mlp_ratio": 2, "window": 5}  # by name, as Optuna orders them


@pytest.mark.parametrize("depth", [3, 64])
def test_shares_are_those_of_optuna(depth):
    random = np.random.default_rng(0)
    axes = [random.integers(0, size, 60) for size in SIZES.values()]
    scores = axes[0] + 0.5 * axes[1] * axes[3] + random.normal(size=60)
    study = optuna.create_study()
    kinds = {name: CategoricalDistribution(list(range(size))) for name, size in SIZES.items()}
    for row, score in zip(zip(*axes, strict=True), scores, strict=True):
        params = dict(zip(SIZES, map(int, row), strict=True))
        study.add_trial(optuna.create_trial(params=params, distributions=kinds, value=float(score)))
    theirs = FanovaImportanceEvaluator(n_trees=8, max_depth=depth, seed=0).evaluate(study, list(SIZES))
    ours = variance_shares(axes, scores, trees=8, depth=depth)
    assert ours.tolist() == pytest.approx([theirs[name] for name in SIZES])


def test_scores_that_are_all_equal_have_no_shares():
    axes = [np.array([0, 1] * 8), np.array([0, 0, 1, 1] * 4)]
    assert variance_shares(axes, np.ones(16), trees=4, depth=8).tolist() == [0.0, 0.0]
