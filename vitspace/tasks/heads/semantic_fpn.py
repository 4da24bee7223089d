"""Semantic FPN: a feature pyramid, each level brought to stride 4 by convolutions and doublings, their sum classified.

Kirillov et al., "Panoptic Feature Pyramid Networks", CVPR 2019. The network is mmsegmentation's ``FPN`` and ``FPNHead``
(the toolbox of PVT's paper, whose recipe the papers here take): 128 channels, BatchNorm, sums, dropout 0.1, ADE20K's
150 classes. A level at stride s has max(1, log2(s / 4)) convolutions.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from vitspace.tasks.heads import SEGMENTATION, Task
from vitspace.tasks.heads._pyramids import FPN, WIDTH
from vitspace.tasks.heads._segmentation import conv_norm_act
from vitspace.tasks.segmenter import resize

TASK = Task(SEGMENTATION, size=(512, 2048), classes=150, data="ADE20K")
#: Channels in which the levels are added up.
DIM = 128


class Level(nn.Module):
    """A level of the pyramid at stride 4: [B, 256, H, W], (rows, cols) -> [B, 128, rows, cols].

    Args:
        doublings: How often the map is doubled.
        norm: Makes a norm of so many channels.
    """

    def __init__(self, doublings: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        dims = [WIDTH, *[DIM] * max(1, doublings)]
        self.convs = nn.ModuleList(conv_norm_act(*pair, 3, norm) for pair in pairwise(dims))
        self.doublings = doublings

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        for number, conv in enumerate(self.convs, start=1):
            x = conv(x)
            if number < self.doublings:
                x = resize(x, (2 * x.shape[2], 2 * x.shape[3]))
        return resize(x, size) if self.doublings else x


class Branch(nn.Module):
    """The levels added up at stride 4 and classified: maps [B, 256, H_i, W_i] -> [B, K, H_1, W_1]."""

    def __init__(self, num_classes: int, norm: Callable[[int], nn.Module] = nn.BatchNorm2d, drop: float = 0.1) -> None:
        super().__init__()
        self.levels = nn.ModuleList(Level(doublings, norm) for doublings in range(4))
        self.drop = nn.Dropout2d(drop)
        self.classify = nn.Conv2d(DIM, num_classes, 1)

    def forward(self, *maps: Tensor) -> Tensor:
        size = (maps[0].shape[2], maps[0].shape[3])
        total = self.levels[0](maps[0], size)
        for level, each in zip(self.levels[1:], maps[1:], strict=True):
            total = total + level(each, size)
        return self.classify(self.drop(total))


class PyramidHead(nn.Module):
    """A pyramid and a branch: maps [B, C_i, H_i, W_i] -> scores of classes [B, K, H_1, W_1]."""

    def __init__(self, neck: nn.Module, branch: Branch) -> None:
        super().__init__()
        self.neck, self.branch = neck, branch

    def forward(self, *maps: Tensor) -> Tensor:
        return self.branch(*self.neck(*maps))


class Head(PyramidHead):
    """FPN's; see `PyramidHead`."""

    def __init__(self, dims: Sequence[int], num_classes: int) -> None:
        super().__init__(FPN(dims), Branch(num_classes))
