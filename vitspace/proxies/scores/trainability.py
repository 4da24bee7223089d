"""How well a block keeps the size of gradients.

Lee and Ham, "AZ-NAS", CVPR 2024, eqs. 7 to 9: a random vector of signs is pulled back through a block, and from the
largest singular value s of G_in^T G_out / P the score is 2 - s - 1/s, at most 0, averaged over blocks. Blocks that
change the shape of their map are left out.
"""

import torch
from torch import Tensor

from vitspace.proxies import ProxyError
from vitspace.proxies.scores._evidence import JACOBIANS, PassResults

NEEDS = (JACOBIANS,)


def score(evidence: PassResults) -> float:
    """Return the mean over blocks.

    Raises:
        ProxyError: no block keeps its shape.
    """
    if not evidence.jacobians:
        raise ProxyError("no block keeps the shape of its map")
    gains = [_largest_singular_value(matrix) for matrix in evidence.jacobians]
    return sum(2 - gain - 1 / (gain + 1e-6) for gain in gains) / len(gains)


def _largest_singular_value(matrix: Tensor) -> float:
    """Root of the largest eigenvalue of the Gram matrix, in a third of the time that all singular values take."""
    return float(torch.linalg.eigvalsh(matrix.T @ matrix)[-1].clamp(min=0).sqrt())
