"""UperNet: pyramid pooling on the coarsest map, a feature pyramid of 512 channels, all levels fused at stride 4.

Xiao et al., "Unified Perceptual Parsing for Scene Understanding", ECCV 2018. The network is mmsegmentation's
``UPerHead`` with the auxiliary ``FCNHead`` on the map at stride 16, as in Swin's paper: its weights count as
parameters, but it runs in training only, so that its FLOPs do not count.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vitspace.tasks.heads import SEGMENTATION, Task
from vitspace.tasks.heads._segmentation import conv_norm_act
from vitspace.tasks.segmenter import resize

TASK = Task(SEGMENTATION, size=(512, 2048), classes=150, data="ADE20K", least_batch=2)
#: Channels of the pyramid, and of the auxiliary head.
DIM, AUXILIARY_DIM = 512, 256
#: Sides in positions of the pooled maps.
POOLED = (1, 2, 3, 6)


class PyramidPooling(nn.Module):
    """The map beside pooled copies of itself, fused: [B, C, H, W] -> [B, 512, H, W].

    Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017.
    """

    def __init__(self, in_dim: int) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(conv_norm_act(in_dim, DIM, 1) for _ in POOLED)
        self.fuse = conv_norm_act(in_dim + len(POOLED) * DIM, DIM, 3)

    def forward(self, x: Tensor) -> Tensor:
        size = (x.shape[2], x.shape[3])
        pooled = [
            resize(reduce(F.adaptive_avg_pool2d(x, side)), size)
            for side, reduce in zip(POOLED, self.reduce, strict=True)
        ]
        return self.fuse(torch.cat([x, *pooled], dim=1))


class Neck(nn.Module):
    """Maps [B, C_i, H_i, W_i] -> as many maps [B, 512, H_i, W_i]."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        *finer, coarsest = dims
        self.pooling = PyramidPooling(coarsest)
        self.laterals = nn.ModuleList(conv_norm_act(dim, DIM, 1) for dim in finer)
        self.convs = nn.ModuleList(conv_norm_act(DIM, DIM, 3) for _ in finer)

    def forward(self, *maps: Tensor) -> list[Tensor]:
        top = self.pooling(maps[-1])
        levels = [top]
        for lateral, each in zip(reversed(self.laterals), reversed(maps[:-1]), strict=True):
            top = lateral(each) + resize(top, (each.shape[2], each.shape[3]))
            levels.insert(0, top)
        return [*(conv(level) for conv, level in zip(self.convs, levels[:-1], strict=True)), levels[-1]]


class Fusion(nn.Module):
    """All levels at stride 4, fused and classified: maps [B, 512, H_i, W_i] -> [B, K, H_1, W_1]."""

    def __init__(self, levels: int, num_classes: int) -> None:
        super().__init__()
        self.fuse = conv_norm_act(levels * DIM, DIM, 3)
        self.drop = nn.Dropout2d(0.1)
        self.classify = nn.Conv2d(DIM, num_classes, 1)

    def forward(self, *maps: Tensor) -> Tensor:
        size = (maps[0].shape[2], maps[0].shape[3])
        levels = [maps[0], *(resize(each, size) for each in maps[1:])]
        return self.classify(self.drop(self.fuse(torch.cat(levels, dim=1))))


class Head(nn.Module):
    """Maps [B, C_i, H_i, W_i] -> scores of classes [B, K, H_1, W_1], and [B, K, H_3, W_3] beside them in training."""

    def __init__(self, dims: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.neck, self.fusion = Neck(dims), Fusion(len(dims), num_classes)
        self.auxiliary = nn.Sequential(
            conv_norm_act(dims[2], AUXILIARY_DIM, 3), nn.Dropout2d(0.1), nn.Conv2d(AUXILIARY_DIM, num_classes, 1)
        )

    def forward(self, *maps: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        scores = self.fusion(*self.neck(*maps))
        return (scores, self.auxiliary(maps[2])) if self.training else scores
