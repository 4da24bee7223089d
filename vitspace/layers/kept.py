"""What evaluation makes of weights beforehand, kept from one image to the next."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from vitspace.layers.plain import is_plain

Made = TypeVar("Made")

_kept: WeakKeyDictionary[nn.Module, tuple[object, object]] = WeakKeyDictionary()
_exports = False
_steps = 0


def folds(module: nn.Module, x: Tensor) -> bool:
    """Whether a module handed x may multiply its weights beforehand.

    That is in evaluation without gradients, in the precision of the weights; not in the plain graph, and in a graph
    that is captured only inside `exporting`.
    """
    if module.training or is_plain(x):
        return False
    if captured():
        return _exports
    return not torch.is_grad_enabled() and not torch.is_autocast_enabled(x.device.type)


def captured() -> bool:
    """Whether the operators become a graph, which a back end lays out in its own way."""
    return torch.compiler.is_compiling()


def kept(make: Callable[[], Made], *modules: nn.Module, of: tuple[int, ...] = ()) -> Made:
    """Return what ``make`` makes of weights, made anew only where one of them has changed.

    Changes are told by the tensors' version counters, which PyTorch keeps for all writing but that to ``tensor.data``
    and that of fused optimisers, and by the steps of all of torch's optimisers.

    Args:
        make: Makes constants; called without arguments.
        modules: Whose weights it reads; the first has made no other constants.
        of: What else the constants depend on, such as the height and width of the map.
    """
    found = _kept.get(modules[0])
    # Inside `exporting` the weights are placeholders, and what was made just before holds.
    if not captured():
        state = of, _steps, [_state(module) for module in modules]
        if found is None or found[0] != state:
            found = _kept[modules[0]] = state, make()
    assert found is not None
    return cast(Made, found[1])


@contextmanager
def exporting(network: nn.Module, *inputs: Tensor) -> Iterator[None]:
    """Have a graph that is captured inside hold constants instead of what makes them.

    Args:
        network: In evaluation mode.
        inputs: What it is captured with.
    """
    global _exports
    with torch.no_grad():
        network(*inputs)
    before, _exports = _exports, True
    try:
        yield
    finally:
        _exports = before


def _count_step(*_: object) -> None:
    global _steps
    _steps += 1


register_optimizer_step_post_hook(_count_step)


def _state(module: nn.Module) -> list[tuple[int, int, torch.dtype, object]]:
    """Which tensors a module holds, in which storage and type, and how often they were written."""
    return [
        (id(tensor), tensor.untyped_storage()._cdata, tensor.dtype, _writes(tensor))
        for part in module.modules()
        for tensors in (part._parameters, part._buffers)
        for tensor in tensors.values()
        if tensor is not None
    ]


def _writes(tensor: Tensor) -> object:
    """How often a tensor was written; those of inference mode do not count it, and equal nothing that was before."""
    return object() if tensor.is_inference() else tensor._version
