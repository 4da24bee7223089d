"""Convolutions whose kernel is a strip, as matrices."""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def banded(weight: Tensor, side: int) -> Tensor:
    """A depthwise strip kernel [C, 1, 1, k] or [C, 1, k, 1], k odd -> [C, side, side].

    Row i holds what the convolution with padding k // 2 takes from each position for position i.
    """
    kernel_CK = weight.flatten(1)
    beyond = side - 1 - kernel_CK.shape[1] // 2
    # Row i of the matrix is a window of this row, which begins i places before its end.
    row = F.pad(kernel_CK, (beyond, beyond))
    return row.unfold(1, side, 1).flip(1)
