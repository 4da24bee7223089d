"""Amounts of work by kind, from what is counted of designs: the features of latency before a network is built."""

import numpy as np
from numpy.typing import NDArray

from vitspace.accuracy.table import COUNTED

Floats = NDArray[np.float64]

#: Multiply-adds by operator, elements put out, weights read; then how many operations there are, by what shows it.
KINDS = (
    *("pointwise", "dense", "grouped", "batched", "activations", "params"),
    *("tensors", "chain", "residuals", "products", "spatial", "softmaxes", "pooled"),
    *("macs_4", "macs_8", "macs_16", "macs_32"),
)
_AT = {name: i for i, name in enumerate(COUNTED)}
_OPERATORS = {"dense": "macs_dense", "grouped": "macs_grouped", "batched": "macs_products"}


def amounts(counted: NDArray[np.int64]) -> Floats:
    """Return the work of N designs by the kinds of `KINDS`, [N, kinds].

    Args:
        counted: What was counted of each, [N, len(COUNTED)].
    """
    columns = {name: counted[:, at].astype(float) for name, at in _AT.items()}
    columns |= {name: columns[macs] for name, macs in _OPERATORS.items()}
    columns["pointwise"] = np.maximum(columns["macs"] - sum(columns[name] for name in _OPERATORS), 0.0)
    return np.stack([columns[name] for name in KINDS], axis=1)
