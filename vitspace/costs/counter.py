"""Counts the multiply-adds of the operations that run."""

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

CONVENTION = "1 FLOP = 1 multiply-add of convolutions, linear layers and attention products"

_ATEN = torch.ops.aten
_LINEAR = {_ATEN.mm, _ATEN.addmm}


@dataclass(frozen=True)
class PartCost:
    """Cost of one part, or of several added up.

    Attributes:
        params: Parameters.
        macs: Multiply-adds for one image.
        activations: Output elements for one image.
        attention_macs: The share of ``macs`` that lies in attention products.
    """

    params: int = 0
    macs: int = 0
    activations: int = 0
    attention_macs: int = 0

    def __add__(self, other: "PartCost") -> "PartCost":
        return self.plus(other, 1)

    def __sub__(self, other: "PartCost") -> "PartCost":
        return self.plus(other, -1)

    def plus(self, other: "PartCost", times: int) -> "PartCost":
        """Add another cost a number of times."""
        return PartCost(
            self.params + times * other.params,
            self.macs + times * other.macs,
            self.activations + times * other.activations,
            self.attention_macs + times * other.attention_macs,
        )


class Counter(TorchDispatchMode):
    """Adds up the multiply-adds and output elements of the operations that run under it.

    Attributes:
        by_operator: Multiply-adds of each operator that ran.
        uncounted: How often each operator ran that the convention leaves out; reshaping is not listed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.macs = self.activations = self.attention_macs = 0
        self.by_operator: Tally[object] = Tally()
        self.uncounted: Tally[object] = Tally()
        self._weights: set[int] = set()

    def __torch_dispatch__(self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        packet = func._overloadpacket  # type: ignore[attr-defined]
        out = _meta_like(packet, args) if _on_meta(args) else None
        out = func(*args, **kwargs) if out is None else out
        formula = flop_registry.get(packet)
        if formula is None:
            if not func.is_view:  # type: ignore[attr-defined]
                self.uncounted[packet] += 1
        else:
            macs = formula(*args, **kwargs, out_val=out) // 2
            self.by_operator[packet] += macs
            self.macs += macs
            self.activations += out.numel()
            if packet is not _ATEN.convolution and packet not in _LINEAR and not self._reads_weight(args):
                self.attention_macs += macs
        return out

    def _reads_weight(self, args: tuple) -> bool:
        return any(isinstance(arg, Tensor) and arg.untyped_storage()._cdata in self._weights for arg in args)

    @property
    def counted(self) -> PartCost:
        """The cost counted so far, without parameters."""
        return PartCost(0, self.macs, self.activations, self.attention_macs)

    def run(self, module: nn.Module, *args: Tensor | None) -> Any:
        """Run a module in evaluation mode under the counter."""
        self._weights = {parameter.untyped_storage()._cdata for parameter in module.parameters()}
        with torch.no_grad(), self:
            return module.eval()(*args)

    def watch(self, modules: list[nn.Module]) -> dict[nn.Module, PartCost]:
        """Return a table of the cost of each module, which is filled when the modules run."""
        spent = {module: PartCost(count_params(module)) for module in modules}

        def add(times: int) -> Callable:
            def hook(module: nn.Module, *_: object) -> None:
                spent[module] = spent[module].plus(self.counted, times)

            return hook

        for module in modules:
            module.register_forward_pre_hook(add(-1))
            module.register_forward_hook(add(+1))
        return spent


class Skeleton(TorchDispatchMode):
    """Skips in-place operations on the meta device, such as initialisations, which have nothing to fill."""

    def __torch_dispatch__(self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None) -> Any:
        in_place = func._schema.name.endswith("_")  # type: ignore[attr-defined]
        return args[0] if in_place and _on_meta(args) else func(*args, **(kwargs or {}))


def _on_meta(args: tuple) -> bool:
    return bool(args) and isinstance(args[0], Tensor) and args[0].device.type == "meta"


def _meta_like(packet: object, args: tuple) -> Any:
    """Return an operation's output on the meta device if it follows from the shapes of the inputs; None otherwise."""
    rule = _RULES.get(packet)
    return rule(*args) if rule else None


def _empty(first: Tensor, shape: Sequence[int]) -> Tensor:
    return torch.empty(shape, dtype=first.dtype, device="meta")


def _like(first: Tensor, *_: object) -> Tensor:
    """Return an empty tensor with the input's strides, as the slow `torch.empty_like` does."""
    return _contiguous(first) if first.is_contiguous() else torch.empty_like(first)


def _contiguous(first: Tensor, *_: object) -> Tensor:
    return _empty(first, first.shape)


def _product(*args: Tensor) -> Tensor | None:
    """Return the output of a matrix product, or of a batch of them; None if the shapes do not match."""
    first, second = args[-2:]
    if first.shape[:-2] != second.shape[:-2] or first.shape[-1] != second.shape[-2]:
        return None
    return _empty(first, (*first.shape[:-1], second.shape[-1]))


def _broadcast(first: Tensor, second: Any) -> Tensor | None:
    """Return the output of an element-wise operation on inputs of one floating type; None for other inputs."""
    if not first.is_floating_point():
        return None
    if not isinstance(second, Tensor):
        return _like(first)
    if second.dtype != first.dtype or not (first.is_contiguous() and second.is_contiguous()):
        return None
    return _empty(first, torch.broadcast_shapes(first.shape, second.shape))


def _norm(make: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
    """Return the output of ``make``, and statistics that are not read in evaluation mode."""
    return lambda first, *_: (make(first), _empty(first, (0,)), _empty(first, (0,)))


def _sampled(first: Tensor, grid: Tensor, *_: object) -> Tensor:
    return _empty(first, (*first.shape[:2], *grid.shape[1:3]))


def _resized(first: Tensor, size: Sequence[int] | None, *_: object) -> Tensor | None:
    return None if size is None else _empty(first, (*first.shape[:2], *size))


#: Outputs of operations, computed from shapes: torch's meta kernels are slow where they are decompositions written in
#: Python (10 ms for an interpolation).
_RULES: dict[object, Callable[..., Any]] = {
    _ATEN.native_layer_norm: _norm(_contiguous),
    _ATEN.native_batch_norm: _norm(_like),
    _ATEN.grid_sampler_2d: _sampled,
    _ATEN.upsample_bilinear2d: _resized,
    **dict.fromkeys((_ATEN.gelu, _ATEN.relu, _ATEN.sigmoid, _ATEN.silu, _ATEN.clamp_min), _like),
    **dict.fromkeys((_ATEN._softmax, _ATEN._safe_softmax), _contiguous),
    **dict.fromkeys((_ATEN.mm, _ATEN.bmm, _ATEN.addmm), _product),
    **dict.fromkeys((_ATEN.add, _ATEN.sub, _ATEN.mul, _ATEN.div), _broadcast),
}


def count_params(module: nn.Module) -> int:
    """Number of a module's parameters."""
    return sum(parameter.numel() for parameter in module.parameters())
