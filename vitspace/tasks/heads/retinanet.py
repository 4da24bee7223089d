"""RetinaNet: a feature pyramid from stride 8 to 128, two rows of convolutions shared by its levels.

Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017. torchvision's network with its levels 6 and 7 made of
the backbone's coarsest map, which is mmdetection's (``add_extra_convs="on_input"``): 9 anchors a position, COCO's 80
classes, whose labels begin at 0.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from vitspace.tasks.heads import DETECTION, Task
from vitspace.tasks.heads._pyramids import FPN, WIDTH, NamedMaps
from vitspace.tasks.pyramid import Pyramid

TASK = Task(DETECTION, size=(800, 1280), classes=80, data="COCO")
ANCHORS = 9


class Neck(nn.Module):
    """Maps at strides 4 to 32, of which the first is not read -> maps [B, 256, H_i, W_i] at strides 8 to 128."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        extra = LastLevelP6P7(dims[-1], WIDTH)
        extra.use_P5 = False  # also where the backbone's last map happens to have 256 channels
        self.fpn = FPN(dims[1:], extra)

    def forward(self, *maps: Tensor) -> list[Tensor]:
        return self.fpn(*maps[1:])


class Head(nn.Module):
    """Maps [B, C_i, H_i, W_i] -> ``cls_logits`` [B, N, K] and ``bbox_regression`` [B, N, 4] for N anchors."""

    def __init__(self, dims: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.neck, self.boxes = Neck(dims), RetinaNetHead(WIDTH, ANCHORS, num_classes)

    def forward(self, *maps: Tensor) -> dict[str, Tensor]:
        return self.boxes(self.neck(*maps))


def network(pyramid: Pyramid, num_classes: int, img_size: tuple[int, int]) -> nn.Module:
    """Return torchvision's `RetinaNet`: images, each [3, H, W] in 0..1, are scaled to fit ``img_size``."""
    head = Head(pyramid.dims, num_classes)
    features = NamedMaps(pyramid, head.neck)
    return RetinaNet(features, num_classes, min_size=min(img_size), max_size=max(img_size), head=head.boxes)
