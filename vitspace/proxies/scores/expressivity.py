"""How evenly the channels of each block's output spread over their principal components.

Lee and Ham, "AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search", CVPR 2024, eqs. 2 to 4: with the
eigenvalues of the covariance of a block's features over images and positions, divided by their sum, the score is
their entropy, added up over blocks. A block with several outputs (VT's map and tokens) counts their mean.
"""

import torch
from torch import Tensor

from vitspace.proxies import ProxyError
from vitspace.proxies.scores._evidence import FEATURES, PassResults

NEEDS = (FEATURES,)


def score(evidence: PassResults) -> float:
    """Return the sum over blocks of the entropy, in nats."""
    blocks = [[entropy(part.covariance()) for part in block] for block in evidence.features if block]
    return sum(sum(parts) / len(parts) for parts in blocks)


def entropy(covariance: Tensor) -> float:
    """Entropy in nats of the normalised eigenvalues of a covariance [C, C].

    Raises:
        ProxyError: it is not finite, or zero.
    """
    if not torch.isfinite(covariance).all():
        raise ProxyError("a block's features are not finite")
    values = torch.linalg.eigvalsh(covariance).clamp(min=0).double()
    if not values.sum() > 0:
        raise ProxyError("a block's features do not vary")
    shares = values / values.sum()
    return float(-(shares * torch.log(shares + 1e-12)).sum())
