"""Records the work of the operations that run under it, by kind."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

#: Kinds of operations that multiply, and of those that only move elements.
PRODUCTS = ("dense", "pointwise", "depthwise", "strip", "grouped", "transposed", "linear", "product", "attention")
MOVES = ("norm", "layer_norm", "softmax", "cheap", "costly", "reduce", "pool", "copy", "gather", "window", "resample")
#: Weights of more than 1 MB, which few L2 caches hold, are a kind of their own.
HEAVY = 1 << 18
#: Largest number of elements that an operation of size small (fits into L2) or medium moves.
SIZES = (("small", 1 << 16), ("medium", 1 << 19), ("large", 1 << 62))
WORK = (
    *(f"{kind} {what}" for kind in PRODUCTS for what in ("count", "macs", "read", "written", "weights", "heavy")),
    *(f"{kind} problems" for kind in ("product", "attention")),
    "attention scores",
    *(f"{kind} {what}" for kind in MOVES for what in ("count", *(size for size, _ in SIZES))),
    "views",
)
_AT = {name: i for i, name in enumerate(WORK)}

_ATEN = torch.ops.aten
_ATTENTION = _ATEN._scaled_dot_product_flash_attention_for_cpu
_LINEAR = {_ATEN.mm, _ATEN.addmm}
_KINDS = {
    **dict.fromkeys((_ATEN.native_batch_norm, _ATEN._native_batch_norm_legit_no_training), "norm"),
    _ATEN.native_layer_norm: "layer_norm",
    _ATEN._softmax: "softmax",
    **dict.fromkeys(
        (
            _ATEN.gelu,
            _ATEN.silu,
            _ATEN.sigmoid,
            _ATEN.exp,
            _ATEN.tanh,
            _ATEN.pow,
            _ATEN.silu_,
            _ATEN.gelu_,
            _ATEN.sigmoid_,
        ),
        "costly",
    ),
    **dict.fromkeys((_ATEN.mean, _ATEN.sum, _ATEN.amax, _ATEN.max, _ATEN.linalg_vector_norm), "reduce"),
    **dict.fromkeys((_ATEN.max_pool2d_with_indices, _ATEN.avg_pool2d, _ATEN._adaptive_avg_pool2d), "pool"),
    **dict.fromkeys((_ATEN.clone, _ATEN.cat, _ATEN._to_copy, _ATEN.copy_, _ATEN.stack), "copy"),
    **dict.fromkeys((_ATEN.constant_pad_nd, _ATEN.roll, _ATEN._unsafe_view, _ATEN.pixel_shuffle), "copy"),
    **dict.fromkeys((_ATEN.index, _ATEN.gather, _ATEN.topk, _ATEN.sort, _ATEN.index_select), "gather"),
    **dict.fromkeys((_ATEN.im2col, _ATEN.col2im), "window"),
    **dict.fromkeys((_ATEN.upsample_nearest2d, _ATEN.upsample_bilinear2d, _ATEN.grid_sampler_2d), "resample"),
}


class Recorder(TorchDispatchMode):
    """Adds up the work of the operations that run under it, by the kinds of `WORK`.

    Args:
        module: Its parameters count as weights, and not as elements read.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.work = [0] * len(WORK)
        self._weights = {_storage(tensor) for tensor in (*module.parameters(), *module.buffers())}

    def __torch_dispatch__(self, func: Any, types: object, args: tuple = (), kwargs: dict | None = None) -> Any:
        out = func(*args, **(kwargs or {}))
        made = out[0] if isinstance(out, tuple | list) and out else out
        if isinstance(made, Tensor):
            read = [t for arg in args for t in (arg if isinstance(arg, list | tuple) else (arg,)) if _is_tensor(t)]
            if not func._schema.is_mutable and _storage(made) in {_storage(t) for t in read}:
                self._add("views", 1)
            else:
                self._note(func, args, kwargs or {}, read, out, made)
        return out

    def _note(self, func: Any, args: tuple, kwargs: dict, read: list[Tensor], out: Any, made: Tensor) -> None:
        packet = func._overloadpacket
        formula = flop_registry.get(packet)
        kind = _kind(packet, args)
        weights = sum(t.numel() for t in read if _storage(t) in self._weights)
        elements = sum(t.numel() for t in read) - weights
        self._add(f"{kind} count", 1)
        if kind in PRODUCTS:
            self._add(f"{kind} macs", formula(*args, **kwargs, out_val=out) // 2 if formula else 0)
            self._add(f"{kind} read", elements)
            self._add(f"{kind} written", made.numel())
            self._add(f"{kind} {'heavy' if weights > HEAVY else 'weights'}", weights)
            self._note_problems(kind, read)
        else:
            moved = elements + made.numel()
            self._add(f"{kind} {next(size for size, most in SIZES if moved <= most)}", moved)

    def _note_problems(self, kind: str, read: list[Tensor]) -> None:
        """Count the small products of a batched product or an attention, and the attention's scores."""
        if kind == "product":
            self._add("product problems", read[-1].shape[0])
        elif kind == "attention":
            (batch, heads, queries, _), keys = read[0].shape, read[1].shape[2]
            self._add("attention problems", batch * heads)
            self._add("attention scores", batch * heads * queries * keys)

    def _add(self, name: str, amount: int) -> None:
        self.work[_AT[name]] += amount


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _kind(packet: Any, args: tuple) -> str:
    if packet is _ATEN.convolution:
        return _convolution(weight=args[1], transposed=args[6], groups=args[8])
    if packet in _LINEAR:
        return "linear"
    if packet is _ATTENTION:
        return "attention"
    return "product" if packet in flop_registry else _KINDS.get(packet, "cheap")


def _convolution(weight: Tensor, transposed: bool, groups: int) -> str:
    sides = weight.shape[2:]
    if transposed:
        return "transposed"
    if groups == 1:
        return "pointwise" if sides.numel() == 1 else "dense"
    if weight.shape[1] > 1:
        return "grouped"
    return "depthwise" if len(set(sides)) == 1 else "strip"
