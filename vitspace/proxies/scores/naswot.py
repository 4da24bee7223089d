"""How well the activation patterns of a network tell images apart (NASWOT).

Mellor et al., "Neural Architecture Search without Training", ICML 2021, eq. 2: log |det K|, where K holds at how many
activations two images lie on the same side. Of smooth activations (GELU, SiLU) the side of their input counts.
"""

import torch

from vitspace.proxies import ProxyError
from vitspace.proxies.scores._evidence import CODES, PassResults

NEEDS = (CODES,)


def score(evidence: PassResults) -> float:
    """Return the natural logarithm of the determinant.

    Raises:
        ProxyError: two images have the same pattern.
    """
    assert evidence.codes is not None
    sign, logarithm = torch.linalg.slogdet(evidence.codes)
    if sign <= 0:
        raise ProxyError("two images have the same activation pattern")
    return float(logarithm)
