"""SSDLite: maps at strides 16 and 32, four more of depthwise convolutions, boxes predicted on each.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, after Liu et al., "SSD: Single Shot
MultiBox Detector", ECCV 2016. torchvision's heads and mmdetection's neck (``SSDNeck`` with depthwise convolutions),
which are one network: 6 anchors a position, COCO's 80 classes and the background, whose label is 0.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.ssdlite import SSDLiteHead
from torchvision.ops import Conv2dNormActivation

from vitspace.tasks.heads import DETECTION, Task
from vitspace.tasks.heads._pyramids import NamedMaps
from vitspace.tasks.pyramid import Pyramid

TASK = Task(DETECTION, size=(320, 320), classes=80, data="COCO")
#: Channels of the maps beyond the backbone's.
EXTRA = (512, 256, 256, 128)
ANCHORS = 6

_norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.03)


class Neck(nn.Module):
    """Maps at strides 4 to 32, of which the last two are read -> six maps [B, C_i, H_i, W_i] at strides 16 to 512."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        widths = [dims[-1], *EXTRA]
        self.extra = nn.ModuleList(_halving(*pair) for pair in pairwise(widths))
        self.dims = [*dims[-2:], *EXTRA]

    def forward(self, *maps: Tensor) -> list[Tensor]:
        levels = list(maps[-2:])
        for block in self.extra:
            levels.append(block(levels[-1]))
        return levels


class Head(nn.Module):
    """Maps [B, C_i, H_i, W_i] -> ``cls_logits`` [B, N, K + 1] and ``bbox_regression`` [B, N, 4] for N anchors."""

    def __init__(self, dims: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.neck = Neck(dims)
        self.boxes = SSDLiteHead(self.neck.dims, [ANCHORS] * len(self.neck.dims), num_classes + 1, _norm)

    def forward(self, *maps: Tensor) -> dict[str, Tensor]:
        return self.boxes(self.neck(*maps))


def _halving(in_dim: int, dim: int) -> nn.Sequential:
    """1x1 to half as many channels, depthwise 3x3 of stride 2, 1x1: [B, C_in, H, W] -> [B, C, H/2, W/2], rounded up."""
    layer = partial(Conv2dNormActivation, norm_layer=_norm, activation_layer=nn.ReLU6)
    return nn.Sequential(
        layer(in_dim, dim // 2, 1), layer(dim // 2, dim // 2, 3, stride=2, groups=dim // 2), layer(dim // 2, dim, 1)
    )


def network(pyramid: Pyramid, num_classes: int, img_size: tuple[int, int]) -> nn.Module:
    """Return torchvision's `SSD`: images, each [3, H, W] in 0..1, are resized to ``img_size``."""
    head = Head(pyramid.dims, num_classes)
    anchors = DefaultBoxGenerator([[2, 3]] * len(head.neck.dims), min_ratio=0.2, max_ratio=0.95)
    width_and_height = (img_size[1], img_size[0])
    return SSD(NamedMaps(pyramid, head.neck), anchors, width_and_height, num_classes + 1, head=head.boxes)
