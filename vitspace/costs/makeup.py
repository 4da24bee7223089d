"""The facts that a cost is made of, as whole numbers that add up along the chain of a network's parts.

Every tensor is followed from the input on: how many operations with weights, or products of two activations, lie
behind it (its depth), and how many positions of the map it stands for.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

_ATEN = torch.ops.aten
#: Fixed point of logarithms and shares, so that sums are exact.
UNIT = 10**6
#: An operation of at most so many positions is one on a pooled vector.
POOLED = 2
STRIDES = (4, 8, 16, 32)
_MARK = "_vitspace_mark"


class Makeup(NamedTuple):
    """Sums over a part, or over several.

    Attributes:
        tensors: Tensors of parameters.
        weights: Those of two or more dimensions.
        log_sizes: Sum of their natural log sizes, in millionths.
        chain: Weighted operations and products of activations on the longest chain.
        residuals: Additions of a map to one that lies deeper.
        products: Products of two activations.
        spatial: Convolutions of a kernel above 1.
        softmaxes: Softmaxes.
        keys_share: Sum over softmaxes of the share of positions that one sees, in millionths.
        pooled: Weighted operations on pooled vectors.
        macs_dense: Multiply-adds of convolutions of a kernel above 1 over all channels.
        macs_grouped: Of grouped and depthwise convolutions.
        macs_products: Of products of activations, and of batched products with a weight.
        macs_4: Of operations at stride 4 or less.
        macs_8: At stride 8.
        macs_16: At stride 16.
        macs_32: At stride 32 or more.
        params_32: Weights of operations at stride 32 or more.
        params_pooled: Weights of operations on pooled vectors.
    """

    tensors: int = 0
    weights: int = 0
    log_sizes: int = 0
    chain: int = 0
    residuals: int = 0
    products: int = 0
    spatial: int = 0
    softmaxes: int = 0
    keys_share: int = 0
    pooled: int = 0
    macs_dense: int = 0
    macs_grouped: int = 0
    macs_products: int = 0
    macs_4: int = 0
    macs_8: int = 0
    macs_16: int = 0
    macs_32: int = 0
    params_32: int = 0
    params_pooled: int = 0

    def plus(self, other: "Makeup", times: int) -> "Makeup":
        """Add another so many times."""
        return Makeup(*[a + times * b for a, b in zip(self, other, strict=True)])


def of_parameters(module: nn.Module) -> Makeup:
    """What a module's parameters are."""
    sizes = [p.numel() for p in module.parameters() if p.dim() > 1]
    logs = sum(round(UNIT * math.log(max(size, 1))) for size in sizes)
    return Makeup(tensors=sum(1 for _ in module.parameters()), weights=len(sizes), log_sizes=logs)


class _Mark(NamedTuple):
    """Where a tensor lies."""

    depth: int
    positions: int


class Trace:
    """Follows tensors from what a module is handed, and adds up its makeup but for the parameters'.

    Args:
        inputs: The map [B, C, H, W], and a carry [..., C] or None.
        stride: Pixels of the image a side of one of the map's positions; 1 for the image itself.
    """

    def __init__(self, inputs: Iterable[Tensor | None], stride: int) -> None:
        self.sums = dict.fromkeys(Makeup._fields, 0)
        # What a part is handed lies behind other operations; the image does not.
        self._before = 0 if stride == 1 else 1
        first, *others = inputs
        assert first is not None
        self._pixels = first.shape[-1] * first.shape[-2] * stride**2
        _put(first, _Mark(self._before, first.shape[-1] * first.shape[-2]))
        for other in others:
            if other is not None:
                _put(other, _Mark(self._before, other.numel() // other.shape[-1]))
        self._rules: dict[object, Callable[..., _Mark]] = {
            _ATEN.convolution: self._convolution,
            **dict.fromkeys((_ATEN.mm, _ATEN.addmm), self._linear),
            **dict.fromkeys((_ATEN.bmm, _ATEN.baddbmm), self._batched),
            **dict.fromkeys((_ATEN._softmax, _ATEN._safe_softmax), self._softmax),
            **dict.fromkeys((_ATEN.add, _ATEN.add_), self._addition),
            **dict.fromkeys(_POOLINGS, self._pooling),
        }

    def __call__(self, packet: object, args: tuple, out: Any, macs: int) -> None:
        """See one operation that ran."""
        marks = [mark for mark in map(_mark, _tensors(args)) if mark]
        if not marks:
            return
        mark = _Mark(max(m.depth for m in marks), max(m.positions for m in marks))
        rule = self._rules.get(packet)
        if rule:
            mark = rule(args, out, macs, mark)
        for tensor in _tensors((out,)):
            _put(tensor, mark)

    def hand_on(self, inputs: Iterable[Any]) -> None:
        """Mark a map [B, C, H, W] and a carry [..., C] as what they are, however deep they lie."""
        for tensor in _tensors(inputs):
            is_map = tensor.dim() == 4
            positions = tensor.shape[-1] * tensor.shape[-2] if is_map else tensor.numel() // tensor.shape[-1]
            mark = _mark(tensor)
            _put(tensor, _Mark(mark.depth if mark else self._before, positions))

    @property
    def makeup(self) -> Makeup:
        """What was added up so far."""
        return Makeup(**self.sums)

    def _convolution(self, args: tuple, out: Tensor, macs: int, mark: _Mark) -> _Mark:
        weight, groups = args[1], args[8]
        # Windows unfolded into the batch are positions; one-dimensional ones run over the channels of a vector.
        positions = 1 if weight.dim() == 3 and weight.shape[0] == 1 else out.numel() // out.shape[1]
        if groups > 1:
            self.sums["macs_grouped"] += macs
        elif math.prod(weight.shape[2:]) > 1:
            self.sums["macs_dense"] += macs
        if weight.shape[-1] > 1 and positions > POOLED and (groups > 1 or math.prod(weight.shape[2:]) > 1):
            self.sums["spatial"] += 1
        return self._weighted(macs, weight.numel(), _Mark(mark.depth, positions))

    def _linear(self, args: tuple, out: Tensor, macs: int, mark: _Mark) -> _Mark:
        left, right = args[-2:]
        weight_is_left = not _mark(left) and _mark(right)
        rows, weight = (right.shape[1], left) if weight_is_left else (left.shape[0], right)
        return self._weighted(macs, weight.numel(), _Mark(mark.depth, rows))

    def _batched(self, args: tuple, out: Tensor, macs: int, mark: _Mark) -> _Mark:
        left, right = args[-2:]
        self.sums["macs_products"] += macs
        weights = [side.numel() for side in (left, right) if not _mark(side)]
        self.sums["products"] += not weights
        return self._weighted(macs, sum(weights), mark)

    def _weighted(self, macs: int, params: int, mark: _Mark) -> _Mark:
        if mark.positions <= POOLED:
            self.sums["params_pooled"] += params
            self.sums["pooled"] += 1
        else:
            stride = self._stride(mark.positions)
            self.sums[f"macs_{stride}"] += macs
            if stride == STRIDES[-1]:
                self.sums["params_32"] += params
        deeper = mark.depth + 1
        self.sums["chain"] = max(self.sums["chain"], deeper - self._before)
        return _Mark(deeper, mark.positions)

    def _stride(self, positions: int) -> int:
        octave = round(math.log2(self._pixels / positions) / 2) - 2
        return STRIDES[min(max(octave, 0), len(STRIDES) - 1)]

    def _softmax(self, args: tuple, out: Tensor, macs: int, mark: _Mark) -> _Mark:
        self.sums["softmaxes"] += 1
        self.sums["keys_share"] += round(UNIT * min(1.0, out.shape[args[1]] / max(1, mark.positions)))
        return mark

    def _addition(self, args: tuple, out: Tensor, macs: int, mark: _Mark) -> _Mark:
        first, second = (arg if isinstance(arg, Tensor) else None for arg in args[:2])
        depths = [m.depth for m in map(_mark, (first, second)) if m]
        alike = first is not None and second is not None and first.shape == second.shape and 3 <= first.dim() <= 5
        if alike and len(depths) == 2 and min(depths) > 0 and depths[0] != depths[1] and mark.positions > POOLED:
            self.sums["residuals"] += 1
        return mark

    def _pooling(self, args: tuple, out: Any, macs: int, mark: _Mark) -> _Mark:
        out = out[0] if isinstance(out, tuple) else out
        return _Mark(mark.depth, max(1, round(mark.positions * out.numel() / max(args[0].numel(), 1))))


#: What makes fewer or more positions of a map without weights.
_POOLINGS = (
    *(_ATEN.mean, _ATEN.amax, _ATEN._adaptive_avg_pool2d, _ATEN.avg_pool2d, _ATEN.max_pool2d_with_indices),
    *(_ATEN.upsample_bilinear2d, _ATEN.upsample_nearest2d, _ATEN.upsample_bicubic2d, _ATEN.grid_sampler_2d),
)


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value)


def _mark(tensor: Tensor | None) -> _Mark | None:
    return getattr(tensor, _MARK, None)


def _put(tensor: Tensor, mark: _Mark) -> None:
    setattr(tensor, _MARK, mark)
