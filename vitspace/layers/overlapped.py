"""Attention in windows that overlap."""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def overlapped_attention(scores: Tensor, values: Tensor, heads: int, kernel: int, stride: int) -> Tensor:
    """Mix the positions of each window by the softmax of its scores, and add up where windows overlap.

    Windows are those of a convolution with padding kernel // 2, whose zeros around the map are values of no weight.

    Args:
        scores: [B, heads * kernel^4, rows', cols'], for each window and head a matrix [kernel^2, kernel^2].
        values: [B, C, rows, cols].
        heads: Heads, each with C / heads channels.
        kernel: Side of a window, odd.
        stride: Step between windows: rows' = ceil(rows / stride).

    Returns:
        [B, C, rows, cols].
    """
    K, L, (C, rows, cols) = kernel**2, scores.shape[2] * scores.shape[3], values.shape[1:]
    # Softmax where the exporter's and the CPU's copies are smallest; contiguous, or the product runs window by window.
    weights_BhKKL = scores.reshape(-1, heads, K, K, L).softmax(3)
    weights_BhLKK = weights_BhKKL.permute(0, 1, 4, 2, 3).contiguous()
    windows = F.unfold(values, kernel, padding=kernel // 2, stride=stride)
    values_BhLKD = windows.reshape(-1, heads, C // heads, K, L).permute(0, 1, 4, 3, 2).contiguous()
    out_BhDKL = (weights_BhLKK @ values_BhLKD).permute(0, 1, 4, 3, 2)
    return F.fold(out_BhDKL.reshape(-1, C * K, L), (rows, cols), kernel, padding=kernel // 2, stride=stride)
