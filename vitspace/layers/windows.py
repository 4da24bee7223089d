"""Non-overlapping windows of a map, padded where the window does not divide it."""

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
    x = windows.reshape(B, rows, cols, window, window, C).permute(0, 5, 1, 3, 2, 4)
    return x.reshape(B, C, rows * window, cols * window)[:, :, :height, :width]


def padding_mask(height: int, width: int, window: int, device: torch.device) -> Tensor | None:
    """Return [N, window^2], True at real positions, or None where nothing is padded."""
    rows, cols = window_grid(height, width, window)
    if (rows * window, cols * window) == (height, width):
        return None
    row = torch.arange(rows * window, device=device) < height
    col = torch.arange(cols * window, device=device) < width
    real = row[:, None] & col[None, :]
    return real.reshape(rows, window, cols, window).transpose(1, 2).reshape(rows * cols, window * window)
