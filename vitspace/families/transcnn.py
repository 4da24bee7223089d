"""TransCNN: hierarchical attention and inverted residual bottlenecks, block by block.

Liu et al., "Transformer in Convolutional Neural Networks", arXiv 2106.03180, 2021.

| paper | here |
| --- | --- |
| stages 2 to 5 (stage 1 is the stem) | stages 1 to 4 |
| C, L_i | ``dim``, ``depth`` |
| G_0, side of a grid of the first level | ``grid``; 0 attends over the whole map at once |
| levels of H-MHSA that act (table 2) | ``levels`` |
| input of W^q in the second level (section 4.1) | ``query`` |
| max + average pooling (eq. 8) | ``pooling`` |
| K, E of the IRB (table 1) | ``kernel``, ``expansion`` |
| TDB | ``downsample: tdb`` |

A block is x = x + H-MHSA(x), x = x + IRB(x). H-MHSA with its two levels is

    A_0 = BN(X + Attention within grids of BN(X))              eqs. 5 to 7
    A_1 = Attention(Q from A_0; K, V from BN(pool(A_0)))       eqs. 8 to 11
    H-MHSA(X) = (A_0 + A_1) W^p                                eq. 12, less its residual

so that attention costs N (G_0^2 + N / G_0^2) pairs instead of N^2. Left open by the text, and our reading (params and
FLOPs of the six networks of table 2 leave no other choice of norms and biases):

- H-MHSA is pre-norm; BatchNorm follows A_0 and the pooling; every W has a bias, and each level its own W^q, W^k, W^v.
- The IRB's convolutions have BatchNorm instead of a bias; the TDB's have both; SiLU acts on the TDB's sum.
- The stem is conv 3-16, BN, SiLU, conv 16-C with biases. The head is average pooling and a linear layer.
- One level alone is plain attention, eq. 2: (Attention) W^p, without A_0's residual and norm, its map being BN(X).
- ``query: pooled`` is eq. 11 literally, A_1 = A_0' + Attention(Q from A_0'), upsampled by repetition.
- Maps that a grid does not divide are zero-padded; padding is masked out of attention and left out of pooling.
- Weights of linear layers start as a truncated normal of 0.02; convolutions as torch has them.

The printed FLOPs, 1.8 and 4.0 G at 224 pixels, leave attention products out: 1.773 and 3.958 G (1.792 and 3.995 G where
an element of a BatchNorm counts 2, as fvcore has it). Ours count the products: 1.906 and 4.196 G (1.924 and 4.234 G).
About 0.2 M of the printed 13.1 and 26.7 M parameters stay unexplained.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import torch.nn.functional as F  # noqa: N812
from timm.layers import DropPath, trunc_normal_
from torch import Tensor, nn

from vitspace.errors import InputError
from vitspace.layers.attention import attend, self_attend
from vitspace.layers.conv_norm import ConvNorms
from vitspace.layers.head import ClassifierHead
from vitspace.layers.windows import attention_mask, merge, partition
from vitspace.spec import Carry, HeadSpec, StageSpec, StemSpec, part

STEM_DIM = 16


@part
class Stem(StemSpec, family="transcnn"):
    """The paper's stage 1: two 3x3 convolutions of stride 2, BatchNorm and SiLU between them."""

    def build(self, out_dim: int, in_chans: int) -> nn.Module:
        """Return the module [B, in_chans, H, W] -> [B, out_dim, H/4, W/4], rounded up."""
        return ConvNorms(
            nn.Conv2d(in_chans, STEM_DIM, 3, stride=2, padding=1),
            nn.BatchNorm2d(STEM_DIM),
            nn.SiLU(),
            nn.Conv2d(STEM_DIM, out_dim, 3, stride=2, padding=1),
        )


@part
class Stage(StageSpec, family="transcnn"):
    """Downsampling and blocks of H-MHSA and IRB.

    Attributes:
        dim: Channels C.
        depth: Blocks.
        downsample: tdb (two branches), its pool or its conv branch alone, or none.
        levels: Levels of H-MHSA: both, the first (within grids), the second (to pooled grids), none (no attention).
        grid: Side G_0 of a grid; 0 is plain attention over the whole map, where levels other than none are one.
        head_dim: Channels of an attention head.
        query: What the second level's queries are made of: the full map, or the pooled one.
        pooling: How the second level makes a token of a grid: max_avg (their sum), max or avg.
        kernel: Side K of the IRB's depthwise convolution, odd.
        expansion: Hidden width E of the IRB over C.
    """

    independent: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"levels": "none", "grid": 0, "head_dim": 64, "query": "full", "pooling": "max_avg"},
        {"kernel": 3, "expansion": 4},
        {"downsample": "tdb", "in_dim": None},
    )
    counts: ClassVar[tuple[str, ...]] = ("head_dim", "expansion")
    widths: ClassVar[Mapping[str, int]] = {"head_dim": 1}
    follows: ClassVar[Mapping[str, int]] = {"grid": 2}
    cuts: ClassVar[Mapping[str, tuple[int | str, ...]]] = {"GridAttention.qkv": (3,), "PooledAttention.kv": (2,)}

    dim: int
    depth: int
    downsample: Literal["tdb", "pool", "conv", "none"] = "tdb"
    levels: Literal["both", "first", "second", "none"] = "both"
    grid: int = 0
    head_dim: int = 64
    query: Literal["full", "pooled"] = "full"
    pooling: Literal["max_avg", "max", "avg"] = "max_avg"
    kernel: int = 3
    expansion: int = 4

    @property
    def has_first(self) -> bool:
        """Whether attention runs within grids, or over the whole map."""
        return self.levels in ("both", "first")

    @property
    def has_second(self) -> bool:
        """Whether attention reaches for pooled grids."""
        return self.grid > 0 and self.levels in ("both", "second")

    def canonical(self, first: bool, carry: Carry | None) -> Self:
        """Return the equal stage with the fields that mean nothing here reset."""
        stage = super().canonical(first, carry)
        if stage.levels == "none":
            stage = stage.changed(grid=0, head_dim=64)
        elif stage.grid == 0:
            stage = stage.changed(levels="both")
        return stage if stage.has_second else stage.changed(query="full", pooling="max_avg")

    def check(self, in_dim: int, carry: Carry | None) -> None:
        """Raise InputError if the stage cannot be built."""
        super().check(in_dim, carry)
        if self.grid < 0:
            raise InputError(f"grid is at least 0, but got grid={self.grid}")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise InputError(f"kernel is odd, but got kernel={self.kernel}")
        if self.levels != "none" and self.dim % self.head_dim:
            raise InputError(f"head_dim must divide dim, but got head_dim={self.head_dim}, dim={self.dim}")

    def build(self, in_dim: int, carry: Carry | None, drop_path: Sequence[float]) -> nn.Module:
        """Return the module ``(x, carry | None) -> (x, None)``."""
        return TransCNNStage(self, in_dim, drop_path)


@part
class Head(HeadSpec, family="transcnn"):
    """Global average pooling and a linear classifier."""

    def build(self, in_dim: int, carry: Carry | None, num_classes: int) -> ClassifierHead:
        """Return the module ``(x, carry, pre_logits) -> [B, num_classes]``."""
        return TransCNNHead(in_dim, num_classes)


class Downsampling(nn.Module):
    """TDB of figure 1d, or one of its branches: [B, C_in, H, W] -> [B, C, H/2, W/2], rounded up.

    Args:
        kind: tdb, pool or conv.
        in_dim: Channels C_in.
        dim: Channels C.
    """

    def __init__(self, kind: str, in_dim: int, dim: int) -> None:
        super().__init__()
        self.conv = self.pool = None
        if kind in ("tdb", "conv"):
            self.conv = ConvNorms(nn.Conv2d(in_dim, dim, 3, stride=2, padding=1), nn.BatchNorm2d(dim))
        if kind in ("tdb", "pool"):
            pool = nn.MaxPool2d(2, ceil_mode=True)
            self.pool = ConvNorms(pool, nn.Conv2d(in_dim, dim, 1), nn.BatchNorm2d(dim))

    def forward(self, x: Tensor) -> Tensor:
        branches = [branch(x) for branch in (self.conv, self.pool) if branch is not None]
        return F.silu(sum(branches[1:], start=branches[0]))


class GridAttention(nn.Module):
    """First level, eqs. 5 and 6: attention within each grid, [B, C, H, W] -> [B, C, H, W].

    Args:
        dim: Channels.
        head_dim: Channels of a head.
        grid: Side of a grid; 0, or a grid that covers the map, is attention over the whole map.
    """

    def __init__(self, dim: int, head_dim: int, grid: int) -> None:
        super().__init__()
        self.head_dim, self.grid = head_dim, grid
        self.qkv = nn.Linear(dim, 3 * dim)

    def forward(self, x: Tensor) -> Tensor:
        H, W = x.shape[2:]
        if self.grid == 0 or self.grid >= max(H, W):
            return to_map(self.attend(to_tokens(x)), H, W)
        windows_BNTC = partition(x, self.grid)
        mask = attention_mask(x, self.grid, 0)
        return merge(self.attend(windows_BNTC.flatten(0, 1), mask).reshape(windows_BNTC.shape), H, W, self.grid)

    def attend(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """[M, T, C] -> [M, T, C]; ``mask`` [M, 1, 1, T] is -inf at keys that are padding."""
        return self_attend(self.qkv(x), x.shape[-1] // self.head_dim, mask)


class PooledAttention(nn.Module):
    """Second level, eqs. 8 to 11: attention to the pooled grids, [B, C, H, W] -> [B, C, H, W].

    Args:
        spec: The stage.
    """

    def __init__(self, spec: Stage) -> None:
        super().__init__()
        self.head_dim, self.grid, self.query, self.pooling = spec.head_dim, spec.grid, spec.query, spec.pooling
        self.norm = nn.BatchNorm2d(spec.dim)
        self.q = nn.Linear(spec.dim, spec.dim)
        self.kv = nn.Linear(spec.dim, 2 * spec.dim)

    def forward(self, x: Tensor) -> Tensor:
        H, W = x.shape[2:]
        pooled = self.norm(self.pool(x))
        tokens = to_tokens(pooled)
        k, v = self.kv(tokens).chunk(2, dim=-1)
        if self.query == "full":
            return to_map(attention(self.q(to_tokens(x)), k, v, self.head_dim), H, W)
        out = pooled + to_map(attention(self.q(tokens), k, v, self.head_dim), *pooled.shape[2:])
        return F.interpolate(out, scale_factor=self.grid, mode="nearest")[:, :, :H, :W]

    def pool(self, x: Tensor) -> Tensor:
        """Eq. 8: [B, C, H, W] -> [B, C, H/G, W/G], rounded up; an incomplete grid is pooled over what it has."""
        side = [min(self.grid, size) for size in x.shape[2:]]
        if self.pooling == "max":
            return F.max_pool2d(x, side, ceil_mode=True)
        average = F.avg_pool2d(x, side, ceil_mode=True)
        return average if self.pooling == "avg" else average + F.max_pool2d(x, side, ceil_mode=True)


class HierarchicalAttention(nn.Module):
    """H-MHSA, eq. 12 less its residual: [B, C, H, W] -> [B, C, H, W].

    Args:
        spec: The stage.
    """

    def __init__(self, spec: Stage) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(spec.dim)
        self.first = GridAttention(spec.dim, spec.head_dim, spec.grid) if spec.has_first else None
        self.second = PooledAttention(spec) if spec.has_second else None
        self.first_norm = nn.BatchNorm2d(spec.dim) if spec.has_first and spec.has_second else None
        self.proj = nn.Conv2d(spec.dim, spec.dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        out = self.norm(x)
        if self.first is not None:
            out = self.first(out)
        if self.first_norm is not None and self.second is not None:
            a0 = self.first_norm(x + out)
            out = a0 + self.second(a0)
        elif self.second is not None:
            out = self.second(out)
        return self.proj(out)


class InvertedResidual(ConvNorms):
    """IRB of figure 1c less its residual: [B, C, H, W] -> [B, C, H, W].

    Args:
        dim: Channels.
        expansion: Hidden width over ``dim``.
        kernel: Side of the depthwise convolution.
    """

    def __init__(self, dim: int, expansion: int, kernel: int) -> None:
        hidden = dim * expansion
        super().__init__(
            nn.Conv2d(dim, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.SiLU(),
            nn.Conv2d(hidden, hidden, kernel, padding=kernel // 2, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.SiLU(),
            nn.Conv2d(hidden, dim, 1, bias=False),
            nn.BatchNorm2d(dim),
        )


class TransCNNBlock(nn.Module):
    """H-MHSA and IRB, each with its residual: [B, C, H, W] -> [B, C, H, W]."""

    def __init__(self, spec: Stage, drop_path: float) -> None:
        super().__init__()
        self.attn = HierarchicalAttention(spec) if spec.levels != "none" else None
        self.conv = InvertedResidual(spec.dim, spec.expansion, spec.kernel)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        if self.attn is not None:
            x = x + self.drop_path(self.attn(x))
        return x + self.drop_path(self.conv(x))


class TransCNNStage(nn.Module):
    """A stage of TransCNN blocks; see `Stage`.

    Args:
        spec: The stage.
        in_dim: Channels of the incoming map.
        drop_path: Stochastic depth of each block.
    """

    def __init__(self, spec: Stage, in_dim: int, drop_path: Sequence[float]) -> None:
        super().__init__()
        self.downsample = Downsampling(spec.downsample, in_dim, spec.dim) if spec.downsample != "none" else None
        self.blocks = nn.ModuleList(TransCNNBlock(spec, rate) for rate in drop_path)
        self.apply(_init_weights)

    def forward(self, x: Tensor, carry: Tensor | None = None) -> tuple[Tensor, None]:
        """[B, C_in, H, W], any carry -> [B, C, H', W'], None."""
        if self.downsample is not None:
            x = self.downsample(x)
        for block in self.blocks:
            x = block(x)
        return x, None


class TransCNNHead(ClassifierHead):
    """Global average pooling, then the classifier."""

    def features(self, x: Tensor, carry: Tensor | None) -> Tensor:
        """[B, C, H, W] -> the same."""
        return x


def attention(q: Tensor, k: Tensor, v: Tensor, head_dim: int) -> Tensor:
    """Eq. 1 in every head: [M, T, C], [M, S, C], [M, S, C] -> [M, T, C]."""
    return attend(q, k, v, q.shape[-1] // head_dim)


def to_tokens(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, H * W, C]."""
    return x.flatten(2).transpose(1, 2)


def to_map(tokens: Tensor, height: int, width: int) -> Tensor:
    """[B, height * width, C] -> [B, C, height, width]."""
    return tokens.transpose(1, 2).unflatten(2, (height, width))


def _init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
