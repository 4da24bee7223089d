"""A convolution and the BatchNorm after it, one convolution in evaluation."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vitspace.layers.kept import folds, kept
from vitspace.layers.pointwise import gelu_


class ConvNorms(nn.Sequential):
    """A sequence of convolutions, BatchNorms and activations: [B, C_in, H, W] -> [B, C, H', W'].

    In evaluation a convolution and the BatchNorm after it are one, and activations but a first are computed in place.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not folds(self, x):
            return super().forward(x)
        given, layers = x, list(self)
        for before, part, after in zip([None, *layers], layers, [*layers[1:], None], strict=False):
            if isinstance(part, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                x = conv_norm(x, part, after)
            elif not (isinstance(before, nn.Conv2d) and isinstance(part, nn.BatchNorm2d)):
                x = part(x) if x is given else _IN_PLACE.get(type(part), part)(x)
        return x


def conv_norm(x: Tensor, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> Tensor:
    """``norm(conv(x))``: [B, C_in, H, W] -> [B, C, H', W']."""
    if not folds(norm, x):
        return norm(conv(x))
    weight, bias = kept(lambda: merged(conv, norm), conv, norm)
    return F.conv2d(x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)


def merged(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that does both in evaluation."""
    assert norm.running_var is not None and norm.running_mean is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    shift = -norm.running_mean if conv.bias is None else conv.bias - norm.running_mean
    return conv.weight * scale[:, None, None, None], norm.bias + shift * scale


def _silu_(x: Tensor) -> Tensor:
    return F.silu(x, inplace=True)


_IN_PLACE = {nn.GELU: gelu_, nn.SiLU: _silu_}
