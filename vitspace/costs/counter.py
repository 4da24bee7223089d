"""Counts the multiply-adds of the operations that run."""

from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from vitspace.costs.makeup import Makeup, Trace, of_parameters
from vitspace.costs.shapes import is_meta, put_out
from vitspace.layers.plain import plain_graph
from vitspace.network import Network

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
        """Add another cost a number of times."""
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
        params, macs, activations, attention, *makeup = numbers
        return cls(params, macs, activations, attention, Makeup(*makeup))


class _Operation(NamedTuple):
    """What is known of an operation: its packet, what counts it, whether it views or always has a weight."""

    packet: Any
    formula: Callable[..., int] | None
    is_view: bool
    has_weight: bool


#: Operations, by identity.
_OPERATIONS: dict[int, _Operation] = {}
#: Operations on inputs, as `put_out` tells them apart -> multiply-adds.
_MACS: dict[tuple, int] = {}


def _operation(func: Any) -> _Operation:
    found = _OPERATIONS.get(id(func))
    if found is None:
        packet = func._overloadpacket
        has_weight = packet is _ATEN.convolution or packet in _LINEAR
        found = _OPERATIONS[id(func)] = _Operation(packet, flop_registry.get(packet), func.is_view, has_weight)
    return found


class _Mode(TorchDispatchMode):
    """A mode that torch's compiler is not told of: it would be asked at every operation."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


class Counter(_Mode):
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
        self._trace: Trace | None = None

    def __torch_dispatch__(self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        out, key = put_out(func, args, kwargs)
        operation, macs = _operation(func), 0
        if operation.formula is None:
            if not operation.is_view:
                self.uncounted[operation.packet] += 1
        else:
            macs = self._count(operation, key, args, kwargs, out)
        if self._trace:
            self._trace(operation.packet, args, out, macs)
        return out

    def _count(self, operation: _Operation, key: tuple | None, args: tuple, kwargs: dict, out: Any) -> int:
        """Add what an operation costs, and return its multiply-adds."""
        assert operation.formula is not None
        macs = _MACS.get(key) if key else None
        if macs is None:
            macs = operation.formula(*args, **kwargs, out_val=out) // 2
            if key:
                _MACS[key] = macs
        self.by_operator[operation.packet] += macs
        self.macs += macs
        self.activations += out.numel()
        if not operation.has_weight and not self._reads_weight(args):
            self.attention_macs += macs
        return macs

    def _reads_weight(self, args: tuple) -> bool:
        return any(isinstance(arg, Tensor) and arg.untyped_storage()._cdata in self._weights for arg in args)

    @property
    def counted(self) -> PartCost:
        """The cost counted so far, without parameters."""
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

    def hand_on(self, module: nn.Module, args: tuple) -> None:
        """See what a part is handed; a hook."""
        if self._trace:
            self._trace.hand_on(args)

    def watch(self, modules: list[nn.Module]) -> dict[nn.Module, PartCost]:
        """Return a table of the cost of each module, which is filled when the modules run."""
        spent = {module: parameter_cost(module) for module in modules}

        def add(times: int) -> Callable:
            def hook(module: nn.Module, *_: object) -> None:
                spent[module] = spent[module].plus(self.counted, times)

            return hook

        for module in modules:
            module.register_forward_pre_hook(add(-1))
            module.register_forward_hook(add(+1))
        return spent


@contextmanager
def on_meta() -> Iterator[None]:
    """Build networks without weights, memory and random numbers within."""
    with torch.device("meta"), _Skeleton():
        yield


class _Skeleton(_Mode):
    """Skips in-place operations on the meta device, such as initialisations, which have nothing to fill."""

    def __torch_dispatch__(self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None) -> Any:
        in_place = func._schema.name.endswith("_")  # type: ignore[attr-defined]
        return args[0] if in_place and is_meta(args) else func(*args, **(kwargs or {}))


def count_params(module: nn.Module) -> int:
    """Number of a module's parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def parameter_cost(module: nn.Module) -> PartCost:
    """What a module's parameters cost, without what it runs."""
    return PartCost(count_params(module), makeup=of_parameters(module))


def count_network(module: nn.Module, *image: int) -> PartCost:
    """Count any torch image network in one pass of one image [1, C, H, W], on the device that it lies on.

    The plain graph is counted, with fused attention taken apart. The network is in the mode that it was in afterwards.
    """
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    training, fast = module.training, torch.backends.mha.get_fastpath_enabled()
    counter = Counter()
    # Maps of ours stand for their positions again where one part hands them to the next, as when parts are counted.
    parts = (*module.stages, module.head) if isinstance(module, Network) else ()
    hooks = [part.register_forward_pre_hook(counter.hand_on) for part in parts]
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), plain_graph():
            counter.run(module, torch.zeros(1, *image, device=device))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        module.train(training)
        for hook in hooks:
            hook.remove()
    return counter.counted + parameter_cost(module)
