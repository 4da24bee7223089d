"""The convolutions of the segmentation heads."""

from collections.abc import Callable

from torch import nn


def conv_norm_act(
    in_dim: int, dim: int, kernel: int, norm: Callable[[int], nn.Module] = nn.BatchNorm2d
) -> nn.Sequential:
    """Convolution without bias, norm, ReLU: [B, C_in, H, W] -> [B, C, H, W]."""
    return nn.Sequential(
        nn.Conv2d(in_dim, dim, kernel, padding=kernel // 2, bias=False), norm(dim), nn.ReLU(inplace=True)
    )
