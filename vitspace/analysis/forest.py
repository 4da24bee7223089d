"""fANOVA's shares of variance (Hutter et al., ICML 2014), of a random forest over categorical axes.

The numbers are those of Optuna's FanovaImportanceEvaluator. Its trees are walked once for every axis and combination of
values, which takes minutes on some hundreds of designs; here a tree's leaves are compared as arrays.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree._tree import Tree

Array = NDArray[np.float64]


def variance_shares(axes: Sequence[NDArray[np.intp]], scores: Array, trees: int, depth: int) -> Array:
    """Return for each of A axes which share of the score's variance a forest explains by it alone, [A].

    Args:
        axes: [A] arrays of [N]: by design, the number of its value on the axis.
        scores: [N].
        trees: Of the forest.
        depth: Of a tree at most.
    """
    encoded = [np.eye(values.max() + 1)[values] for values in axes]  # a column a value: [N, values]
    owner = np.repeat(np.arange(len(axes)), [columns.shape[1] for columns in encoded])  # [C], the axis of each column
    forest = RandomForestRegressor(n_estimators=trees, max_depth=depth, random_state=0)
    forest.fit(np.hstack(encoded), scores)
    shares = [share for each in forest.estimators_ if (share := _tree_shares(each.tree_, owner)) is not None]
    return np.mean(shares, axis=0) if shares else np.zeros(len(axes))


def _tree_shares(tree: Tree, owner: NDArray[np.intp]) -> Array | None:
    """Return the axes' shares [A] of one tree's variance, or None where it has none."""
    zero, one, values = _leaves(tree, len(owner))
    weights = 0.5 ** (zero | one).sum(axis=1)  # share of the columns' cube that a leaf fills
    values = values - values @ weights
    variance = values**2 @ weights
    if variance <= 0:
        return None
    own = [_variance_of(zero[:, owner == axis], one[:, owner == axis], values * weights) for axis in np.unique(owner)]
    return np.array(own) / variance


def _variance_of(zero: NDArray[np.bool_], one: NDArray[np.bool_], masses: Array) -> float:
    """Return the variance of what some columns alone explain.

    That is the sum, over pairs of leaves, of both masses times how much likelier a value of the columns lies in both
    leaves than if these were drawn apart: 2 for each column that both fix alike, 0 where they fix one unlike.

    Args:
        zero: [L, columns], where a leaf holds 0 alone.
        one: The same for 1.
        masses: [L], value times weight, the mean value being 0.
    """
    low, high = zero.astype(float), one.astype(float)
    unlike = low @ high.T
    joint = np.where(unlike + unlike.T > 0, 0.0, 2.0 ** (low @ low.T + high @ high.T))
    return max(0.0, float(masses @ joint @ masses))


def _leaves(tree: Tree, columns: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Array]:
    """Return which columns each leaf fixes at 0 and at 1, both [L, columns], and the leaves' values [L]."""
    zero, one = np.zeros((2, tree.node_count, columns), dtype=bool)
    inner = np.flatnonzero(tree.feature >= 0)  # parents come before their children
    for node in inner:
        left, right, column = tree.children_left[node], tree.children_right[node], tree.feature[node]
        for child in (left, right):
            zero[child], one[child] = zero[node], one[node]
        zero[left, column] = one[right, column] = True
    leaves = tree.feature < 0
    return zero[leaves], one[leaves], tree.value[leaves, 0, 0]
