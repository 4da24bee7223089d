"""FPN for segmentation as Detectron2 has it, the baseline of the VT paper's Tables 9 and 10.

Kirillov et al., "Panoptic Feature Pyramid Networks", CVPR 2019: a feature pyramid of 256 channels, and the branch of
`vitspace.tasks.heads.semantic_fpn` with GroupNorm and without dropout. COCO-stuff's 54 classes (53 of stuff, one for
all things).
"""

from collections.abc import Sequence

from torch import nn

from vitspace.tasks.heads import SEGMENTATION, Task
from vitspace.tasks.heads._pyramids import FPN
from vitspace.tasks.heads.semantic_fpn import Branch, PyramidHead

TASK = Task(SEGMENTATION, size=(800, 1216), classes=54, data="COCO-stuff")
GROUPS = 32


class Head(PyramidHead):
    """FPN's, with GroupNorm; see `PyramidHead`."""

    def __init__(self, dims: Sequence[int], num_classes: int) -> None:
        super().__init__(FPN(dims), Branch(num_classes, lambda dim: nn.GroupNorm(GROUPS, dim), drop=0.0))
