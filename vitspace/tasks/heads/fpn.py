"""FPN for segmentation as Detectron2 has it, the baseline of the VT paper's Tables 9 and 10.

Kirillov et al., "Panoptic Feature Pyramid Networks", CVPR 2019: a feature pyramid of 256 channels, and the branch of
`vitspace.tasks.heads.semantic_fpn` with GroupNorm and without dropout. COCO-stuff's 54 classes (53 of stuff, one for
all things).
"""

from collections.abc import Sequence

from torch import Tensor, nn

from vitspace.tasks.heads._pyramids import FPN
from vitspace.tasks.heads._task import Task
from vitspace.tasks.heads.semantic_fpn import Branch
from vitspace.tasks.pyramid import Pyramid
from vitspace.tasks.segmenter import Segmenter

TASK = Task("segmentation", size=(800, 1216), classes=54, data="COCO-stuff")
GROUPS = 32


class Head(nn.Module):
    """Maps [B, C_i, H_i, W_i] -> scores of classes [B, K, H_1, W_1]."""

    def __init__(self, dims: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.neck, self.branch = FPN(dims), Branch(num_classes, lambda dim: nn.GroupNorm(GROUPS, dim), drop=0.0)

    def forward(self, *maps: Tensor) -> Tensor:
        return self.branch(*self.neck(*maps))


def network(pyramid: Pyramid, num_classes: int, img_size: tuple[int, int]) -> nn.Module:
    """Return the network: images [B, 3, H, W] -> [B, K, H, W]."""
    return Segmenter(pyramid, Head(pyramid.dims, num_classes), num_classes)
