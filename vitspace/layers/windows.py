"""Non-overlapping windows of a map, padded where the window does not divide it."""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def window_grid(height: int, width: int, window: int) -> tuple[int, int]:
    """Rows and columns of windows that cover a map."""
    return -(-height // window), -(-width // window)


def partition(x: Tensor, window: int) -> Tensor:
    """[B, C, H, W] -> [B, N, window^2, C]: N windows in row order, zero-padded at the bottom and right."""
    B, C, H, W = x.shape
    rows, cols = window_grid(H, W, window)
    if (rows * window, cols * window) != (H, W):
        x = F.pad(x, (0, cols * window - W, 0, rows * window - H))
    x = x.reshape(B, C, rows, window, cols, window).permute(0, 2, 4, 3, 5, 1)
    return x.reshape(B, rows * cols, window * window, C)


def merge(windows: Tensor, height: int, width: int, window: int) -> Tensor:
    """[B, N, window^2, C] -> [B, C, height, width]: the inverse of `partition`, padding cropped."""
    B, _, _, C = windows.shape
    rows, cols = window_grid(height, width, window)
    x = windows.reshape(B, rows, cols, window, window, C).transpose(2, 3)
    # Channels stay last in memory: one copy, and none for a layer that reads them so.
    return x.reshape(B, rows * window, cols * window, C)[:, :height, :width].permute(0, 3, 1, 2)


def padding_mask(height: int, width: int, window: int, device: torch.device) -> Tensor | None:
    """Return [N, window^2], True at real positions, or None where nothing is padded."""
    rows, cols = window_grid(height, width, window)
    if (rows * window, cols * window) == (height, width):
        return None
    row = torch.arange(rows * window, device=device) < height
    col = torch.arange(cols * window, device=device) < width
    real = row[:, None] & col[None, :]
    return real.reshape(rows, window, cols, window).transpose(1, 2).reshape(rows * cols, window * window)


def attention_mask(x: Tensor, window: int, tokens: int) -> Tensor | None:
    """Return [B * N, 1, 1, tokens + window^2] for the windows of x [B, C, H, W], or None where nothing is padded.

    It is 0 at real positions and at the ``tokens`` that stand before them, and -inf at padded positions.
    """
    real_NT = padding_mask(x.shape[2], x.shape[3], window, x.device)
    if real_NT is None:
        return None
    mask = torch.zeros(real_NT.shape, device=x.device).masked_fill(~real_NT, -math.inf)
    return F.pad(mask, (tokens, 0)).repeat(x.shape[0], 1)[:, None, None]


def relative_position_index(window: int) -> Tensor:
    """[w^2, w^2]: for tokens i and j in row order, the row of the bias table for their distance."""
    at = torch.arange(window, device="cpu")
    distance = at[:, None] - at[None, :] + window - 1
    index = distance[:, None, :, None] * (2 * window - 1) + distance[None, :, None, :]
    return index.reshape(window**2, window**2)
