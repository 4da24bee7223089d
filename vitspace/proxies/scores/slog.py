"""The sum of the natural logarithms of the sizes of all weight tensors: layers counted, wide ones for more.

SynFlow, ZiCo and other sums of logarithms over layers are mostly this.
"""

import math

from vitspace.proxies.scores._evidence import COUNTS, PassResults

NEEDS = (COUNTS,)


def score(evidence: PassResults) -> float:
    """Return the sum of log sizes, in nats."""
    return sum(math.log(weight.numel()) for weight in evidence.network.parameters() if weight.ndim >= 2)
