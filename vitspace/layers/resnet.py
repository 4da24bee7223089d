"""The parts of a ResNet: stem, basic block, bottleneck block.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; the stride of a bottleneck lies in its 3x3
convolution, as in torchvision, and parameters have torchvision's names.
"""

import torch.nn.functional as F  # noqa: N812
from timm.layers import DropPath
from torch import Tensor, nn

from vitspace.layers.conv_norm import ConvNorms, conv_norm


class ResNetStem(nn.Module):
    """7x7 convolution of stride 2, BatchNorm, ReLU, max pooling: [B, C_in, H, W] -> [B, C, H/4, W/4], rounded up."""

    def __init__(self, in_chans: int, dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_chans, dim, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(dim)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        init_convs(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.maxpool(F.relu(conv_norm(x, self.conv1, self.bn1), inplace=True))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut: [B, C_in, H, W] -> [B, C, H/stride, W/stride], rounded up.

    Args:
        in_dim: Channels C_in.
        dim: Channels C, inside and put out.
        stride: Stride of the first convolution and of the shortcut.
        drop_path: Stochastic depth.
    """

    expansion = 1

    def __init__(self, in_dim: int, dim: int, stride: int = 1, drop_path: float = 0.0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_dim, dim, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(dim)
        self.conv2 = nn.Conv2d(dim, dim, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(dim)
        self.downsample = shortcut(in_dim, dim, stride)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()
        init_convs(self)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(conv_norm(x, self.conv1, self.bn1), inplace=True)
        out = self.drop_path(conv_norm(out, self.conv2, self.bn2))
        return F.relu(out + (x if self.downsample is None else self.downsample(x)), inplace=True)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution and a shortcut: [B, C_in, H, W] -> [B, 4C, H/stride, W/stride], rounded up.

    Args:
        in_dim: Channels C_in.
        dim: Channels C inside.
        stride: Stride of the 3x3 convolution and of the shortcut.
        drop_path: Stochastic depth.
    """

    expansion = 4

    def __init__(self, in_dim: int, dim: int, stride: int = 1, drop_path: float = 0.0) -> None:
        super().__init__()
        out_dim = dim * self.expansion
        self.conv1 = nn.Conv2d(in_dim, dim, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(dim)
        self.conv2 = nn.Conv2d(dim, dim, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(dim)
        self.conv3 = nn.Conv2d(dim, out_dim, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_dim)
        self.downsample = shortcut(in_dim, out_dim, stride)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()
        init_convs(self)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(conv_norm(x, self.conv1, self.bn1), inplace=True)
        out = F.relu(conv_norm(out, self.conv2, self.bn2), inplace=True)
        out = self.drop_path(conv_norm(out, self.conv3, self.bn3))
        return F.relu(out + (x if self.downsample is None else self.downsample(x)), inplace=True)


def shortcut(in_dim: int, out_dim: int, stride: int) -> nn.Module | None:
    """Return the strided 1x1 convolution and BatchNorm of a shortcut that changes shape, or None."""
    if stride == 1 and in_dim == out_dim:
        return None
    return ConvNorms(nn.Conv2d(in_dim, out_dim, 1, stride=stride, bias=False), nn.BatchNorm2d(out_dim))


def init_convs(module: nn.Module) -> None:
    """Initialise convolutions as He et al. do: normal, variance 2 / fan-out."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
