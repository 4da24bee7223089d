"""Counter: the operations that run while it is on."""

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from vitspace.costs.makeup import Makeup, Trace, of_parameters

CONVENTION = "1 FLOP = 1 multiply-add of convolutions, linear layers and attention products"

_ATEN = torch.ops.aten
_LINEAR = {_ATEN.mm, _ATEN.addmm}


@dataclass(frozen=True)
class PartCost:
    """Cost of one part, or of several added up.

    Attributes:
        params: Parameters.
        macs: Multiply-adds for one image.
        activations: Elements put out for one image.
        attention_macs: The share of ``macs`` that lies in attention products.
        makeup: What it is made of: depth, positions, shares by stride and operator.
    """

    params: int = 0
    macs: int = 0
    activations: int = 0
    attention_macs: int = 0
    makeup: Makeup = field(default_factory=Makeup, repr=False)

    def __add__(self, other: "PartCost") -> "PartCost":
        return self.plus(other, 1)

    def __sub__(self, other: "PartCost") -> "PartCost":
        return self.plus(other, -1)

    def plus(self, other: "PartCost", times: int) -> "PartCost":
        """Add another cost so many times."""
        return PartCost(
            self.params + times * other.params,
            self.macs + times * other.macs,
            self.activations + times * other.activations,
            self.attention_macs + times * other.attention_macs,
            self.makeup.plus(other.makeup, times),
        )

    @property
    def numbers(self) -> tuple[int, ...]:
        """All that is counted, in a row."""
        return (self.params, self.macs, self.activations, self.attention_macs, *self.makeup)

    @classmethod
    def of_numbers(cls, numbers: Sequence[int]) -> "PartCost":
        """Read what `numbers` put out."""
        return cls(*numbers[:4], Makeup(*numbers[4:]))


class Counter(TorchDispatchMode):
    """Adds up the multiply-adds and output elements of the operations that run under it.

    Attributes:
        by_operator: Multiply-adds of each operator that ran.
        uncounted: How often each operator ran that the convention leaves out, reshaping aside.
    """

    def __init__(self) -> None:
        super().__init__()
        self.macs = self.activations = self.attention_macs = 0
        self.by_operator: Tally[object] = Tally()
        self.uncounted: Tally[object] = Tally()
        self._weights: set[int] = set()
        self._trace: Trace | None = None

    def __torch_dispatch__(self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        packet = func._overloadpacket  # type: ignore[attr-defined]
        out = _meta_like(packet, args) if _on_meta(args) else None
        out = func(*args, **kwargs) if out is None else out
        formula, macs = flop_registry.get(packet), 0
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
        if self._trace:
            self._trace(packet, args, out, macs)
        return out

    def _reads_weight(self, args: tuple) -> bool:
        return any(isinstance(arg, Tensor) and arg.untyped_storage()._cdata in self._weights for arg in args)

    @property
    def counted(self) -> PartCost:
        """What was counted so far, without parameters."""
        makeup = self._trace.makeup if self._trace else Makeup()
        return PartCost(0, self.macs, self.activations, self.attention_macs, makeup)

    def run(self, module: nn.Module, *args: Tensor | None, stride: int = 1) -> Any:
        """Run a module in evaluation mode under the counter.

        Args:
            module: What is run.
            args: The image, or the map and carry that a part is handed.
            stride: Pixels of the image a side of one of the map's positions.
        """
        self._trace = Trace(args, stride)
        self._weights = {parameter.untyped_storage()._cdata for parameter in module.parameters()}
        with torch.no_grad(), self:
            return module.eval()(*args)

    def watch(self, modules: list[nn.Module]) -> dict[nn.Module, PartCost]:
        """Return a table of what each module costs, which fills as the modules run."""
        spent = {module: parameter_cost(module) for module in modules}

        def add(times: int) -> Callable:
            def hook(module: nn.Module, *_: object) -> None:
                spent[module] = spent[module].plus(self.counted, times)

            return hook

        for module in modules:
            module.register_forward_pre_hook(add(-1))
            module.register_forward_hook(add(+1))
        return spent


class Skeleton(TorchDispatchMode):
    """Leaves out operations in place on the meta device, as initialisations are: there is nothing to fill."""

    def __torch_dispatch__(self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None) -> Any:
        in_place = func._schema.name.endswith("_")  # type: ignore[attr-defined]
        return args[0] if in_place and _on_meta(args) else func(*args, **(kwargs or {}))


def _on_meta(args: tuple) -> bool:
    return bool(args) and isinstance(args[0], Tensor) and args[0].device.type == "meta"


def _meta_like(packet: object, args: tuple) -> Any:
    """What an operation puts out on the meta device, where that is known from its inputs' shapes; else None."""
    rule = _RULES.get(packet)
    return rule(*args) if rule else None


def _empty(first: Tensor, shape: Sequence[int]) -> Tensor:
    return torch.empty(shape, dtype=first.dtype, device="meta")


def _like(first: Tensor, *_: object) -> Tensor:
    """In the order of the input, as `torch.empty_like`, which is a decomposition too."""
    return _contiguous(first) if first.is_contiguous() else torch.empty_like(first)


def _contiguous(first: Tensor, *_: object) -> Tensor:
    return _empty(first, first.shape)


def _product(*args: Tensor) -> Tensor | None:
    """A product of the last two, matrices or as many pairs of them; None where they do not match."""
    first, second = args[-2:]
    if first.shape[:-2] != second.shape[:-2] or first.shape[-1] != second.shape[-2]:
        return None
    return _empty(first, (*first.shape[:-1], second.shape[-1]))


def _broadcast(first: Tensor, second: Any) -> Tensor | None:
    """Inputs of one floating type, element by element; None for others."""
    if not first.is_floating_point():
        return None
    if not isinstance(second, Tensor):
        return _like(first)
    if second.dtype != first.dtype or not (first.is_contiguous() and second.is_contiguous()):
        return None
    return _empty(first, torch.broadcast_shapes(first.shape, second.shape))


def _norm(make: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
    """What ``make`` makes, and statistics that nobody reads in evaluation mode."""
    return lambda first, *_: (make(first), _empty(first, (0,)), _empty(first, (0,)))


def _sampled(first: Tensor, grid: Tensor, *_: object) -> Tensor:
    return _empty(first, (*first.shape[:2], *grid.shape[1:3]))


def _resized(first: Tensor, size: Sequence[int] | None, *_: object) -> Tensor | None:
    return None if size is None else _empty(first, (*first.shape[:2], *size))


#: What operations put out, made from shapes alone: torch's kernels for the meta device are slow where they are
#: decompositions written in Python, 10 ms an interpolation.
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


def parameter_cost(module: nn.Module) -> PartCost:
    """What a module's parameters cost, without what it runs."""
    return PartCost(count_params(module), makeup=of_parameters(module))


def count_network(module: nn.Module, *image: int) -> PartCost:
    """Count any torch image network in one pass of one image [1, C, H, W], on the device that it lies on.

    Fused attention is taken apart. The network is in the mode that it was in afterwards.
    """
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    training, fast = module.training, torch.backends.mha.get_fastpath_enabled()
    counter = Counter()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            counter.run(module, torch.zeros(1, *image, device=device))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        module.train(training)
    return counter.counted + parameter_cost(module)
