"""1x1 convolutions as matrices, so that those which follow each other can be multiplied first; MLPs."""

import torch
import torch.nn.functional as F  # noqa: N812
from timm.layers import Mlp
from torch import Tensor, nn

from vitspace.layers.kept import captured, folds


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
    """Apply a matrix [O, I], or [O, I + 1] with the bias last, to the channels: [B, I, H, W] -> [B, O, H, W].

    It exports as the convolution that it is; in eager mode a product costs less to call.
    """
    B, dim, H, W = x.shape
    bias = weight[:, dim:] if weight.shape[1] > dim else None
    weight = weight[:, :dim]
    if captured():
        return F.conv2d(x, weight[:, :, None, None], None if bias is None else bias[:, 0])
    weights, pixels_BIN = weight.expand(B, -1, -1), x.flatten(2)
    out = torch.bmm(weights, pixels_BIN) if bias is None else torch.baddbmm(bias, weights, pixels_BIN)
    return out.unflatten(2, (H, W))


def mlp(layers: Mlp, x: Tensor) -> Tensor:
    """Run timm's MLP, in evaluation with its GELU in place: [..., C] -> [..., C]."""
    return layers.fc2(gelu_(layers.fc1(x))) if folds(layers, x) else layers(x)


def gelu_(x: Tensor) -> Tensor:
    """GELU in place, which spares a map of its own; for evaluation."""
    return torch.ops.aten.gelu_(x)
