"""A stem of three 3x3 convolutions, stride 4 in all."""

from torch import nn

from vitspace.layers.conv_norm import ConvNorms
from vitspace.layers.init import init_weights


class ConvStem(ConvNorms):
    """[B, in_chans, H, W] -> [B, C, H/4, W/4], rounded up: 3x3 of stride 2 to C/2, 3x3, 3x3 of stride 2 to C.

    Every convolution has a bias and BatchNorm; GELU follows the first two.

    Args:
        in_chans: Channels of the image.
        dim: Channels C put out.
        middle: Whether the middle convolution is full or depthwise.
    """

    def __init__(self, in_chans: int, dim: int, middle: str) -> None:
        hidden = max(1, dim // 2)
        super().__init__(
            *_conv_norm(in_chans, hidden, stride=2),
            nn.GELU(),
            *_conv_norm(hidden, hidden, groups=hidden if middle == "depthwise" else 1),
            nn.GELU(),
            *_conv_norm(hidden, dim, stride=2),
        )
        self.apply(init_weights)


def _conv_norm(in_dim: int, dim: int, stride: int = 1, groups: int = 1) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(in_dim, dim, 3, stride, padding=1, groups=groups), nn.BatchNorm2d(dim)
