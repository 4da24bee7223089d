"""Diversity of attention's weights and saliency of all others (DSS).

Zhou et al., "Training-free Transformer Architecture Search" (TF-TAS), CVPR 2022, eqs. 4 to 6: in the linear pass of
SynFlow, over attention's matrices the nuclear norm of the weight times that of its gradient, over all other weights
|w dR/dw|, added up. Here as a logarithm, rescaled block by block as SynFlow.
"""

import math
import re

import torch
from torch import Tensor, nn

from vitspace.proxies import ProxyError
from vitspace.proxies.scores._evidence import LINEAR, PassResults, weights

NEEDS = (LINEAR,)
#: Names around attention's matrices, of attributes or classes; and of what lies in such a module and is none.
_ATTENTION = re.compile(r"attn|attention|tokenizer|projector", re.IGNORECASE)
_PERCEPTRON = re.compile(r"mlp", re.IGNORECASE)


def score(evidence: PassResults) -> float:
    """Return the natural logarithm of the sum.

    Raises:
        ProxyError: it is zero or not finite.
    """
    total = 0.0
    layers = dict(weights(evidence.network))
    for name, saliency in evidence.saliency.items():
        weight = layers[name]
        if is_of_attention(evidence.network, name, weight):
            assert weight.grad is not None
            # A random matrix has full rank, so that single precision is enough for it.
            total += _nuclear_norm(weight.detach().flatten(1)) * _nuclear_norm(weight.grad.flatten(1).double())
        else:
            total += saliency
    if not 0 < total < math.inf:
        raise ProxyError(f"the sum is {total}")
    return math.log(total) + evidence.log_scale


def _nuclear_norm(matrix: Tensor) -> float:
    """Sum of the singular values of [M, N], from the eigenvalues of its smaller Gram matrix.

    Raises:
        ProxyError: the matrix is not finite.
    """
    scale = matrix.abs().max().clamp(min=torch.finfo(matrix.dtype).tiny)
    if not torch.isfinite(scale):
        raise ProxyError("a gradient of attention is not finite")
    wide = (matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T) / scale
    values = torch.linalg.eigvalsh(wide @ wide.T)
    return float(values.clamp(min=0).sqrt().sum() * scale)


def is_of_attention(network: nn.Module, name: str, weight: Tensor) -> bool:
    """Whether a layer's weight is a matrix of attention: by the names around it."""
    path = [network.get_submodule(".".join(name.split(".")[:i])) for i in range(1, name.count(".") + 1)]
    words = " ".join([name, *(type(module).__name__ for module in path)])
    return weight[0].numel() == weight.shape[1] and bool(_ATTENTION.search(words)) and not _PERCEPTRON.search(words)
