"""Outputs of operations on the meta device: shape, type and order of elements.

An operation that ran on inputs of the same metadata before is not run again. Of new ones, those that torch decomposes
in Python, 10 ms an interpolation, are made from shapes alone where a rule is known.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

_ATEN = torch.ops.aten
#: (operation, metadata of inputs) -> metadata of outputs.
_KNOWN: dict[Any, Any] = {}
#: Operations, by identity -> whether all they put out is new, so that it may be made from its metadata.
_MAKES_NEW: dict[int, bool] = {}


def put_out(func: Any, args: tuple, kwargs: dict[str, Any]) -> tuple[Any, tuple | None]:
    """Return what an operation puts out, and what tells it and the metadata of its inputs from all others.

    On other devices, or where it changes or views its inputs, it runs, and there is no such key.
    """
    key: list[Any] = [id(func)]
    if not _makes_new(func) or not (_describe(args, key) & _describe(tuple(kwargs.items()), key)):
        return func(*args, **kwargs), None
    found = tuple(key)
    if (known := _KNOWN.get(found)) is not None:
        return _remade(known), found
    out = _from_rule(func._overloadpacket, args) if is_meta(args) else None
    out = func(*args, **kwargs) if out is None else out
    if (described := _metadata(out)) is None:
        return out, None
    _KNOWN[found] = described
    return out, found


def is_meta(args: tuple) -> bool:
    """Whether the first input is a tensor of the meta device."""
    return bool(args) and isinstance(args[0], Tensor) and args[0].device.type == "meta"


def _makes_new(func: Any) -> bool:
    known = _MAKES_NEW.get(id(func))
    if known is None:
        schema = func._schema
        aliased = any(value.alias_info is not None for value in (*schema.arguments, *schema.returns))
        # Reshaping without a copy returns its input's memory, whatever its schema says.
        known = _MAKES_NEW[id(func)] = not aliased and "reshape" not in schema.name and "_unsafe" not in schema.name
    return known


def _describe(args: Sequence[Any], key: list[Any]) -> bool:
    """Append what tells inputs apart, with the types of numbers; say whether all tensors are on the meta device."""
    meta = True
    for arg in args:
        if isinstance(arg, Tensor):
            meta &= arg.is_meta
            key += (arg.shape, arg.stride(), arg.dtype)
        elif isinstance(arg, list | tuple):
            key.append(len(arg))
            meta &= _describe(arg, key)
        else:
            key += (type(arg), arg)
    return meta


def _metadata(out: Any) -> Any:
    """Return what `_remade` makes the same from: of a tensor, or of several; None for anything else."""
    if isinstance(out, Tensor):
        return (out.shape, out.stride(), out.dtype) if out.is_meta else None
    if isinstance(out, tuple | list) and all(isinstance(each, Tensor) and each.is_meta for each in out):
        return type(out)((each.shape, each.stride(), each.dtype) for each in out), None
    return None


def _remade(metadata: Any) -> Any:
    if len(metadata) == 3:
        shape, stride, dtype = metadata
        return torch.empty_strided(shape, stride, dtype=dtype, device="meta")
    several, _ = metadata
    return type(several)(torch.empty_strided(*each[:2], dtype=each[2], device="meta") for each in several)


def _from_rule(packet: object, args: tuple) -> Any:
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
