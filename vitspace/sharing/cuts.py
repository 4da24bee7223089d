"""How a tensor of a design is cut from the larger one that all designs share.

A rule an axis, in order; axes without one, and those whose rule is 1, keep their first elements.

| rule | the axis is | what is kept |
| --- | --- | --- |
| a number n | n parts of one size, as queries, keys and values are | the first elements of each part |
| ``centre`` | the side of a kernel | its middle |
| ``square`` | a square, row by row, of relative positions | its middle |
| ``grid`` | a square, row by row, of positions | its top left |

The rule ``dense`` stands alone: a grouped matrix [groups, O, I] is cut from the matrix [groups * O, groups * I] of
which it is the blocks on the diagonal, so that a channel keeps its place however many groups there are.
"""

from collections.abc import Sequence
from math import isqrt

import torch
from torch import Tensor

Rule = int | str
Rules = tuple[Rule, ...]
DENSE: Rules = ("dense",)


def held(shape: Sequence[int], rules: Rules) -> tuple[int, ...]:
    """Return the shape of the least tensor that one of a shape is cut from."""
    if rules == DENSE:
        groups, out_dim, in_dim = shape
        return groups * out_dim, groups * in_dim
    return tuple(shape)


def cut(whole: Tensor, shape: Sequence[int], rules: Rules = ()) -> Tensor:
    """Return what a design takes of a tensor, of the design's shape; a view where that can be.

    Args:
        whole: The shared tensor, along no axis smaller than `held` says.
        shape: The design's.
        rules: Of the axes; see above.

    Raises:
        AssertionError: the shared tensor is too small.
    """
    wanted = held(shape, rules)
    assert len(wanted) == whole.ndim and all(a <= b for a, b in zip(wanted, whole.shape, strict=True)), (
        f"a design's {tuple(shape)} is no part of {tuple(whole.shape)}"
    )
    if rules == DENSE:
        return _blocks(whole[: wanted[0], : wanted[1]], shape[0])
    part = whole
    for axis, size in enumerate(shape):
        if size != part.shape[axis]:
            part = _along(part, axis, size, rules[axis] if axis < len(rules) else 1)
    return part


def place(whole: Tensor, value: Tensor, rules: Rules = ()) -> None:
    """Write a design's tensor where `cut` takes it from."""
    at = cut(torch.arange(whole.numel()).view(whole.shape), value.shape, rules)
    with torch.no_grad():
        whole.view(-1)[at.reshape(-1).to(whole.device)] = value.detach().reshape(-1).to(whole.device, whole.dtype)


def _along(whole: Tensor, axis: int, size: int, rule: Rule) -> Tensor:
    """Return what is kept of one axis."""
    if rule == "centre":
        return whole.narrow(axis, (whole.shape[axis] - size) // 2, size)
    if rule in ("square", "grid"):
        have, want = isqrt(whole.shape[axis]), isqrt(size)
        start = (have - want) // 2 if rule == "square" else 0
        sides = whole.unflatten(axis, (have, have)).narrow(axis, start, want).narrow(axis + 1, start, want)
        return sides.flatten(axis, axis + 1)
    assert isinstance(rule, int)
    if rule == 1:
        return whole.narrow(axis, 0, size)
    return whole.unflatten(axis, (rule, -1)).narrow(axis + 1, 0, size // rule).flatten(axis, axis + 1)


def _blocks(matrix: Tensor, groups: int) -> Tensor:
    """[G O, G I] -> [G, O, I]: the blocks on the diagonal."""
    blocks = matrix.unflatten(1, (groups, -1)).unflatten(0, (groups, -1))
    return blocks.diagonal(dim1=0, dim2=2).permute(2, 0, 1)
