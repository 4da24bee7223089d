"""Finds the repeated blocks of a network, and the dimension of channels in their outputs."""

import re
from collections.abc import Iterator

from timm.layers import LayerNorm2d
from torch import Tensor, nn

#: Containers whose children are blocks, where no container inside them is called ``blocks``: ResNet's layers,
#: MobileViT's stages.
_STAGES = re.compile(r"(stages\.\d+|layer\d+)$")


def find_blocks(network: nn.Module) -> list[nn.Module]:
    """Return the blocks in order: what lies in containers called ``blocks``, else in stages or layers."""
    containers = dict(_containers(network))
    named = {name: module for name, module in containers.items() if name.endswith("blocks")}
    if not named:
        named = {name: module for name, module in containers.items() if _STAGES.search(name)}
    outermost = [m for name, m in named.items() if not any(name.startswith(f"{other}.") for other in named)]
    return [block for container in outermost for block in _leaves(container)]


def _containers(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, module in network.named_modules():
        if isinstance(module, nn.ModuleList | nn.Sequential):
            yield name, module


def _leaves(container: nn.Module) -> Iterator[nn.Module]:
    """Yield the children, and in place of a bare list its own children (Twins keeps its blocks in lists of lists)."""
    for child in container.children():
        if type(child) in (nn.ModuleList, nn.Sequential):
            yield from _leaves(child)
        else:
            yield child


def positions(x: Tensor, block: nn.Module) -> Tensor:
    """[B, ..., C, ...] -> [P, C]: the channels of every position of every image.

    A map is [B, C, H, W] unless the block has a LayerNorm over its last axis; anything else has its channels last.
    """
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1]) if x.ndim == 4 and not _channels_last(x, block) else _rows(x)


def _rows(x: Tensor) -> Tensor:
    return x.reshape(-1, x.shape[-1])


def _channels_last(x: Tensor, block: nn.Module) -> bool:
    norms = [m for m in block.modules() if isinstance(m, nn.LayerNorm) and not isinstance(m, LayerNorm2d)]
    return any(norm.normalized_shape == (x.shape[-1],) for norm in norms)


def tensors(value: object) -> list[Tensor]:
    """Return the tensors of what a module takes or puts out: one, or a tuple's in their places."""
    found = value if isinstance(value, tuple) else (value,)
    return [x for x in found if isinstance(x, Tensor)]
