"""Multi-head attention on projected tokens."""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vitspace.layers.kept import captured


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, T, C] -> [B, heads, T, C / heads], without a copy."""
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """[B, heads, T, D] -> [B, T, heads * D]."""
    return x.transpose(1, 2).flatten(2)


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """[B, T, C], twice [B, S, C] -> [B, T, C]: softmax over S in every head.

    Args:
        q: Queries.
        k: Keys.
        v: Values.
        heads: Heads, dividing C.
        mask: Added to the logits; it broadcasts to [B, heads, T, S].
    """
    mask = None if mask is None else mask.to(q.dtype)
    q, k, v = (split_heads(x, heads) for x in (q, k, v))
    return join_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=mask))


def self_attend(qkv: Tensor, heads: int, mask: Tensor | None = None) -> Tensor:
    """[B, T, 3C] -> [B, T, C]: `attend` where queries, keys and values come in one, in this order."""
    if not captured():
        q, k, v = qkv.chunk(3, dim=2)
        return attend(q, k, v, heads, mask)
    # A back end copies what it cuts or transposes: once for all three, and the parts of the first dimension lie whole.
    packed = qkv.unflatten(2, (3, heads, -1)).permute(2, 0, 3, 1, 4).contiguous()
    q, k, v = packed.unbind()
    mask = None if mask is None else mask.to(qkv.dtype)
    return join_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=mask))
