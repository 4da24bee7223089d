"""Patch embeddings between stages: [B, C_in, H, W] -> [B, C, H/2, W/2], rounded up, with LayerNorm."""

from collections.abc import Mapping

from timm.layers import LayerNorm2d
from torch import Tensor, nn

from vitspace.layers.windows import partition, window_grid

#: How shared tensors of `ConcatMerging` are cut: its input are the channels of four neighbours.
CONCAT_CUTS: Mapping[str, tuple[int, ...]] = {"ConcatMerging.norm": (4,), "ConcatMerging.reduction": (1, 4)}


class OverlappedMerging(nn.Module):
    """3x3 convolution of stride 2, then LayerNorm."""

    def __init__(self, in_dim: int, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.reduction = nn.Conv2d(in_dim, dim, 3, stride=2, padding=1)
        self.norm = LayerNorm2d(dim, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.reduction(x))


class ConcatMerging(nn.Module):
    """Concatenate 2x2 neighbours, LayerNorm, linear without bias (as Swin); odd sides are zero-padded."""

    def __init__(self, in_dim: int, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * in_dim)
        self.reduction = nn.Linear(4 * in_dim, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        # One window of side 2 is the four neighbours, row by row.
        rows, cols = window_grid(x.shape[2], x.shape[3], 2)
        neighbours_BN4C = partition(x, 2)
        merged_BNC = self.reduction(self.norm(neighbours_BN4C.flatten(2)))
        return merged_BNC.reshape(x.shape[0], rows, cols, -1).permute(0, 3, 1, 2)
