"""MAT Transformer: windows that exchange information by mixing their abstract tokens.

The thesis in ``papers/thesis-emsnet-mat-partialformer.txt``, chapter 4, "Exchanging Information across Non-overlapped
Local Self-Attentions via Mixing Abstract Tokens".

| paper | here |
| --- | --- |
| w, window size | ``window`` |
| h, number of heads | ``heads`` |
| A, abstract tokens (token merging) | ``abstract_tokens``, one learned vector shared by all windows |
| W^Q, W^K, W^V (eq. 4.2) | ``qkv``, followed by ``proj`` |
| W_A^Q, W_A^K, W_A^V (eq. 4.4) | ``mix_qkv``, followed by ``mix_proj`` |
| W^K, W^V of the mixed tokens (eq. 4.5) | ``fuse_kv`` |
| Q_I, the image's query (eq. 4.5) | the query that ``qkv`` gives |
| bilinear PE (4.3.2) | ``downsample: bilinear`` |
| 3x3 conv, patch merging (Table 4.9) | ``downsample: overlapped``, ``downsample: concat`` |

Attention in each window over its patches and its abstract token (eqs. 4.1, 4.2), attention among the abstract tokens
of all windows (4.3, 4.4), attention of the patches on the mixed tokens (4.5), added to the first. The printed Params
and FLOPs of Tables 4.2, 4.3 and 4.9 hold with these readings of what the text leaves open:

- The abstract token joins queries, keys and values after their projection: Figure 4.2 gives it the shape of a head.
- W^Q of eq. 4.5 is W^Q of eq. 4.2; that attention has no output projection. No position bias.
- A block with attention begins with a 3x3 depthwise convolution on the map, added to it, which the text does not
  mention; we read it as the conditional position encoding of chapter 5. The MLP has a 3x3 depthwise convolution on
  its hidden channels, except in Table 4.9's pure MLP. Both let a window see the border of its neighbours.
- The head widens the map to 1280 channels before pooling; LayerNorm stands before it.
- The bilinear PE learns offsets, in pixels from the centre of each 2x2 patch, by a depthwise convolution of stride 2,
  BatchNorm, GELU and a 1x1 convolution; what is sampled there passes a depthwise and a 1x1 convolution. Offsets start
  near 0, so that it starts near average pooling. Points outside the map read its border.
- Maps that a window does not divide are zero-padded and the padding is masked out of attention; a window is never
  larger than the longer side of the map.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import torch
import torch.nn.functional as F  # noqa: N812
from timm.layers import DropPath, trunc_normal_
from torch import Tensor, nn

from vitspace.errors import InputError
from vitspace.layers.attention import attend, self_attend
from vitspace.layers.conv_head import ConvHeadSpec
from vitspace.layers.conv_mlp import ConvMlp
from vitspace.layers.conv_stem import ConvStem
from vitspace.layers.init import init_weights
from vitspace.layers.kept import folds, kept
from vitspace.layers.merging import CONCAT_CUTS, ConcatMerging, OverlappedMerging
from vitspace.layers.plain import is_plain
from vitspace.layers.windows import attention_mask, merge, partition
from vitspace.spec import Carry, StageSpec, StemSpec, part


@part
class Stem(StemSpec, family="mat"):
    """Three 3x3 convolutions (Table 4.12), the middle one depthwise."""

    def build(self, out_dim: int, in_chans: int) -> nn.Module:
        """Return the module [B, in_chans, H, W] -> [B, out_dim, H/4, W/4]."""
        return ConvStem(in_chans, out_dim, "depthwise")


@part
class Stage(StageSpec, family="mat"):
    """Patch embedding and MAT blocks.

    Attributes:
        dim: Channels C.
        depth: Blocks.
        downsample: bilinear, overlapped 3x3 convolution, concat of 2x2 neighbours (as Swin), or none.
        mixer: mat, window (the same without abstract tokens), or none (MLP blocks).
        heads: Attention heads h.
        window: Side w of a window.
        mlp_ratio: Hidden width of the MLP over C.
        mlp_depthwise: Whether the MLP has its depthwise convolution.
    """

    independent: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"mixer": "none", "heads": 8, "window": 7},
        {"mlp_ratio": 4, "mlp_depthwise": True},
        {"downsample": "bilinear", "in_dim": None},
    )
    counts: ClassVar[tuple[str, ...]] = ("heads", "window", "mlp_ratio")
    follows: ClassVar[Mapping[str, int]] = {"window": 2}
    cuts: ClassVar[Mapping[str, tuple[int | str, ...]]] = {
        "WindowAttention.qkv": (3,),
        "WindowAttention.mix_qkv": (3,),
        "WindowAttention.fuse_kv": (2,),
        **CONCAT_CUTS,
    }

    dim: int
    depth: int
    downsample: Literal["bilinear", "overlapped", "concat", "none"] = "bilinear"
    mixer: Literal["mat", "window", "none"] = "mat"
    heads: int = 8
    window: int = 7
    mlp_ratio: int = 4
    mlp_depthwise: bool = True

    def canonical(self, first: bool, carry: Carry | None) -> Self:
        """Return the equal stage with the fields that mean nothing here reset."""
        stage = super().canonical(first, carry)
        return stage.changed(heads=8, window=7) if stage.mixer == "none" else stage

    def check(self, in_dim: int, carry: Carry | None) -> None:
        """Raise InputError if the stage cannot be built."""
        super().check(in_dim, carry)
        if self.mixer != "none" and self.dim % self.heads:
            raise InputError(f"heads must divide dim, but got heads={self.heads}, dim={self.dim}")

    def build(self, in_dim: int, carry: Carry | None, drop_path: Sequence[float]) -> nn.Module:
        """Return the module ``(x, carry | None) -> (x, None)``."""
        return MATStage(self, in_dim, drop_path)


@part
class Head(ConvHeadSpec, family="mat"):
    """LayerNorm, 1x1 convolution, BatchNorm, GELU, mean, linear classifier."""


class BilinearMerging(nn.Module):
    """Section 4.3.2: [B, C_in, H, W] -> [B, C, H/2, W/2], rounded up; see the module's docstring."""

    def __init__(self, in_dim: int, dim: int) -> None:
        super().__init__()
        self.offset = nn.Sequential(
            nn.Conv2d(in_dim, in_dim, 3, stride=2, padding=1, groups=in_dim),
            nn.BatchNorm2d(in_dim),
            nn.GELU(),
        )
        self.offset_proj = nn.Linear(in_dim, 2)
        self.dwconv = nn.Conv2d(in_dim, in_dim, 3, padding=1, groups=in_dim)
        self.proj = nn.Linear(in_dim, dim)
        self.norm = nn.LayerNorm(dim)

    def sample(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H/2, W/2]: the map at the learned points."""
        H, W = x.shape[2:]
        # Points need more digits than half precision has.
        offset_Brc2 = self.offset_proj(self.offset(x).permute(0, 2, 3, 1)).float()
        points_rc2 = torch.stack(
            torch.meshgrid(
                torch.arange(1, W + 1, 2, device=x.device), torch.arange(1, H + 1, 2, device=x.device), indexing="xy"
            ),
            dim=-1,
        )
        size = torch.tensor([W, H], device=x.device)
        grid = (points_rc2 + offset_Brc2) * (2 / size) - 1
        out = F.grid_sample(x.float(), grid, padding_mode="border", align_corners=False)
        return out.to(x.dtype)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dwconv(self.sample(x)).permute(0, 2, 3, 1)
        return self.norm(self.proj(x)).permute(0, 3, 1, 2)


class WindowAttention(nn.Module):
    """Attention inside windows, with an exchange over abstract tokens if they are mixed (eqs. 4.1 to 4.5).

    Args:
        dim: Channels C.
        heads: Attention heads.
        mixes: Whether windows have abstract tokens, which are mixed.
    """

    def __init__(self, dim: int, heads: int, mixes: bool) -> None:
        super().__init__()
        self.heads, self.mixes = heads, mixes
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        if mixes:
            self.abstract_tokens = nn.Parameter(trunc_normal_(torch.empty(dim), std=0.02))
            self.mix_qkv = nn.Linear(dim, 3 * dim)
            self.mix_proj = nn.Linear(dim, dim)
            self.fuse_kv = nn.Linear(dim, 2 * dim)

    def no_weight_decay(self) -> set[str]:
        """Return the parameters that are no matrices: the tokens."""
        return {"abstract_tokens"}

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """[B, N, T, C] -> [B, N, T, C]; ``mask`` [B * N, 1, 1, T (+ 1)] is -inf at padded positions."""
        B, N, T, C = x.shape
        qkv = self.qkv(x)
        if not self.mixes:
            return self.proj(self_attend(qkv.flatten(0, 1), self.heads, mask)).reshape(x.shape)
        token_BN13C = self.abstract_tokens.to(qkv.dtype).expand(B, N, 1, 3, C)
        merged = torch.cat([token_BN13C, qkv.unflatten(3, (3, C))], dim=2).reshape(B * N, T + 1, 3 * C)
        local = self.proj(self_attend(merged, self.heads, mask)).reshape(B, N, T + 1, C)
        if N == 1 and not is_plain(x):
            return local[:, :, 1:] + self.exchange_alone(local[:, :, :1])
        query_BTC = qkv.flatten(1, 2)[..., :C]
        return local[:, :, 1:] + self.exchange(local[:, :, 0], query_BTC).reshape(x.shape)

    def exchange(self, abstract: Tensor, query: Tensor) -> Tensor:
        """[B, N, C], [B, N * T, C] -> [B, N * T, C]: mix abstract tokens (eq. 4.3), attend to them (eq. 4.5)."""
        mixed_BNC = self.mix_proj(self_attend(self.mix_qkv(abstract), self.heads))
        k_BNC, v_BNC = self.fuse_kv(mixed_BNC).chunk(2, dim=2)
        return attend(query, k_BNC, v_BNC, self.heads)

    def exchange_alone(self, abstract: Tensor) -> Tensor:
        """[B, 1, 1, C] -> [B, 1, 1, C]: `exchange` with one window, where attention gives the only value there is."""
        if folds(self, abstract):
            return F.linear(abstract, *kept(self.alone, self))
        for weight, bias in self.values():
            abstract = F.linear(abstract, weight, bias)
        return abstract

    def values(self) -> list[tuple[Tensor, Tensor]]:
        """Weight and bias of the layers that a value passes on its way through `exchange`."""
        C = self.mix_proj.in_features
        of_value, of_fused = slice(2 * C, None), slice(C, None)
        return [
            (self.mix_qkv.weight[of_value], self.mix_qkv.bias[of_value]),
            (self.mix_proj.weight, self.mix_proj.bias),
            (self.fuse_kv.weight[of_fused], self.fuse_kv.bias[of_fused]),
        ]

    def alone(self) -> tuple[Tensor, Tensor]:
        """`values` as one layer."""
        (weight, bias), *rest = self.values()
        for after, shift in rest:
            weight, bias = after @ weight, after @ bias + shift
        return weight, bias


class MATBlock(nn.Module):
    """[B, H, W, C] -> [B, H, W, C]: position encoding and attention where the stage has a mixer, then the MLP."""

    def __init__(self, spec: Stage, drop_path: float) -> None:
        super().__init__()
        self.has_mixer = spec.mixer != "none"
        if self.has_mixer:
            self.position = nn.Conv2d(spec.dim, spec.dim, 3, padding=1, groups=spec.dim)
            self.norm1 = nn.LayerNorm(spec.dim)
            self.attn = WindowAttention(spec.dim, spec.heads, spec.mixer == "mat")
        self.norm2 = nn.LayerNorm(spec.dim)
        self.mlp = ConvMlp(spec.dim, spec.dim * spec.mlp_ratio, spec.mlp_depthwise)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()

    def forward(self, x: Tensor, window: int, mask: Tensor | None) -> Tensor:
        if self.has_mixer:
            x = x + self.position(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
            # The depthwise convolutions need the map, so that windows are cut in every block.
            windows_BNTC = partition(self.norm1(x).permute(0, 3, 1, 2), window)
            mixed = merge(self.attn(windows_BNTC, mask), x.shape[1], x.shape[2], window)
            x = x + self.drop_path(mixed.permute(0, 2, 3, 1))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class MATStage(nn.Module):
    """A patch embedding and MAT blocks; see `Stage`. A carry is dropped.

    Args:
        spec: The stage.
        in_dim: Channels of the incoming map.
        drop_path: Stochastic depth of each block.
    """

    def __init__(self, spec: Stage, in_dim: int, drop_path: Sequence[float]) -> None:
        super().__init__()
        self.window, self.mixer = spec.window, spec.mixer
        self.downsample = _merging(spec.downsample, in_dim, spec.dim)
        self.blocks = nn.ModuleList(MATBlock(spec, rate) for rate in drop_path)
        self.apply(init_weights)

    def forward(self, x: Tensor, carry: Tensor | None = None) -> tuple[Tensor, None]:
        """[B, C_in, H, W] -> [B, C, H', W']."""
        if self.downsample is not None:
            x = self.downsample(x)
        window = min(self.window, max(x.shape[2:]))
        mask = None if self.mixer == "none" else attention_mask(x, window, int(self.mixer == "mat"))
        x_BHWC = x.permute(0, 2, 3, 1).contiguous()
        for block in self.blocks:
            x_BHWC = block(x_BHWC, window, mask)
        return x_BHWC.permute(0, 3, 1, 2), None


def _merging(kind: str, in_dim: int, dim: int) -> nn.Module | None:
    kinds = {"bilinear": BilinearMerging, "overlapped": OverlappedMerging, "concat": ConcatMerging}
    return None if kind == "none" else kinds[kind](in_dim, dim)
