"""The number of parameters, exact. Maximising it makes networks larger, and says nothing else."""

from vitspace.costs.counter import count_params
from vitspace.proxies.scores._evidence import COUNTS, PassResults

NEEDS = (COUNTS,)


def score(evidence: PassResults) -> float:
    """Return the number of parameters."""
    return float(count_params(evidence.network))
