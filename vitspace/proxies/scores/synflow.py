"""The logarithm of the flow through all paths of weights, whatever the data (SynFlow).

Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic flow", NeurIPS 2020, eqs. 1
and 2: with every parameter in absolute value, an image of ones, and R the sum of outputs, the sum over weights of
|w dR/dw|. It spans hundreds of orders of magnitude, so that its logarithm is taken, and the network is rescaled block
by block while it runs.
"""

import math

from vitspace.proxies import ProxyError
from vitspace.proxies.scores._evidence import LINEAR, PassResults

NEEDS = (LINEAR,)


def score(evidence: PassResults) -> float:
    """Return the natural logarithm of the flow.

    Raises:
        ProxyError: nothing flows.
    """
    flow = sum(evidence.saliency.values())
    if not 0 < flow < math.inf:
        raise ProxyError(f"the flow is {flow}")
    return math.log(flow) + evidence.log_scale
