"""1x1 convolutions as matrices, so that those which follow each other can be multiplied first."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def worth_folding(x: Tensor, width: int) -> bool:
    """Whether multiplying matrices of a width first pays for a map x [B, C, H, W]: where it has more positions.

    An exported graph has them multiplied once and for all.
    """
    return torch.compiler.is_exporting() or x.shape[2] * x.shape[3] > width


def matrix(conv: nn.Conv2d) -> Tensor:
    """The matrix [O, I] of a 1x1 convolution without bias."""
    return conv.weight.flatten(1)


def normed(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> Tensor:
    """A 1x1 convolution without bias after an evaluation BatchNorm, as a matrix [O, I + 1] with the bias last."""
    assert norm.running_var is not None and norm.running_mean is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    shift = norm.bias - norm.running_mean * scale
    weight = matrix(conv)
    return torch.cat([weight * scale, (weight @ shift)[:, None]], dim=1)


def pointwise(x: Tensor, weight: Tensor) -> Tensor:
    """Apply a matrix [O, I], or [O, I + 1] with the bias last, to the channels: [B, I, H, W] -> [B, O, H, W]."""
    dim = x.shape[1]
    bias = weight[:, dim] if weight.shape[1] > dim else None
    return F.conv2d(x, weight[:, :dim, None, None], bias)
