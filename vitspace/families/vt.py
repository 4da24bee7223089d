"""VT-ResNet: a ResNet whose last stage works on a few visual tokens instead of pixels.

Wu et al., "Visual Transformers: Where Do Transformers Really Belong in Vision Models?", ICCV 2021.

| paper | here |
| --- | --- |
| X, feature map, H x W x C | ``x`` [B, C, H, W] |
| T, visual tokens, L x C_T | the carry [B, L, CT]; ``tokens`` = L, ``token_dim`` = CT |
| A = softmax_HW(X W_A), eq. 1 | `Tokenizer.attention` [B, L, HW] |
| W_R = T_in W_{T -> R}, eq. 2 | ``RecurrentTokenizer.query`` |
| K, Q, F_1, F_2, eqs. 3 and 4 | ``qkv``, ``ff1``, ``ff2`` of `Transformer` |
| W_Q, W_K, eq. 5 | ``query``, ``key`` of `Projector` |
| without recurrent tokenizer, Table 4 | ``recurrent="none"`` |
| token relations None, GraphConv, Transformer, Table 5 | ``mixer`` |
| without projector, Table 7 | ``projector="none"`` |

A module tokenizes the map (eq. 1, in later modules eq. 2), relates the tokens (eqs. 3 and 4) and projects them back
onto the map (eq. 5). The text says less than its costs force; marked [fit] is what the printed Params and FLOPs
force, [choice] is what they cannot tell:

- [fit] Channels differ, though the equations have one C: R18 and R34 have maps of 256 (in) and 512 (out) channels
  and tokens of 1,024. Where two widths differ, a linear map stands between them (tokens made from pixels, values
  projected onto pixels, pixels of C_in kept under a projection of C); where they are equal the equation holds as
  printed.
- [fit] Value, key and query convolutions on pixels are grouped, ``group_width`` = 64 channels a group.
- [fit] In eq. 3, K and Q go to CT/2 and the tokens summed pass a value map, all three in 4 groups.
- [fit] The last module of the network does not project, as the head reads the tokens (``projector="inner"``).
- [fit] Token relations "None" are one linear layer of CT x CT; GraphConv mixes the tokens by a learned L x L matrix
  before it. [choice] Both keep the residual and the ReLU of eq. 4.
- [fit] Pooling replaces the tokenizers of all modules, and pools pixels without a value convolution. Without a
  projector the map does not change, and only the first module tokenizes.
- [fit] In Table 8 a recurrent tokenizer makes L/2 tokens anew (``recurrent="half"``). [choice] It replaces the first
  half and puts it last, so that two modules renew all. R34 has a transformer less there; [choice] the last
  (``mix_last=False``).
- [choice] Products of queries and keys are divided by the root of their width, and a LayerNorm follows each of eqs. 3
  and 4, as in the standard transformer that the text takes; without it training is unstable. It has no weights, which
  the printed costs don't force; new tokens pass one too. No position coding, no bias; weights start at variance
  1 / fan-in, which keeps the scale of the maps that the ResNet hands over.
- [choice] Clustering (appendix C) is spherical k-means: unit pixels, centroids that start on the map pooled to L,
  one step of Lloyd's algorithm, which the printed FLOPs leave room for; the centroids take the place of W_A.
- [choice] Maps at 7 x 7 come from the 3x3 max pooling of stride 2 that section 4 names.
- [choice] Where the last module projects too, the head reads the mean of the map, as ResNet's does: nothing of the
  projector would be trained otherwise.
- FLOPs count convolutions, linear layers and matrix products, BatchNorm left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar, Literal, Self

from torch import Tensor, nn

from vitspace.errors import InputError
from vitspace.layers.head import ClassifierHead
from vitspace.layers.resnet import BasicBlock, Bottleneck, ResNetStem
from vitspace.layers.visual_tokens import (
    QKV_GROUPS,
    ClusteringTokenizer,
    FilterTokenizer,
    FixedMixer,
    PoolingTokenizer,
    Projector,
    RecurrentTokenizer,
    Transformer,
    init_weights,
)
from vitspace.spec import Carry, HeadSpec, StageSpec, StemSpec, part

#: Kinds of carry: tokens that only the carry holds, and tokens that are projected onto the map as well.
TOKENS, PROJECTED = "vt", "vt_projected"


@part
class Stem(StemSpec, family="vt"):
    """ResNet's: 7x7 convolution of stride 2, BatchNorm, ReLU, 3x3 max pooling of stride 2."""

    def build(self, out_dim: int, in_chans: int) -> nn.Module:
        """Return the module [B, in_chans, H, W] -> [B, out_dim, H/4, W/4]."""
        return ResNetStem(in_chans, out_dim)


@part
class Stage(StageSpec, family="vt"):
    """Residual blocks, or VT modules; the fields after ``block`` are for VT modules.

    Attributes:
        dim: Channels of the map: inside a residual block (a bottleneck puts out 4 times as many), put out by VT.
        depth: Blocks, or modules.
        downsample: strided (a residual stage's first block has stride 2, a VT stage max-pools) or none.
        block: basic, bottleneck or vt.
        tokens: Visual tokens L.
        token_dim: Their channels CT.
        tokenizer: Of the first module: filter (eq. 1), pooling or clustering (Table 3). A stage that is handed
            tokens makes its first ones from those by a recurrent tokenizer instead.
        recurrent: Later modules make full or half of their tokens from those before (eq. 2); none: by ``tokenizer``.
        mixer: What relates the tokens: transformer (eqs. 3 and 4), graph or none (Table 5).
        mix_last: Whether the last module relates its tokens.
        projector: Which modules project tokens onto the map: inner (all but the last), all or none. A stage that is
            not the last of its network needs all, unless the next is handed its tokens.
        group_width: Channels of a group in the convolutions on pixels.
    """

    uniform: ClassVar[bool] = False

    independent: ClassVar[tuple[Mapping[str, Any], ...]] = ({"mixer": "transformer", "mix_last": True},)
    counts: ClassVar[tuple[str, ...]] = ("tokens", "group_width")
    widths: ClassVar[Mapping[str, int]] = {"token_dim": 2 * QKV_GROUPS, "group_width": 1}
    # A group of the transformer's has keys, queries, and twice as many values.
    cuts: ClassVar[Mapping[str, tuple[int | str, ...]]] = {
        "Transformer.qkv": (1, 4),
        "GroupedLinear.weight": ("dense",),
    }

    dim: int
    depth: int
    downsample: Literal["strided", "none"] = "strided"
    block: Literal["basic", "bottleneck", "vt"] = "basic"
    tokens: int = 16
    token_dim: int = 1024
    tokenizer: Literal["filter", "pooling", "clustering"] = "filter"
    recurrent: Literal["full", "half", "none"] = "full"
    mixer: Literal["transformer", "graph", "none"] = "transformer"
    mix_last: bool = True
    projector: Literal["inner", "all", "none"] = "inner"
    group_width: int = 64

    @property
    def out_dim(self) -> int:
        """Channels put out."""
        return 4 * self.dim if self.block == "bottleneck" else self.dim

    @property
    def keeps_dim(self) -> bool:
        """A residual block's shortcut changes the channels; a module does where it projects, which `check` sees to."""
        return False

    @property
    def projects(self) -> bool:
        """Whether a module projects, so that the map changes."""
        return self.projector == "all" or (self.projector == "inner" and self.depth > 1)

    def fits(self, carry: Carry | None) -> bool:
        """Whether the predecessor's tokens are visual tokens of this stage's size."""
        tokens = (self.token_dim, self.tokens)
        return carry is not None and carry.kind in (TOKENS, PROJECTED) and (carry.dim, carry.size) == tokens

    def takes(self, carry: Carry | None) -> bool:
        """Whether the first module makes its tokens from the predecessor's."""
        return self.block == "vt" and self.recurrent != "none" and self.fits(carry)

    def canonical(self, first: bool, carry: Carry | None) -> Self:
        """Return the equal stage with the fields that mean nothing here reset."""
        stage = super().canonical(first, carry)
        if stage.block != "vt":
            return stage._reset(*_VT_FIELDS)
        if stage.depth == 1 and not stage.mix_last:
            stage = stage._reset("mixer")
        if stage.depth == 1 and stage.projector == "none":
            stage = stage._reset("projector")
        if not stage.fits(carry) and not (stage.projects and stage.depth > 1):
            stage = stage._reset("recurrent")
        if stage.takes(carry):
            stage = stage._reset("tokenizer")
        elif stage.tokenizer == "pooling" and not stage.projects:
            stage = stage._reset("group_width")
        return stage

    def _reset(self, *names: str) -> Self:
        return self.changed(**{field.name: field.default for field in fields(self) if field.name in names})

    def check(self, in_dim: int, carry: Carry | None) -> None:
        """Raise InputError if the stage cannot be built."""
        super().check(in_dim, carry)
        if carry is not None and carry.kind == TOKENS and not self.takes(carry):
            raise InputError(
                'the next stage takes the tokens of a stage whose projector is not "all", or they are lost, but '
                f"{carry.size} tokens of {carry.dim} channels meet block={self.block}, recurrent={self.recurrent}, "
                f"tokens={self.tokens}, token_dim={self.token_dim}"
            )
        if self.block != "vt":
            return
        if self.token_dim < 1 or self.token_dim % (2 * QKV_GROUPS):
            raise InputError(f"{2 * QKV_GROUPS} must divide token_dim, but got token_dim={self.token_dim}")
        if self.recurrent == "half" and self.tokens % 2:
            raise InputError(f"half a refresh needs an even number of tokens, but got tokens={self.tokens}")
        if not self.projects and in_dim != self.dim:
            raise InputError(f"where no module projects dim stays {in_dim}, but got dim={self.dim}")

    def counted_as(self, group: Mapping[str, Any]) -> Self:
        """Return a stage of the same mixers: they read tokens alone, however these are made and wherever they go."""
        if self.block != "vt" or "mixer" not in group:
            return self
        return self.changed(
            dim=64, downsample="none", tokenizer="filter", recurrent="none", projector="inner", group_width=64
        )

    def carry_out(self, carry: Carry | None) -> Carry | None:
        """Visual tokens, if there are any."""
        if self.block != "vt":
            return None
        return Carry(PROJECTED if self.projector == "all" else TOKENS, self.token_dim, self.tokens)

    def build(self, in_dim: int, carry: Carry | None, drop_path: Sequence[float]) -> nn.Module:
        """Return the module ``(x, carry | None) -> (x, carry | None)``."""
        if self.block == "vt":
            return VTStage(self, in_dim, self.takes(carry), drop_path)
        return ResidualStage(self, in_dim, drop_path)


#: The fields that mean something to VT modules only.
_VT_FIELDS = [field.name for field in fields(Stage)][4:]


@part
class Head(HeadSpec, family="vt"):
    """Mean of the visual tokens, or of the map where they are projected onto it or absent; linear classifier."""

    def build(self, in_dim: int, carry: Carry | None, num_classes: int) -> ClassifierHead:
        """Return the module ``(x, carry, pre_logits) -> [B, num_classes]``."""
        reads_tokens = carry is not None and carry.kind == TOKENS
        return VTHead(carry.dim if carry and reads_tokens else in_dim, num_classes, reads_tokens)


class ResidualStage(nn.Module):
    """A ResNet layer: [B, C_in, H, W] -> [B, C, H', W']; a carry ends here."""

    downsample = None

    def __init__(self, spec: Stage, in_dim: int, drop_path: Sequence[float]) -> None:
        super().__init__()
        block = BasicBlock if spec.block == "basic" else Bottleneck
        in_dims = [in_dim] + [spec.out_dim] * (spec.depth - 1)
        strides = [spec.stride] + [1] * (spec.depth - 1)
        self.blocks = nn.ModuleList(
            block(width, spec.dim, stride, rate)
            for width, stride, rate in zip(in_dims, strides, drop_path, strict=True)
        )

    def forward(self, x: Tensor, carry: Tensor | None = None) -> tuple[Tensor, None]:
        for block in self.blocks:
            x = block(x)
        return x, None


class VTStage(nn.Module):
    """A row of VT modules; see `Stage`.

    Args:
        spec: The stage.
        in_dim: Channels of the incoming map.
        takes_carry: Whether the first module makes its tokens from the carry.
        drop_path: Stochastic depth of each module.
    """

    def __init__(self, spec: Stage, in_dim: int, takes_carry: bool, drop_path: Sequence[float]) -> None:
        super().__init__()
        self.takes_carry = takes_carry
        self.downsample = None if spec.downsample == "none" else nn.MaxPool2d(3, stride=2, padding=1)
        self.blocks = nn.ModuleList(
            VTModule(spec, in_dim, index, takes_carry or index > 0, rate)
            for index, in_dim, rate in zip(
                range(spec.depth), [in_dim] + [spec.dim] * (spec.depth - 1), drop_path, strict=True
            )
        )
        self.apply(init_weights)

    def forward(self, x: Tensor, carry: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """[B, C_in, H, W], [B, L, CT] | None -> [B, C, H', W'], [B, L, CT]."""
        if self.downsample is not None:
            x = self.downsample(x)
        tokens_BLC = carry if self.takes_carry else None
        for block in self.blocks:
            x, tokens_BLC = block(x, tokens_BLC)
        return x, tokens_BLC


class VTModule(nn.Module):
    """Tokenizer, token relations and projector, each where the stage has it.

    [B, C_in, H, W], [B, L, CT] | None -> [B, C, H, W], [B, L, CT].
    """

    def __init__(self, spec: Stage, in_dim: int, index: int, has_tokens: bool, drop_path: float) -> None:
        super().__init__()
        last = index == spec.depth - 1
        has_tokenizer = index == 0 or spec.projector != "none"
        has_projector = spec.projector == "all" or (spec.projector == "inner" and not last)
        self.tokenizer = _tokenizer(spec, in_dim, has_tokens) if has_tokenizer else None
        self.mixer = None if last and not spec.mix_last else _mixer(spec, drop_path)
        self.projector = (
            Projector(in_dim, spec.dim, spec.token_dim, spec.group_width, drop_path) if has_projector else None
        )

    def forward(self, x: Tensor, tokens: Tensor | None) -> tuple[Tensor, Tensor]:
        if self.tokenizer is not None:
            tokens = self.tokenizer(x, tokens)
        if self.mixer is not None:
            tokens = self.mixer(tokens)
        assert tokens is not None
        return (x if self.projector is None else self.projector(x, tokens)), tokens


class VTHead(ClassifierHead):
    """Mean of the tokens or of the map, then a linear classifier."""

    def __init__(self, num_features: int, num_classes: int, reads_tokens: bool) -> None:
        super().__init__(num_features, num_classes)
        self.reads_tokens, self.kind = reads_tokens, "tokens" if reads_tokens else "map"

    def features(self, x: Tensor, carry: Tensor | None) -> Tensor:
        """[B, C, H, W], [B, L, CT] | None -> [B, L, F] or [B, F, H, W]."""
        return carry if self.reads_tokens and carry is not None else x


def _tokenizer(spec: Stage, in_dim: int, has_tokens: bool) -> nn.Module:
    widths = in_dim, spec.token_dim, spec.group_width
    if has_tokens and spec.recurrent != "none":
        return RecurrentTokenizer(*widths, fresh=spec.tokens if spec.recurrent == "full" else spec.tokens // 2)
    if spec.tokenizer == "pooling":
        return PoolingTokenizer(in_dim, spec.token_dim, spec.tokens)
    kind = FilterTokenizer if spec.tokenizer == "filter" else ClusteringTokenizer
    return kind(*widths, spec.tokens)


def _mixer(spec: Stage, drop_path: float) -> nn.Module:
    if spec.mixer == "transformer":
        return Transformer(spec.token_dim, drop_path)
    return FixedMixer(spec.token_dim, spec.tokens if spec.mixer == "graph" else 0, drop_path)
