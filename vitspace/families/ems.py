"""EMSNet: convolution and attention side by side on patches of several sizes, each on its own channels.

Xuan-Thuy Vo, "Efficient Vision Transformers with Multi-Scale and Partial Attentions", thesis, Ulsan, chapter 3.

| paper | here |
| --- | --- |
| C_s / C | ``static_share`` |
| {1/4 : 1/2 : 1/4}, split of X_m | ``split``, quarters for PEi_1, identity, PEi_2 |
| p of PEi_1, PEi_2, PEi_3, PEi_4 | ``fine_patch``, ``coarse_patch``, ``local_patch``, ``global_patch`` |
| k of DWConv, k_d of CoordDWConv | ``kernel``, ``coordinate_kernel`` |
| C_1 over the channels handed to C-MHSA | ``local_expansion`` |
| h of C-MHSA | ``max(1, C_1 // local_head_dim)`` |

A block is ``x + out(MSI(in(BN(x))))``, then ``x + MLP(BN(x))``. MSI slices the channels: the first C_s go through the
static operator (eqs. 3.1 to 3.5), the rest through the dynamic one (eqs. 3.6 to 3.10), each half of which belongs to
one of the two attentions. Left open by the text, and our reading:

- ``in`` and ``out`` are 1x1 convolutions that stay when the mixer is the identity (tables 3.5 and 3.9); no layer but
  the matrix M and the classifier has a bias; BatchNorm; GELU in the stem and the MLP; no position embedding.
- CoordDWConv has k_d = 17; DWConv 7x7. The 1x1 of a static PE and of PEi_3 doubles the channels and Prop brings them
  back; PEi_4 keeps them. Prop's transposed convolution has one group a channel put out.
- Without the gate eq. 3.4 has no 1x1: the gate adds exactly two C_s x C_s matrices (table 3.5). The rows up to
  "+Gated Aggregation" have no dynamic half; in "+C-MHSA" that operator has all of it.
- Attention weights of C-MHSA are not scaled; Fold ends with a 1x1 projection, as G-MHSA does.
- Patches at the edge of a map that p does not divide are smaller: pooling takes the real pixels only, Prop is cropped.

In evaluation a block runs as `vitspace.families._ems_folded` writes it: the same function in fewer operators. Costs
are counted on the plain graph below, which training runs too.

Table 3.1 contradicts itself for XTiny: a last stage 128 wide gives 2.31 M Params, not 3.0 M; 192, the anchor, 2.96 M.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar, Literal, Self

import torch
import torch.nn.functional as F  # noqa: N812
from timm.layers import DropPath
from torch import Tensor, nn

from vitspace.errors import InputError
from vitspace.families._ems_attention import GlobalAttention, LocalAttention, check_heads
from vitspace.families._ems_folded import FoldedBlock
from vitspace.layers.conv_norm import ConvNorms
from vitspace.layers.head import ClassifierHead
from vitspace.layers.init import init_weights
from vitspace.layers.kept import folds, kept
from vitspace.layers.propagation import Propagation
from vitspace.layers.side_by_side import SideBySide
from vitspace.spec import Carry, HeadSpec, StageSpec, StemSpec, part

_LOCAL = ["local_patch", "local_expansion", "local_head_dim"]
_GLOBAL = ["global_patch", "global_expansion", "global_head_dim"]
#: Sides of patches, which follow the image.
_PATCHES = ("fine_patch", "coarse_patch", "local_patch", "global_patch")
_COUNTS = [*_LOCAL, *_GLOBAL, "fine_patch", "coarse_patch", "static_expansion", "coordinate_kernel", "mlp_ratio"]


@part
class Stem(StemSpec, family="ems"):
    """Two 3x3 convolutions of stride 2, each with BatchNorm, GELU between them."""

    def build(self, out_dim: int, in_chans: int) -> nn.Module:
        """Return the module [B, in_chans, H, W] -> [B, out_dim, H/4, W/4]."""
        return nn.Sequential(_halving(in_chans, out_dim), nn.GELU(), _halving(out_dim, out_dim)).apply(init_weights)


@part
class Stage(StageSpec, family="ems"):
    """A 3x3 convolution of stride 2, and EMS blocks.

    Attributes:
        dim: Channels C.
        depth: Blocks.
        downsample: conv, or none.
        mlp_ratio: Hidden width of the MLP over C.
        static_share: C_s / C; it means something where there is a dynamic operator.
        whiten: Whether eq. 3.1 is there.
        kernel: Side of the depthwise convolution, odd; 0 leaves it out.
        split: Quarters of C_s for the fine patches, for the identity, and for the coarse patches.
        fine_patch: p of PEi_1.
        coarse_patch: p of PEi_2.
        static_expansion: Channels of a static branch's patches over those of its pixels.
        coordinate_kernel: k_d, odd.
        gate: Whether eq. 3.5 is there.
        dynamic: Which attention the dynamic operator has: local is C-MHSA, global G-MHSA.
        local_patch: p of PEi_3.
        local_expansion: C_1 over the channels of the C-MHSA branch.
        local_head_dim: Channels of a head of C-MHSA.
        global_patch: p of PEi_4.
        global_expansion: Channels of G-MHSA over those of its branch.
        global_head_dim: Channels of a head of G-MHSA.
    """

    independent: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"mlp_ratio": 4},
        {"whiten": True},
        {"kernel": 0},
        {"gate": True},
        {"split": "0:4:0", "fine_patch": 2, "coarse_patch": 4, "static_expansion": 2, "coordinate_kernel": 17},
        {"local_patch": 4, "local_expansion": 1, "local_head_dim": 4096},
        {"global_patch": 6, "global_expansion": 1, "global_head_dim": 4096},
        {"downsample": "conv", "in_dim": None},
    )
    counts: ClassVar[tuple[str, ...]] = tuple(_COUNTS)
    widths: ClassVar[Mapping[str, int]] = {"local_head_dim": 1, "global_head_dim": 1}
    follows: ClassVar[Mapping[str, int]] = dict.fromkeys(_PATCHES, 1)
    cuts: ClassVar[Mapping[str, tuple[int | str, ...]]] = {"GlobalAttention.qkv": (3,)}

    dim: int
    depth: int
    downsample: Literal["conv", "none"] = "conv"
    mlp_ratio: int = 4
    static_share: float = 0.5
    whiten: bool = True
    kernel: int = 7
    split: Literal["1:2:1", "2:1:1", "1:1:2", "2:2:0", "0:4:0"] = "1:2:1"
    fine_patch: int = 2
    coarse_patch: int = 4
    static_expansion: int = 2
    coordinate_kernel: int = 17
    gate: bool = True
    dynamic: Literal["both", "local", "global", "none"] = "both"
    local_patch: int = 4
    local_expansion: int = 2
    local_head_dim: int = 32
    global_patch: int = 6
    global_expansion: int = 1
    global_head_dim: int = 32

    @property
    def static_dim(self) -> int:
        """C_s."""
        return self.dim if self.dynamic == "none" else round(self.dim * self.static_share)

    @property
    def split_dims(self) -> tuple[int, int, int]:
        """Channels of X_m1, X_m2 and X_m3."""
        fine, identity, coarse = (int(quarters) * self.static_dim // 4 for quarters in self.split.split(":"))
        return fine, identity, coarse

    @property
    def dynamic_dims(self) -> tuple[int, int]:
        """Channels of X_d1 for C-MHSA and of X_d2 for G-MHSA; an operator that is missing leaves all to the other."""
        rest = self.dim - self.static_dim
        local = {"both": rest // 2, "local": rest}.get(self.dynamic, 0)
        return local, rest - local

    def canonical(self, first: bool, carry: Carry | None) -> Self:
        """Return the equal stage with the fields that mean nothing here reset."""
        idle = ["static_share"] if self.dynamic == "none" else []
        idle += [] if self.dynamic in ("both", "local") else _LOCAL
        idle += [] if self.dynamic in ("both", "global") else _GLOBAL
        fine, _, coarse = self.split.split(":")
        idle += ["fine_patch"] if fine == "0" else []
        idle += ["coarse_patch"] if coarse == "0" else []
        idle += ["static_expansion", "coordinate_kernel"] if fine == coarse == "0" else []
        defaults = {f.name: f.default for f in fields(self) if f.name in idle}
        return super().canonical(first, carry).changed(**defaults)

    def check(self, in_dim: int, carry: Carry | None) -> None:
        """Raise InputError if the stage cannot be built."""
        super().check(in_dim, carry)
        if self.kernel < 0 or (self.kernel and self.kernel % 2 == 0) or self.coordinate_kernel % 2 == 0:
            got = f"{self.kernel} and {self.coordinate_kernel}"
            raise InputError(f"kernel is odd or 0, and coordinate_kernel is odd, but got {got}")
        self._check_channels()

    def _check_channels(self) -> None:
        static, share, (local, global_) = self.static_dim, self.static_share, self.dynamic_dims
        got = f"dim={self.dim}, static_share={share}"
        if not 0 < share < 1 or (self.dynamic != "none" and share * self.dim != static):
            raise InputError(f"static_share lies between 0 and 1 and cuts dim in whole channels, but got {got}")
        if self.split != "0:4:0" and static % 4:
            raise InputError(f"4 must divide the static channels, but got {static} with {got}")
        if self.dynamic == "both" and local != global_:
            raise InputError(f"2 must divide the dynamic channels, but got {local + global_} with {got}")
        check_heads(local * self.local_expansion, self.local_head_dim)
        check_heads(global_ * self.global_expansion, self.global_head_dim)

    def build(self, in_dim: int, carry: Carry | None, drop_path: Sequence[float]) -> nn.Module:
        """Return the module ``(x, carry | None) -> (x, None)``."""
        return EMSStage(self, in_dim, drop_path)


@part
class Head(HeadSpec, family="ems"):
    """BatchNorm, mean over the map, linear classifier."""

    def build(self, in_dim: int, carry: Carry | None, num_classes: int) -> ClassifierHead:
        """Return the module ``(x, carry, pre_logits) -> [B, num_classes]``."""
        return EMSHead(in_dim, num_classes)


class StaticPatches(nn.Module):
    """Eqs. 3.2 and 3.3, Prop(CoordDWConv(PE(x))): [B, C, H, W] -> [B, C, H, W]."""

    def __init__(self, dim: int, patch: int, expansion: int, kernel: int) -> None:
        super().__init__()
        self.patch, width = patch, dim * expansion
        self.embed = nn.Conv2d(dim, width, 1, bias=False)
        self.horizontal = nn.Conv2d(width, width, (1, kernel), padding=(0, kernel // 2), groups=width, bias=False)
        self.vertical = nn.Conv2d(width, width, (kernel, 1), padding=(kernel // 2, 0), groups=width, bias=False)
        self.prop = Propagation(dim, expansion, patch)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(F.max_pool2d(x, self.patch, ceil_mode=True))
        return self.prop(self.vertical(self.horizontal(tokens)), *x.shape[2:])


class StaticOperator(nn.Module):
    """Eqs. 3.1 to 3.5: [B, C_s, H, W] -> [B, C_s, H, W]."""

    def __init__(self, spec: Stage) -> None:
        super().__init__()
        dim, kernel = spec.static_dim, spec.kernel
        self.whiten = nn.Conv2d(dim, dim, 1, bias=False) if spec.whiten else None
        self.mix = nn.Conv2d(dim, dim, kernel, padding=kernel // 2, groups=dim, bias=False) if kernel else nn.Identity()
        fine, identity, coarse = spec.split_dims
        patches = spec.static_expansion, spec.coordinate_kernel
        self.branches = SideBySide(
            (fine, StaticPatches(fine, spec.fine_patch, *patches) if fine else None),
            (identity, nn.Identity()),
            (coarse, StaticPatches(coarse, spec.coarse_patch, *patches) if coarse else None),
        )
        self.fusion = nn.Conv2d(dim, dim, 1, bias=False) if spec.gate else None
        self.linear = nn.Conv2d(dim, dim, 1, bias=False) if spec.gate else None

    def forward(self, x: Tensor) -> Tensor:
        linear = None if self.linear is None else self.linear(x)
        if self.whiten is not None:
            x = self.whiten(x)
            x = x - x.mean(1, keepdim=True)
        mixed = torch.cat(self.branches(self.mix(x)), dim=1)
        return mixed if self.fusion is None else linear * self.fusion(mixed).sigmoid()


class DynamicOperator(nn.Module):
    """Eq. 3.8: [B, C_d, H, W] -> [B, C_d, H, W]."""

    def __init__(self, spec: Stage) -> None:
        super().__init__()
        local, global_ = spec.dynamic_dims
        to_local = spec.local_patch, spec.local_expansion, spec.local_head_dim
        to_global = spec.global_patch, spec.global_expansion, spec.global_head_dim
        self.branches = SideBySide(
            (local, LocalAttention(local, *to_local) if local else None),
            (global_, GlobalAttention(global_, *to_global) if global_ else None),
        )
        self.fusion = nn.Conv2d(local + global_, local + global_, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.fusion(torch.cat(self.branches(x), dim=1))


class EMSBlock(nn.Module):
    """[B, C, H, W] -> [B, C, H, W]."""

    def __init__(self, spec: Stage, drop_path: float) -> None:
        super().__init__()
        dim, hidden = spec.dim, spec.dim * spec.mlp_ratio
        self.static_dim = spec.static_dim
        self.norm1 = nn.BatchNorm2d(dim)
        self.proj_in = nn.Conv2d(dim, dim, 1, bias=False)
        self.static = StaticOperator(spec)
        self.dynamic = DynamicOperator(spec) if spec.dynamic != "none" else None
        self.proj_out = nn.Conv2d(dim, dim, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(dim)
        self.expand, self.act = nn.Conv2d(dim, hidden, 1, bias=False), nn.GELU()
        self.shrink = nn.Conv2d(hidden, dim, 1, bias=False)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()

    def interact(self, x: Tensor) -> Tensor:
        """MSI between its projections, the operators on their own channels: [B, C, H, W] -> [B, C, H, W]."""
        x = self.proj_in(self.norm1(x))
        out = self.static(x[:, : self.static_dim])
        if self.dynamic is not None:
            out = torch.cat([out, self.dynamic(x[:, self.static_dim :])], dim=1)
        return self.proj_out(out)

    def forward(self, x: Tensor) -> Tensor:
        if folds(self, x):
            size = x.shape[2], x.shape[3]
            return kept(lambda: FoldedBlock(self, *size), self, of=size)(x)
        x = x + self.drop_path(self.interact(x))
        return x + self.drop_path(self.shrink(self.act(self.expand(self.norm2(x)))))


class EMSStage(nn.Module):
    """A stage of EMS blocks; see `Stage`. A carry is dropped."""

    def __init__(self, spec: Stage, in_dim: int, drop_path: Sequence[float]) -> None:
        super().__init__()
        self.downsample = _halving(in_dim, spec.dim) if spec.downsample == "conv" else None
        self.blocks = nn.ModuleList(EMSBlock(spec, rate) for rate in drop_path)
        self.apply(init_weights)

    def forward(self, x: Tensor, carry: Tensor | None = None) -> tuple[Tensor, None]:
        """[B, C_in, H, W] -> [B, C, H', W']."""
        if self.downsample is not None:
            x = self.downsample(x)
        for block in self.blocks:
            x = block(x)
        return x, None


class EMSHead(ClassifierHead):
    """BatchNorm and the mean over the map."""

    def __init__(self, dim: int, num_classes: int) -> None:
        super().__init__(dim, num_classes)
        self.norm = nn.BatchNorm2d(dim)

    def features(self, x: Tensor, carry: Tensor | None) -> Tensor:
        """[B, C, H, W] -> the same."""
        return self.norm(x)


def _halving(in_dim: int, dim: int) -> nn.Module:
    return ConvNorms(nn.Conv2d(in_dim, dim, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(dim))
