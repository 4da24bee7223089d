"""The number of weight tensors, which are the parameters of at least two dimensions. It counts layers."""

from vitspace.proxies.scores._evidence import COUNTS, PassResults

NEEDS = (COUNTS,)


def score(evidence: PassResults) -> float:
    """Return the number of weight tensors."""
    return float(sum(weight.ndim >= 2 for weight in evidence.network.parameters()))
