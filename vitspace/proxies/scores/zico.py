"""How alike the gradients of several batches are (ZiCo).

Li et al., "ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients", ICLR 2023, eq. 14: for every layer
the logarithm of the sum over its weights of E|g| / sqrt(Var|g|), over batches at initialisation; added up over layers.
Weights whose gradient does not vary between batches are left out, as a ratio over zero says nothing.
"""

import torch

from vitspace.proxies import ProxyError
from vitspace.proxies.scores._evidence import GRADIENTS, PassResults

NEEDS = (GRADIENTS,)


def score(evidence: PassResults) -> float:
    """Return the sum over layers.

    Raises:
        ProxyError: no gradient varies, or one is not finite.
    """
    logs = []
    for total, squares in evidence.gradients.values():
        mean = total / evidence.batches
        mean_square = mean.square()
        variance = (squares / evidence.batches).sub_(mean_square)
        # Below this, the variance is what is left of rounding.
        constant = variance <= mean_square.mul_(1e-6)
        ratio = variance.rsqrt_().mul_(mean).masked_fill_(constant, 0.0).sum(dtype=torch.float64)
        if not ratio.isfinite():
            raise ProxyError("a gradient is not finite")
        if ratio > 0:
            logs.append(torch.log(ratio))
    if not logs:
        raise ProxyError("no gradient varies between batches")
    return float(torch.stack(logs).sum())
