"""EMSNet's block in evaluation: the same function in half the operators, its matrices multiplied beforehand.

BatchNorm goes into the 1x1 convolution after it, 1x1 convolutions into each other and into the propagation after them,
the strided depthwise convolution of C-MHSA into its scores; a coordinate convolution is a product with a banded matrix.
Costs are counted on the plain graph of `vitspace.families.ems`, which training runs too.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vitspace.families._ems_attention import LOCAL_KERNEL, LOCAL_STRIDE, GlobalAttention, LocalAttention, average
from vitspace.layers.kept import captured
from vitspace.layers.overlapped import overlapped_attention
from vitspace.layers.pointwise import gelu_, matrix, normed, pointwise
from vitspace.layers.strip import banded

Folded = Callable[[Tensor], Tensor]


class FoldedBlock:
    """[B, C, H, W] -> [B, C, H, W].

    Args:
        block: An ``EMSBlock``.
        height: H of the maps.
        width: W of the maps.
    """

    def __init__(self, block: Any, height: int, width: int) -> None:
        cut, static, dynamic = block.static_dim, block.static, block.dynamic
        entry, self.exit = normed(block.proj_in, block.norm1), matrix(block.proj_out)
        entries = [entry[:cut] if static.whiten is None else _centred(static.whiten) @ entry[:cut]]
        self.static, self.dynamic = FoldedStatic(static, height, width), []
        if static.linear is not None:
            entries.append(matrix(static.linear) @ entry[:cut])
        if dynamic is not None:
            entries += entry[cut:].split(dynamic.branches.split)
            self.dynamic = [_attention(branch) for branch in dynamic.branches]
            self.exit = torch.cat([self.exit[:, :cut], self.exit[:, cut:] @ matrix(dynamic.fusion)], dim=1)
        self.entry, self.split = torch.cat(entries), [len(part) for part in entries]
        self.expand, self.shrink = normed(block.expand, block.norm2), matrix(block.shrink)

    def __call__(self, x: Tensor) -> Tensor:
        if captured():  # back ends keep the layout of a convolution's output, and lose it where that is cut
            parts = tuple(pointwise(x, weight) for weight in self.entry.split(self.split))
        else:
            parts = pointwise(x, self.entry).split(self.split, dim=1)
        statics = parts[: len(parts) - len(self.dynamic)]
        out = [self.static(*statics)]
        out += [attend(part) for attend, part in zip(self.dynamic, parts[len(statics) :], strict=True)]
        x = x + pointwise(torch.cat(out, dim=1), self.exit)
        return x + pointwise(gelu_(pointwise(x, self.expand)), self.shrink)


class FoldedStatic:
    """Eqs. 3.2 to 3.5: X_w and, with the gate, the linear projection, [B, C_s, H, W] each -> [B, C_s, H, W]."""

    def __init__(self, static: Any, height: int, width: int) -> None:
        self.mix, self.split = static.mix, static.branches.split
        self.branches = [
            part if isinstance(part, nn.Identity) else FoldedPatches(part, height, width) for part in static.branches
        ]
        self.fusion = None if static.fusion is None else matrix(static.fusion)

    def __call__(self, whitened: Tensor, linear: Tensor | None = None) -> Tensor:
        parts = self.mix(whitened).split(self.split, dim=1)
        mixed = torch.cat([branch(part) for branch, part in zip(self.branches, parts, strict=True)], dim=1)
        if self.fusion is None or linear is None:
            return mixed
        return linear * pointwise(mixed, self.fusion).sigmoid_()


class FoldedPatches:
    """Eqs. 3.2 and 3.3: [B, C, H, W] -> [B, C, H, W]."""

    def __init__(self, plain: Any, height: int, width: int) -> None:
        self.plain, self.embed, self.prop = plain, matrix(plain.embed), plain.prop.after(None)
        rows, cols = -(-height // plain.patch), -(-width // plain.patch)
        self.down, self.across = banded(plain.vertical.weight, rows), banded(plain.horizontal.weight, cols).mT

    def __call__(self, x: Tensor) -> Tensor:
        tokens = pointwise(F.max_pool2d(x, self.plain.patch, ceil_mode=True), self.embed)
        return self.prop(self.coordinate(tokens), *x.shape[2:])

    def coordinate(self, tokens: Tensor) -> Tensor:
        """CoordDWConv: along the rows, then along the columns."""
        if captured():
            return self.plain.vertical(self.plain.horizontal(tokens))
        return self.down @ tokens @ self.across


class FoldedLocal:
    """C-MHSA: [B, C, H, W] -> [B, C, H, W]."""

    def __init__(self, plain: LocalAttention) -> None:
        embed, scores = matrix(plain.embed), matrix(plain.scores)
        self.plain, self.entry = plain, torch.cat([embed, matrix(plain.value) @ embed])
        self.scores = scores[:, :, None, None] * plain.shrink.weight[:, 0]
        self.prop = plain.prop.after(plain.proj)

    def __call__(self, x: Tensor) -> Tensor:
        plain = self.plain
        tokens, values = pointwise(average(x, plain.patch), self.entry).chunk(2, dim=1)
        if captured():
            scores = plain.scores(plain.shrink(tokens))
        else:
            scores = F.conv2d(tokens, self.scores, plain.scores.bias, plain.shrink.stride, plain.shrink.padding)
        out = overlapped_attention(scores, values, plain.num_heads, LOCAL_KERNEL, LOCAL_STRIDE)
        return self.prop(out, *x.shape[2:])


class FoldedGlobal:
    """G-MHSA: [B, C, H, W] -> [B, C, H, W]."""

    def __init__(self, plain: GlobalAttention) -> None:
        self.plain, self.qkv = plain, matrix(plain.qkv) @ matrix(plain.embed)
        self.prop = plain.prop.after(plain.proj)

    def __call__(self, x: Tensor) -> Tensor:
        out = self.plain.attend(pointwise(average(x, self.plain.patch), self.qkv))
        return self.prop(out, *x.shape[2:])


def _attention(plain: nn.Module) -> Folded:
    return FoldedLocal(plain) if isinstance(plain, LocalAttention) else FoldedGlobal(plain)  # type: ignore[arg-type]


def _centred(whiten: nn.Conv2d) -> Tensor:
    """Eq. 3.1 as a matrix: the convolution less the mean of what it puts out."""
    weight = matrix(whiten)
    return weight - weight.mean(0)
