"""Mask R-CNN: regions proposed on a feature pyramid, then a box, a class and a mask for each.

He et al., "Mask R-CNN", ICCV 2017. torchvision's network, which is mmdetection's: boxes by two fully connected
layers, masks by four convolutions and a transposed one, COCO's 80 classes, whose labels begin at 1. torchvision
predicts a box and a mask of the background too, 0.01 M parameters. Costs are stated for 1,000 proposals and 100
masks.
"""

from collections.abc import Sequence

from torch import nn

from vitspace.tasks.heads import DETECTION, Task
from vitspace.tasks.heads._proposals import RegionHead, linear_box_head, mask_rcnn
from vitspace.tasks.pyramid import Pyramid

TASK = Task(DETECTION, size=(800, 1280), classes=80, data="COCO")


class Head(RegionHead):
    """Maps [1, C_i, H_i, W_i] -> the masks of 100 regions; see `RegionHead`."""

    def __init__(self, dims: Sequence[int], num_classes: int) -> None:
        super().__init__(dims, num_classes, 1, linear_box_head)


def network(pyramid: Pyramid, num_classes: int, img_size: tuple[int, int]) -> nn.Module:
    """Return torchvision's `MaskRCNN`: images, each [3, H, W] in 0..1, are scaled to fit ``img_size``."""
    head = Head(pyramid.dims, num_classes)
    return mask_rcnn(pyramid, head, img_size)
