"""Cascade Mask R-CNN: three box heads, each on the boxes of the one before, and as many mask heads.

Cai and Vasconcelos, "Cascade R-CNN: Delving into High Quality Object Detection", CVPR 2018. The network is
mmdetection's in the setting of Swin's paper, which MSG-Transformer's table repeats: box heads of four convolutions
with BatchNorm and one fully connected layer, boxes by class, a mask head a step. torchvision has none, so that the
cascade is ours, of its parts. Costs are stated for 1,000 proposals in each step and 100 masks by each mask head.
"""

from collections.abc import Sequence

from torch import nn

from vitspace.tasks.heads import DETECTION, Task
from vitspace.tasks.heads._cascade import STEPS, CascadeHeads
from vitspace.tasks.heads._proposals import RegionHead, convolutional_box_head, mask_rcnn
from vitspace.tasks.pyramid import Pyramid

TASK = Task(DETECTION, size=(800, 1280), classes=80, data="COCO")


class Head(RegionHead):
    """Maps [1, C_i, H_i, W_i] -> the masks of 100 regions by each step; see `RegionHead`."""

    def __init__(self, dims: Sequence[int], num_classes: int) -> None:
        super().__init__(dims, num_classes, len(STEPS), convolutional_box_head)


def network(pyramid: Pyramid, num_classes: int, img_size: tuple[int, int]) -> nn.Module:
    """Return a detector of torchvision's shape: images, each [3, H, W] in 0..1, scaled to fit ``img_size``."""
    head = Head(pyramid.dims, num_classes)
    detector = mask_rcnn(pyramid, head, img_size)
    detector.roi_heads = CascadeHeads(detector.roi_heads, head.boxes, head.masks)
    return detector
