"""Multiply-adds for one image at the subject's resolution, exact."""

import torch

from vitspace.costs import cost
from vitspace.costs.counter import Counter
from vitspace.proxies.scores._evidence import COUNTS, PassResults

NEEDS = (COUNTS,)


def score(evidence: PassResults) -> float:
    """Return the number of multiply-adds, attention products included."""
    subject = evidence.subject
    if subject.spec:
        return float(cost(subject.spec, subject.resolution).macs)
    counter, side = Counter(), subject.resolution
    counter.run(subject.make_on_meta(), torch.empty(1, 3, side, side, device="meta"))
    return float(counter.macs)
