"""From patches back to their pixels."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vitspace.layers.kept import captured
from vitspace.layers.plain import is_plain
from vitspace.layers.pointwise import matrix, pointwise


class Propagation(nn.ConvTranspose2d):
    """Depthwise transposed convolution whose kernel is its stride: [B, e C, rows, cols] -> [B, C, H, W].

    A pixel is the weighted sum of the e channels of its patch; H and W are cut from the patches' rows and columns.
    In evaluation one product makes all pixels of a patch (`FoldedPropagation`).

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
        plain = is_plain(x) or captured()
        return cropped(super().forward(x) if plain else self._broadcast(x), height, width)

    def after(self, conv: nn.Conv2d | None) -> "FoldedPropagation":
        """This propagation with the 1x1 convolution before it, for evaluation."""
        return FoldedPropagation(self, conv)

    def _broadcast(self, x: Tensor) -> Tensor:
        """The same function as products that broadcast, in a third of the time."""
        dim, patch, (rows, cols) = self.out_channels, self.kernel_size[0], x.shape[2:]
        tokens = x.reshape(-1, dim, self.in_channels // dim, rows, 1, cols, 1).unbind(2)
        weights = self.weight.to(x.dtype).reshape(dim, -1, 1, patch, 1, patch).unbind(1)
        out = tokens[0] * weights[0]
        for token, weight in zip(tokens[1:], weights[1:], strict=True):
            out = torch.addcmul(out, token, weight)
        return out.reshape(-1, dim, rows * patch, cols * patch)


class FoldedPropagation:
    """A propagation and the 1x1 convolution before it: [B, I, rows, cols] -> [B, C, H, W].

    In eager mode it is one product from a patch's channels to its pixels; it exports as the convolutions.

    Args:
        plain: The propagation.
        conv: The convolution to its e C channels from I, without bias, or None.
    """

    def __init__(self, plain: Propagation, conv: nn.Conv2d | None) -> None:
        self.plain, self.conv, self.patch = plain, conv, plain.kernel_size[0]
        dim, C_in = plain.out_channels, plain.in_channels
        weight = plain.weight.reshape(dim, C_in // dim, self.patch**2).mT
        before = torch.eye(C_in, dtype=weight.dtype, device=weight.device) if conv is None else matrix(conv)
        self.weight = (weight @ before.reshape(dim, C_in // dim, -1)).flatten(0, 1)

    def __call__(self, x: Tensor, height: int, width: int) -> Tensor:
        if captured():
            return self.plain(x if self.conv is None else self.conv(x), height, width)
        return cropped(F.pixel_shuffle(pointwise(x, self.weight), self.patch), height, width)


def cropped(x: Tensor, height: int, width: int) -> Tensor:
    """[B, C, H, W] -> [B, C, height, width]: the rows and columns that begin a map."""
    return x if x.shape[2:] == (height, width) else x[:, :, :height, :width]
