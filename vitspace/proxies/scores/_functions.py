"""Watches PyTorch's functions while a network runs.

Hooks on modules miss what a forward calls by itself (VT's ReLU, timm's fused norms), so that functions are watched.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_ACTIVATIONS = {"relu", "relu_", "relu6", "gelu", "silu", "silu_", "hardswish", "leaky_relu", "elu", "mish"}
_NORMS = {"layer_norm", "batch_norm", "group_norm", "instance_norm", "rms_norm"}


class Codes(TorchFunctionMode):
    """Keeps which inputs of each activation function are positive, where asked to: bool [B, n] each, in ``found``."""

    def __init__(self, wanted: bool, batch_size: int) -> None:
        super().__init__()
        self.wanted, self.batch_size = wanted, batch_size
        self.found: list[Tensor] = []

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.wanted and func.__name__ in _ACTIVATIONS:
            x = args[0] if args else kwargs["input"]
            self.found.append((x.detach() > 0).reshape(self.batch_size, -1))
        return func(*args, **kwargs)


class WithoutNorms(TorchFunctionMode):
    """Every norm hands on its input."""

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func.__name__ in _NORMS:
            return args[0] if args else kwargs["input"]
        return func(*args, **kwargs)


def no_inplace(network: torch.nn.Module) -> None:
    """Make no activation work in place, so that what a hook saw stays what it was."""
    for module in network.modules():
        if getattr(module, "inplace", False) is True:
            module.inplace = False  # type: ignore[assignment]
