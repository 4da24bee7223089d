"""From patches back to their pixels."""

import torch
from torch import Tensor, nn

from vitspace.layers.plain import is_plain


class Propagation(nn.ConvTranspose2d):
    """Depthwise transposed convolution whose kernel is its stride: [B, e C, rows, cols] -> [B, C, H, W].

    A pixel is the weighted sum of the e channels of its patch; H and W are cut from the patches' rows and columns.
    In eager mode this is written as products that broadcast, the same function in a third of the time; it counts,
    and exports, as the convolution.

    Args:
        dim: Channels C.
        expansion: e.
        patch: Side of a patch.
    """

    def __init__(self, dim: int, expansion: int, patch: int) -> None:
        super().__init__(dim * expansion, dim, patch, stride=patch, groups=dim, bias=False)
        nn.init.normal_(self.weight, std=expansion**-0.5)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:  # type: ignore[override]
        """[B, e C, rows, cols] -> [B, C, height, width]."""
        plain = is_plain(x) or torch.compiler.is_exporting()
        out = super().forward(x) if plain else self._broadcast(x)
        return out if out.shape[2:] == (height, width) else out[:, :, :height, :width]

    def _broadcast(self, x: Tensor) -> Tensor:
        dim, patch, (rows, cols) = self.out_channels, self.kernel_size[0], x.shape[2:]
        tokens = x.reshape(-1, dim, self.in_channels // dim, rows, 1, cols, 1).unbind(2)
        weights = self.weight.to(x.dtype).reshape(dim, -1, 1, patch, 1, patch).unbind(1)
        out = tokens[0] * weights[0]
        for token, weight in zip(tokens[1:], weights[1:], strict=True):
            out = torch.addcmul(out, token, weight)
        return out.reshape(-1, dim, rows * patch, cols * patch)
