"""PartialFormer: tokens of the foreground attend to each other, the background is read by a single query.

The thesis in ``papers/thesis-emsnet-mat-partialformer.txt``, chapter 5, "Efficient Vision Transformers with Partial
Attention".

| paper | here |
| --- | --- |
| N_F / N | ``foreground_ratio``; N_F = max(1, int(foreground_ratio * N)) at every map size |
| h, heads | ``heads`` |
| e, expansion of HeadMLP (eq. 5.5) | ``head_expansion`` |
| r, reduction of ChannelMLP (eq. 5.7) | ``reduction`` |
| c, context score (eq. 5.4) | the mean over channels in `foreground` |
| Q_A, abstract token | ``query_tokens``, one learned vector a block |
| CPVT | ``position``, a depthwise convolution of side ``position_kernel``, added to the map |

A block adds to the map its position encoding, then partial attention (eqs. 5.4 to 5.7), then an MLP. The text leaves
open, and we read:

- Foreground ratios of Table 5.1 are not printed: 1/64, 1/32, 1/16, 1/2 over the stages, with e = 2 and r = 32, give
  every printed number. Channels double from stage to stage, as the text says and contradicts.
- X of eqs. 5.4 to 5.7 is the map before its LayerNorm: after it the mean over channels is rounding noise that would
  reshuffle the foreground. X_B + Y'_B of eq. 5.7 is then the block's shortcut; the foreground has the same one.
- Q_A stands before the foreground tokens ahead of the projections; its output before W_O is the single query, head
  by head. W_O acts on the foreground only.
- HeadMLP's linear layers have no bias: the softmax between them, which is over keys, cancels the first one's. They
  start at a width that keeps the variance.
- ChannelMLP's hidden width C/r is at least 8. At r = 32 and C = 24 it would be 0, and LayerNorm over one element has no
  gradient. In B0 that costs 12,594 Params (0.24 %) over a floor of 1.
- The stem's middle convolution is full; the MLP has a 3x3 depthwise convolution on its hidden channels; the head
  widens the map to 1280 channels before pooling. All three are forced by the printed Params.
- Where there is no background (ratio 1), there is no single-query attention. A map of one token has N_F = 1.
- The HeadMLP term of eq. 5.9 should read 2 e h^2 N_F^2, and single-query attention in eq. 5.10 costs 2 N_B d.

Counted is the reference that projects queries, keys and values of all tokens (eq. 5.8), and single-query attention
over all N keys, the foreground masked. Where it is run, queries of the background, which nothing reads, are left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import torch
import torch.nn.functional as F  # noqa: N812
from timm.layers import DropPath, trunc_normal_
from torch import Tensor, nn

from vitspace.errors import InputError
from vitspace.layers.attention import attend, join_heads, split_heads
from vitspace.layers.conv_head import ConvHeadSpec
from vitspace.layers.conv_mlp import ConvMlp
from vitspace.layers.conv_stem import ConvStem
from vitspace.layers.init import init_weights
from vitspace.layers.kept import captured
from vitspace.layers.merging import OverlappedMerging
from vitspace.layers.plain import is_plain
from vitspace.spec import Carry, StageSpec, StemSpec, part

MIN_HIDDEN = 8


@part
class Stem(StemSpec, family="partial"):
    """Three 3x3 convolutions, strides 2, 1 and 2.

    Attributes:
        middle: Whether the second one is full or depthwise.
    """

    middle: Literal["full", "depthwise"] = "full"

    def build(self, out_dim: int, in_chans: int) -> nn.Module:
        """Return the module [B, in_chans, H, W] -> [B, out_dim, H/4, W/4]."""
        return ConvStem(in_chans, out_dim, self.middle)


@part
class Stage(StageSpec, family="partial"):
    """Patch embedding and partial transformer blocks.

    Attributes:
        dim: Channels C.
        depth: Blocks.
        downsample: overlapped 3x3 convolution, or none.
        heads: Attention heads h.
        foreground_ratio: Share of the tokens that are foreground, over 0 and at most 1.
        head_expansion: Hidden width of HeadMLP over h.
        reduction: C over the hidden width of ChannelMLP, which is at least 8.
        position_kernel: Side of the position encoding's convolution.
        mlp_ratio: Hidden width of the MLP over C.
    """

    independent: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"heads": 1, "foreground_ratio": 1.0, "head_expansion": 1, "reduction": 32},
        {"position_kernel": 3},
        {"mlp_ratio": 4},
        {"downsample": "overlapped", "in_dim": None},
    )
    counts: ClassVar[tuple[str, ...]] = ("heads", "head_expansion", "reduction", "mlp_ratio")
    cuts: ClassVar[Mapping[str, tuple[int | str, ...]]] = {"PartialAttention.qkv": (3,)}

    dim: int
    depth: int
    downsample: Literal["overlapped", "none"] = "overlapped"
    heads: int = 8
    foreground_ratio: float = 0.0625
    head_expansion: int = 2
    reduction: int = 32
    position_kernel: Literal[3, 5, 7] = 3
    mlp_ratio: int = 4

    @property
    def has_background(self) -> bool:
        """Whether some tokens are not foreground."""
        return self.foreground_ratio < 1

    @property
    def hidden_dim(self) -> int:
        """Hidden width of ChannelMLP."""
        return max(MIN_HIDDEN, self.dim // self.reduction)

    def canonical(self, first: bool, carry: Carry | None) -> Self:
        """Return the equal stage, with one ``reduction`` for all that give the same hidden width."""
        stage = super().canonical(first, carry)
        if stage.reduction < 1:
            return stage
        usual = stage.changed(reduction=32)
        if not stage.has_background or stage.hidden_dim == usual.hidden_dim:
            return usual
        return stage.changed(reduction=stage.dim // stage.hidden_dim)

    def check(self, in_dim: int, carry: Carry | None) -> None:
        """Raise InputError if the stage cannot be built."""
        super().check(in_dim, carry)
        if not 0 < self.foreground_ratio <= 1:
            raise InputError(
                f"foreground_ratio is over 0 and at most 1, but got foreground_ratio={self.foreground_ratio}"
            )
        if self.dim % self.heads:
            raise InputError(f"heads must divide dim, but got heads={self.heads}, dim={self.dim}")

    def build(self, in_dim: int, carry: Carry | None, drop_path: Sequence[float]) -> nn.Module:
        """Return the module ``(x, carry | None) -> (x, None)``."""
        return PartialStage(self, in_dim, drop_path)


@part
class Head(ConvHeadSpec, family="partial"):
    """LayerNorm, 1x1 convolution, BatchNorm, GELU, mean, linear classifier."""


class HeadMlp(nn.Module):
    """Eq. 5.5: mix logits over heads, softmax over keys, mix back: [B, h, Q, K] -> [B, h, Q, K]."""

    def __init__(self, heads: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(heads, hidden, 1, bias=False)
        self.fc2 = nn.Conv2d(hidden, heads, 1, bias=False)

    def reset_parameters(self) -> None:
        """Keep the variance of the logits and of the weights; 0.02 would start all keys equal."""
        for fc in (self.fc1, self.fc2):
            trunc_normal_(fc.weight, std=fc.in_channels**-0.5)

    def forward(self, logits: Tensor) -> Tensor:
        return self.fc2(self.fc1(logits).softmax(-1))


class ChannelMlp(nn.Sequential):
    """Eq. 5.7: linear to the hidden width, LayerNorm, ReLU, linear back: [B, 1, C] -> [B, 1, C]."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__(nn.Linear(dim, hidden_dim), nn.LayerNorm(hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, dim))


class PartialAttention(nn.Module):
    """Eqs. 5.4 to 5.7, without the shortcut."""

    def __init__(self, spec: Stage) -> None:
        super().__init__()
        self.heads, self.foreground_ratio = spec.heads, spec.foreground_ratio
        self.query_tokens = nn.Parameter(trunc_normal_(torch.empty(1, 1, spec.dim), std=0.02))
        self.qkv = nn.Linear(spec.dim, 3 * spec.dim)
        self.head_mlp = HeadMlp(spec.heads, spec.heads * spec.head_expansion)
        self.proj = nn.Linear(spec.dim, spec.dim)
        self.channel_mlp = ChannelMlp(spec.dim, spec.hidden_dim) if spec.has_background else None

    def no_weight_decay(self) -> set[str]:
        """Return the parameters that are no matrices: the abstract token."""
        return {"query_tokens"}

    def forward(self, x: Tensor, score: Tensor) -> Tensor:
        """[B, N, C], [B, N] -> [B, N, C]: what attention adds to the tokens, given their context scores."""
        tokens = torch.cat([self.query_tokens.to(x.dtype).expand(x.shape[0], -1, -1), x], dim=1)
        if self.channel_mlp is None:
            return self.proj(self.mixed(*self.qkv(tokens).chunk(3, dim=2))[:, 1:])
        index_BF = foreground(score, self.foreground_ratio)
        # Row 0 of the tokens is Q_A, which is foreground.
        rows_Bf = F.pad(index_BF + 1, (1, 0))
        q_BfC, kv = self.project(tokens, rows_Bf)
        out_BfC = self.mixed(q_BfC, *take(kv, rows_Bf).chunk(2, dim=2))
        summary_B1C = self.channel_mlp(self.single_query(out_BfC[:, :1], kv[:, 1:], index_BF))
        return put(summary_B1C.expand_as(x), index_BF, self.proj(out_BfC[:, 1:]))

    def project(self, tokens: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """[B, N + 1, C], [B, F + 1] -> the queries of those rows [B, F + 1, C], all keys and values [B, N + 1, 2C]."""
        C = tokens.shape[2]
        if is_plain(tokens):
            qkv = self.qkv(tokens)
            return take(qkv[..., :C], rows), qkv[..., C:]
        weight, bias = self.qkv.weight, self.qkv.bias
        return F.linear(take(tokens, rows), weight[:C], bias[:C]), F.linear(tokens, weight[C:], bias[C:])

    def mixed(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Mixed multi-head self-attention (eq. 5.5): three times [B, T, C] -> [B, T, C]."""
        q_BhTD, k_BhTD, v_BhTD = (split_heads(part, self.heads) for part in (q, k, v))
        logits_BhTT = q_BhTD @ k_BhTD.transpose(2, 3) * q_BhTD.shape[3] ** -0.5
        return join_heads(self.head_mlp(logits_BhTT) @ v_BhTD)

    def single_query(self, q: Tensor, kv: Tensor, index: Tensor) -> Tensor:
        """Eq. 5.6: [B, 1, C], [B, N, 2C] -> [B, 1, C], over all tokens but those of ``index`` [B, F]."""
        k_BNC, v_BNC = kv.chunk(2, dim=2)
        # A finite mask, so that a map without background gives a number that nothing reads, and zero gradients.
        mask_BN = q.new_zeros(kv.shape[:2]).scatter(1, index, torch.finfo(q.dtype).min)
        return attend(q, k_BNC, v_BNC, self.heads, mask_BN[:, None, None])


class PartialBlock(nn.Module):
    """[B, H, W, C] -> [B, H, W, C]: position encoding, partial attention, MLP."""

    def __init__(self, spec: Stage, drop_path: float) -> None:
        super().__init__()
        kernel = spec.position_kernel
        self.position = nn.Conv2d(spec.dim, spec.dim, kernel, padding=kernel // 2, groups=spec.dim)
        self.norm1 = nn.LayerNorm(spec.dim)
        self.attn = PartialAttention(spec)
        self.norm2 = nn.LayerNorm(spec.dim)
        self.mlp = ConvMlp(spec.dim, spec.dim * spec.mlp_ratio)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.position(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        tokens_BNC = self.norm1(x).flatten(1, 2)
        x = x + self.drop_path(self.attn(tokens_BNC, x.mean(3).flatten(1))).reshape(x.shape)
        return x + self.drop_path(self.mlp(self.norm2(x)))


class PartialStage(nn.Module):
    """A patch embedding and partial transformer blocks; see `Stage`. A carry is dropped.

    Args:
        spec: The stage.
        in_dim: Channels of the incoming map.
        drop_path: Stochastic depth of each block.
    """

    def __init__(self, spec: Stage, in_dim: int, drop_path: Sequence[float]) -> None:
        super().__init__()
        self.downsample = OverlappedMerging(in_dim, spec.dim) if spec.downsample == "overlapped" else None
        self.blocks = nn.ModuleList(PartialBlock(spec, rate) for rate in drop_path)
        self.apply(init_weights)
        for block in self.blocks:
            block.attn.head_mlp.reset_parameters()  # type: ignore[union-attr, operator]

    def forward(self, x: Tensor, carry: Tensor | None = None) -> tuple[Tensor, None]:
        """[B, C_in, H, W] -> [B, C, H', W']."""
        if self.downsample is not None:
            x = self.downsample(x)
        x_BHWC = x.permute(0, 2, 3, 1).contiguous()
        for block in self.blocks:
            x_BHWC = block(x_BHWC)
        return x_BHWC.permute(0, 3, 1, 2), None


def foreground(score: Tensor, ratio: float) -> Tensor:
    """[B, N] -> [B, F]: where the max(1, int(ratio * N)) highest scores stand (eq. 5.4)."""
    return score.topk(max(1, int(ratio * score.shape[1])), dim=1).indices


def take(x: Tensor, rows: Tensor) -> Tensor:
    """[B, N, C], [B, F] -> [B, F, C]: the given rows of each image."""
    if captured():  # whole rows, where an index for every element would have to be made
        return x[_images(rows), rows]
    return x.gather(1, rows[..., None].expand(-1, -1, x.shape[2]))


def put(x: Tensor, rows: Tensor, values: Tensor) -> Tensor:
    """[B, N, C], [B, F], [B, F, C] -> [B, N, C]: x with the given rows replaced."""
    if captured():
        return x.index_put((_images(rows), rows), values.to(x.dtype))
    return x.scatter(1, rows[..., None].expand(-1, -1, x.shape[2]), values.to(x.dtype))


def _images(rows: Tensor) -> Tensor:
    return torch.arange(rows.shape[0], device=rows.device)[:, None]
