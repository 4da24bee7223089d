"""MSG-Transformer: windows that exchange information by shuffling their messenger tokens.

Fang et al., "MSG-Transformer: Exchanging Local Spatial Information by Manipulating Messenger Tokens", CVPR 2022.

| paper | here |
| --- | --- |
| w, window size | ``window`` |
| R, shuffle region size | ``region_size`` |
| T_MSG, messenger tokens | the carry, a grid [B, C, rows, cols] with one token a window |
| theta_1, the messenger's row of B (eq. 6) | ``rel_pos_msg[:, 1]`` |
| theta_2, its column | ``rel_pos_msg[:, 0]`` |

A block is eqs. 1 to 4: attention in each window over its messenger and its patches, shuffle of the messengers
(eq. 7), MLP. Left open by the text, and our reading:

- Maps that a window does not divide are zero-padded, as the paper does for detection; padded positions are masked
  out of attention, which is our choice.
- Where the regions do not cover the windows, whole regions are shuffled and the rest is left alone; regions start
  at the top left in even blocks and end at the bottom right in odd ones (section 4.2).
- One set of R^2 tokens is learned and tiled over the regions, cropped at the edge.
- Without shuffle there is no region, so that one token is learned and shared by all windows.
- The classifier reads the mean of the last stage's messengers: one token at 224 pixels.
- Equation 10 misses factors of 2: the extra cost is (6C + 2w^2 + 1) / (6 w^2 C + w^4).
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import torch
import torch.nn.functional as F  # noqa: N812
from timm.layers import DropPath, LayerNorm2d, Mlp, trunc_normal_
from torch import Tensor, nn

from vitspace.errors import InputError
from vitspace.families._msg_release import checkpoint_filter_fn
from vitspace.layers.attention import self_attend
from vitspace.layers.head import ClassifierHead
from vitspace.layers.kept import captured, folds, kept
from vitspace.layers.merging import CONCAT_CUTS, ConcatMerging, OverlappedMerging
from vitspace.layers.pointwise import mlp
from vitspace.layers.windows import (
    attention_mask,
    merge,
    partition,
    relative_position_index,
    window_grid,
)
from vitspace.spec import Carry, HeadSpec, StageSpec, StemSpec, part

__all__ = ["Head", "Stage", "Stem", "checkpoint_filter_fn"]

#: Of every LayerNorm: PyTorch's own default, which the public release uses throughout; timm's for maps is 1e-6.
EPSILON = 1e-5


@part
class Stem(StemSpec, family="msg"):
    """Patch embedding by a 7x7 convolution of stride 4, or by plain 4x4 patches; then LayerNorm.

    Attributes:
        patch: overlapped (section 3.2) or plain (the ablation networks).
    """

    patch: Literal["overlapped", "plain"] = "overlapped"

    def build(self, out_dim: int, in_chans: int) -> nn.Module:
        """Return the module [B, in_chans, H, W] -> [B, out_dim, H/4, W/4]."""
        return PatchEmbed(in_chans, out_dim, self.patch == "overlapped")


@part
class Stage(StageSpec, family="msg"):
    """Token merging and MSG blocks.

    Attributes:
        dim: Channels C.
        depth: Blocks.
        downsample: overlapped 3x3 convolution, concat of 2x2 neighbours (as Swin), or none.
        head_dim: Channels of an attention head.
        window: Side w of a window.
        region_size: Side R of a shuffle region, in windows.
        exchange: shuffle the messengers of a region after attention; none, the same as regions of one window; or
            there is no_token.
        token_init: learned, or random and fixed (Table 5); it means something where a stage makes its own tokens.
        mlp_ratio: Hidden width of the MLP over C.
    """

    independent: ClassVar[tuple[Mapping[str, Any], ...]] = ({"mlp_ratio": 4}, {"downsample": "overlapped"})
    counts: ClassVar[tuple[str, ...]] = ("window", "region_size", "head_dim", "mlp_ratio")
    widths: ClassVar[Mapping[str, int]] = {"head_dim": 1}
    follows: ClassVar[Mapping[str, int]] = {"window": 2}
    cuts: ClassVar[Mapping[str, tuple[int | str, ...]]] = {
        "WindowAttention.qkv": (3,),
        "WindowAttention.relative_position_bias_table": ("square",),
        "MSGStage.msg_tokens": (1, "grid"),
        **CONCAT_CUTS,
    }

    dim: int
    depth: int
    downsample: Literal["overlapped", "concat", "none"] = "overlapped"
    head_dim: int = 32
    window: int = 7
    region_size: int = 1
    exchange: Literal["shuffle", "none", "no_token"] = "shuffle"
    token_init: Literal["learned", "random"] = "learned"
    mlp_ratio: int = 4

    def takes(self, carry: Carry | None) -> bool:
        """Whether the predecessor's tokens are messengers of windows of this size."""
        return carry is not None and (carry.kind, carry.size) == ("msg", self.window) and self.has_tokens

    @property
    def has_tokens(self) -> bool:
        """Whether windows have messengers."""
        return self.exchange != "no_token"

    def canonical(self, first: bool, carry: Carry | None) -> Self:
        """Return the equal stage with the fields that mean nothing here reset."""
        stage = super().canonical(first, carry)
        if stage.exchange == "none":  # regions of one window exchange nothing
            stage = stage.changed(exchange="shuffle", region_size=1)
        if not stage.has_tokens:
            stage = stage.changed(region_size=1)
        if not stage.has_tokens or stage.takes(carry):
            stage = stage.changed(token_init="learned")
        return stage

    def check(self, in_dim: int, carry: Carry | None) -> None:
        """Raise InputError if the stage cannot be built."""
        super().check(in_dim, carry)
        if self.dim % self.head_dim:
            raise InputError(f"head_dim must divide dim, but got head_dim={self.head_dim}, dim={self.dim}")
        if self.dim % self.region_size**2:
            raise InputError(f"region_size^2 must divide dim, but got region_size={self.region_size}, dim={self.dim}")

    def cost_twin(self, carry: Carry | None) -> Self:
        """Return a stage of the same cost: the shuffle costs nothing, the region only its own tokens."""
        return self.changed(region_size=1) if self.takes(carry) else self

    def carry_out(self, carry: Carry | None) -> Carry | None:
        """Messenger tokens, if there are any."""
        return Carry("msg", self.dim, self.window) if self.has_tokens else None

    def build(self, in_dim: int, carry: Carry | None, drop_path: Sequence[float]) -> nn.Module:
        """Return the module ``(x, carry | None) -> (x, carry | None)``."""
        return MSGStage(self, in_dim, self.takes(carry), drop_path)


@part
class Head(HeadSpec, family="msg"):
    """LayerNorm, mean of the messengers (of the patches where there are none), linear classifier."""

    def build(self, in_dim: int, carry: Carry | None, num_classes: int) -> ClassifierHead:
        """Return the module ``(x, carry, pre_logits) -> [B, num_classes]``."""
        return MSGHead(in_dim, num_classes)


class PatchEmbed(nn.Module):
    """Convolution of stride 4, then LayerNorm: [B, C_in, H, W] -> [B, C, H/4, W/4].

    Plain patches that the image's edge cuts are zero-padded.
    """

    def __init__(self, in_chans: int, dim: int, overlapped: bool) -> None:
        super().__init__()
        kernel, padding = (7, 2) if overlapped else (4, 0)
        self.overlapped, self.kind = overlapped, "overlapped" if overlapped else "plain"
        self.proj = nn.Conv2d(in_chans, dim, kernel, stride=4, padding=padding)
        self.norm = LayerNorm2d(dim, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        if not self.overlapped:
            x = F.pad(x, (0, -x.shape[3] % 4, 0, -x.shape[2] % 4))
        return self.norm(self.proj(x))


class WindowAttention(nn.Module):
    """Attention among the tokens of each window, with the position bias of eq. 6.

    Args:
        dim: Channels.
        head_dim: Channels of a head.
        window: Side of the window.
        has_token: Whether a messenger stands at index 0.
    """

    def __init__(self, dim: int, head_dim: int, window: int, has_token: bool) -> None:
        super().__init__()
        self.num_heads = dim // head_dim
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, self.num_heads))
        trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.rel_pos_msg: nn.Parameter | None = None
        if has_token:
            self.rel_pos_msg = nn.Parameter(torch.empty(self.num_heads, 2, 1, 1))
            trunc_normal_(self.rel_pos_msg, std=0.02)
        self.bias_index: Tensor
        self.register_buffer("bias_index", bias_index(window, has_token), persistent=False)

    def no_weight_decay(self) -> set[str]:
        """Return the parameters that are no matrices: the biases of positions."""
        return {"relative_position_bias_table", "rel_pos_msg"}

    def bias(self) -> Tensor:
        """Return B of eq. 6, [heads, T, T]."""
        table: Tensor = self.relative_position_bias_table
        if self.rel_pos_msg is not None:
            table = torch.cat([table, self.rel_pos_msg.flatten(1).t()])
        return table[self.bias_index.flatten()].t().reshape(self.num_heads, *self.bias_index.shape)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """[..., C] -> [..., C], x of the shape [B, N, T, C] or flat; ``mask`` [B N, 1, 1, T] is -inf at padding."""
        bias = (kept(self.bias, self) if folds(self, x) else self.bias()).unsqueeze(0)
        if mask is not None:
            bias = bias + mask
        qkv_MTC = self.qkv(x).reshape(-1, bias.shape[-1], 3 * x.shape[-1])
        return self.proj(self_attend(qkv_MTC, self.num_heads, bias).reshape(x.shape))


class MSGBlock(nn.Module):
    """Eqs. 2 to 4: [..., C] -> [..., C], N = rows * cols windows of T tokens, of the shape [B, N, T, C] or flat."""

    def __init__(self, spec: Stage, index: int, drop_path: float) -> None:
        super().__init__()
        self.region_size = spec.region_size
        self.anchor_last = index % 2 == 1
        self.tokens = spec.window**2 + spec.has_tokens
        self.norm1 = nn.LayerNorm(spec.dim)
        self.attn = WindowAttention(spec.dim, spec.head_dim, spec.window, spec.has_tokens)
        self.norm2 = nn.LayerNorm(spec.dim)
        self.mlp = Mlp(spec.dim, spec.dim * spec.mlp_ratio)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()

    def forward(self, x: Tensor, grid: tuple[int, int], mask: Tensor | None) -> Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x), mask))
        if self.region_size > 1:
            x_BNTC = x.reshape(-1, grid[0] * grid[1], self.tokens, x.shape[-1])
            messengers_BNC = shuffle_messengers(x_BNTC[:, :, 0], grid, self.region_size, self.anchor_last)
            x = torch.cat([messengers_BNC.unsqueeze(2), x_BNTC[:, :, 1:]], dim=2).reshape(x.shape)
        return x + self.drop_path(mlp(self.mlp, self.norm2(x)))


class MSGStage(nn.Module):
    """A stage of MSG blocks; see `Stage`. Windows are partitioned once.

    Args:
        spec: The stage.
        in_dim: Channels of the incoming map.
        takes_carry: Whether the incoming carry is used; otherwise the stage makes its own tokens.
        drop_path: Stochastic depth of each block.
    """

    def __init__(self, spec: Stage, in_dim: int, takes_carry: bool, drop_path: Sequence[float]) -> None:
        super().__init__()
        self.window, self.region_size = spec.window, spec.region_size
        self.has_tokens, self.takes_carry = spec.has_tokens, takes_carry
        self.msg_tokens: Tensor | nn.Parameter
        self.downsample = _merging(spec.downsample, in_dim, spec.dim)
        if self.has_tokens and not takes_carry:
            tokens = trunc_normal_(torch.empty(1, self.region_size**2, 1, spec.dim), std=0.02)
            if spec.token_init == "learned":
                self.register_parameter("msg_tokens", nn.Parameter(tokens))
            else:
                self.register_buffer("msg_tokens", tokens)
        self.blocks = nn.ModuleList(MSGBlock(spec, i, rate) for i, rate in enumerate(drop_path))
        self.apply(_init_weights)

    def no_weight_decay(self) -> set[str]:
        """Return the parameters that are no matrices: the tokens."""
        return {"msg_tokens"}

    def initial_tokens(self, batch: int, rows: int, cols: int) -> Tensor:
        """Tile the token set over the regions: [batch, rows * cols, C]."""
        R = self.region_size
        tokens = self.msg_tokens.reshape(R, R, -1)
        tokens = tokens.repeat(-(-rows // R), -(-cols // R), 1)[:rows, :cols]
        return tokens.reshape(1, rows * cols, -1).expand(batch, -1, -1)

    def forward(self, x: Tensor, carry: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """[B, C_in, H, W], [B, C_in, rows, cols] | None -> [B, C, H', W'], [B, C, rows', cols'] | None."""
        if self.downsample is not None:
            x = self.downsample(x)
            carry = self.downsample(carry) if self.takes_carry else None
        B, C, H, W = x.shape
        rows, cols = window_grid(H, W, self.window)
        windows = partition(x, self.window)
        if self.has_tokens:
            used = carry if self.takes_carry else None
            tokens_BNC = self.initial_tokens(B, rows, cols) if used is None else used.flatten(2).transpose(1, 2)
            windows = torch.cat([tokens_BNC.unsqueeze(2), windows], dim=2)
        mask = attention_mask(x, self.window, int(self.has_tokens))
        shape = windows.shape
        if captured():  # or a back end flattens for every linear layer
            windows = windows.flatten(0, 2)
        for block in self.blocks:
            windows = block(windows, (rows, cols), mask)
        windows = windows.reshape(shape)
        if not self.has_tokens:
            return merge(windows, H, W, self.window), None
        grid_BCrc = windows[:, :, 0].transpose(1, 2).reshape(B, C, rows, cols)
        return merge(windows[:, :, 1:], H, W, self.window), grid_BCrc


class MSGHead(ClassifierHead):
    """LayerNorm and the mean of the messengers, or of the patches where there are none."""

    def __init__(self, dim: int, num_classes: int) -> None:
        super().__init__(dim, num_classes)
        self.norm = nn.LayerNorm(dim)

    def features(self, x: Tensor, carry: Tensor | None) -> Tensor:
        """[B, C, H, W], [B, C, rows, cols] | None -> [B, N, C]; a map where it is not pooled."""
        tokens_BCrc = x if carry is None else carry
        normed_BNC = self.norm(tokens_BCrc.flatten(2).transpose(1, 2))
        return normed_BNC.transpose(1, 2).reshape(tokens_BCrc.shape) if self.global_pool == "" else normed_BNC


def shuffle(tokens: Tensor, region_size: int) -> Tensor:
    """Eq. 7 in every region: [B, rows, cols, C] -> [B, rows, cols, C], regions dividing rows and cols.

    Channel group g of messenger r moves to channel group r of messenger g; done twice it is the identity.
    """
    B, rows, cols, C = tokens.shape
    R, G = region_size, region_size**2
    groups = tokens.reshape(B, rows // R, R, cols // R, R, R, R, C // G)
    return groups.permute(0, 1, 5, 3, 6, 2, 4, 7).reshape(B, rows, cols, C)


def shuffle_messengers(tokens: Tensor, grid: tuple[int, int], region_size: int, anchor_last: bool) -> Tensor:
    """Shuffle the whole regions of a grid: [B, rows * cols, C] -> [B, rows * cols, C].

    Windows outside a whole region keep their messenger; regions start at the top left, or, for ``anchor_last``,
    end at the bottom right.
    """
    rows, cols = grid
    R = region_size
    height, width = rows // R * R, cols // R * R
    tokens_BrcC = tokens.reshape(tokens.shape[0], rows, cols, -1)
    if (height, width) == (rows, cols):
        return shuffle(tokens_BrcC, R).flatten(1, 2)
    if not height or not width:
        return tokens
    top, left = (rows - height, cols - width) if anchor_last else (0, 0)
    inside = tokens_BrcC[:, top : top + height, left : left + width]
    out = tokens_BrcC.clone()
    out[:, top : top + height, left : left + width] = shuffle(inside, R)
    return out.flatten(1, 2)


def bias_index(window: int, has_token: bool) -> Tensor:
    """[T, T]: rows of the bias table, followed by theta_2 (column 0) and theta_1 (row 0) where there is a token."""
    index = relative_position_index(window)
    if not has_token:
        return index
    to_messenger = (2 * window - 1) ** 2
    index = F.pad(index, (1, 0), value=to_messenger)
    return F.pad(index, (0, 0, 1, 0), value=to_messenger + 1)


def _merging(kind: str, in_dim: int, dim: int) -> nn.Module | None:
    if kind == "none":
        return None
    return OverlappedMerging(in_dim, dim, EPSILON) if kind == "overlapped" else ConcatMerging(in_dim, dim)


def _init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
