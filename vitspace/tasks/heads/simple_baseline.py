"""Simple Baseline: three transposed convolutions on the coarsest map, then a heat map for each keypoint.

Xiao et al., "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018: 256 channels, kernel 4, BatchNorm,
COCO's 17 keypoints, crops of 256 x 192; mmpose's ``HeatmapHead``.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from vitspace.tasks.heads import Task
from vitspace.tasks.pyramid import Pyramid

TASK = Task("keypoints", size=(256, 192), classes=17, data="COCO keypoints")
DIM, DOUBLINGS = 256, 3


class Head(nn.Module):
    """Maps [B, C_i, H_i, W_i], of which the last is read -> heat maps [B, K, 8 H_4, 8 W_4]."""

    def __init__(self, dims: Sequence[int], num_classes: int) -> None:
        super().__init__()
        widths = [dims[-1], *[DIM] * DOUBLINGS]
        self.neck = nn.Sequential(*(_doubling(*pair) for pair in pairwise(widths)))
        self.classify = nn.Conv2d(DIM, num_classes, 1)

    def forward(self, *maps: Tensor) -> Tensor:
        return self.classify(self.neck(maps[-1]))


class Pose(nn.Module):
    """A backbone and its head: normalised crops [B, 3, H, W] -> heat maps [B, K, 8 H_4, 8 W_4], of the last map's."""

    def __init__(self, pyramid: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = pyramid, head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(*self.backbone(x))


def _doubling(in_dim: int, dim: int) -> nn.Sequential:
    conv = nn.ConvTranspose2d(in_dim, dim, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(dim), nn.ReLU(inplace=True))


def network(pyramid: Pyramid, num_classes: int, img_size: tuple[int, int]) -> nn.Module:
    """Return the network: crops [B, 3, H, W] -> heat maps [B, K, 8 H_4, 8 W_4]."""
    return Pose(pyramid, Head(pyramid.dims, num_classes))
