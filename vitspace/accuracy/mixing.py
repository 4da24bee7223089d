"""Whether information is mixed between the positions of a map, and how far.

What is counted does not tell: a network of the same operations that never exchanges positions is predicted as if it
did. MAT-2 of MLP blocks alone is published at 58.4, 20.6 points below MAT-2; EMSNet-XXT at 70.2, 2.9 below. So one
position is followed back by its gradient. Of a spec that is done stage by stage, from the last map to the first, and
without downsamplings, which alone reach two thirds of the image; of any other network with timm's
``forward_features`` the last map is followed back to the image.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import Tensor, nn

from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize, sides
from vitspace.sized import size_of
from vitspace.spec import Spec, StageSpec

#: Share of a spec's positions that reach one position of the last map through blocks, at least. In all published
#: designs of ours all do, in those without mixing one of 49; by windows in MAT-2's first stage alone 29 % do.
MEET = 0.5
#: Share of the image that reaches it, at least, in a network that has no spec.
LEAST = 0.25
#: Blocks with which a stage is tried, its first, one between and its last; a deeper one as several such stages.
_DEPTH = 3
#: Stages of which it is remembered what reaches a mask.
_REMEMBERED = 4096

#: Which positions of a map are meant, [H][W].
Mask = tuple[tuple[bool, ...], ...]


def mixed_share(spec: Spec, img_size: ImageSize) -> float:
    """Return which share of the first stage's positions reaches the middle of the last map through blocks.

    A downsampling hands on to each position what it covers, and nothing beside. Where positions never meet that is one
    position's share of the last map.
    """
    counts = cost(spec, img_size).counts
    assert counts is not None
    mask = None
    for stage, (depth, count) in reversed(list(zip(spec.stages, counts[1], strict=True))):
        mask = _before(mask, count.shape)
        for done in range(0, depth, _DEPTH):
            if all(map(all, mask)):
                return 1.0
            mask = _reaching(stage.changed(depth=min(depth - done, _DEPTH)), count.shape, mask)
    assert mask is not None
    return sum(map(sum, mask)) / (len(mask) * len(mask[0]))


def mixes(spec: Spec, img_size: ImageSize) -> bool:
    """Whether enough positions meet in a design for an estimate of its accuracy.

    Args:
        spec: The design.
        img_size: Side of the image, or (height, width), pixels, of a design without a size of its own.
    """
    return mixed_share(spec, size_of(spec, img_size)) >= MEET


@torch.inference_mode(False)
@torch.enable_grad()
def reached(network: nn.Module, img_size: ImageSize) -> float | None:
    """Return which share of an image's positions reaches the middle of the last map.

    Returns:
        A share, 0 to 1; None where the network does not say what its last map is (timm's ``forward_features``), or has
        no weights (the meta device).
    """
    parameter = next(network.parameters(), None)
    if parameter is None or parameter.is_meta or not hasattr(network, "forward_features"):
        return None
    image = _noise(1, 3, *sides(img_size)).to(parameter.device)
    with _running(network):
        seen = _seen(lambda x: network.forward_features(x), image)  # type: ignore[operator]
    return float(seen.double().mean())


def check_mixing(design: Spec | nn.Module, img_size: ImageSize) -> None:
    """Refuse a design in which too few positions meet.

    Raises:
        InputError: too small a share of the spec's positions, or of the image, reaches the last map.
    """
    rule = "an accuracy is predicted for designs in which positions of the map meet"
    if isinstance(design, Spec):
        share = mixed_share(design, img_size)
        if share < MEET:
            raise InputError(
                f"{rule}, at least {MEET:.0%} of them in one position of the last map through the blocks, but got "
                f"{share:.1%}: MAT-2 whose blocks mix none lost 20.6 points of top-1, EMSNet-XXT 2.9"
            )
        return
    seen = reached(design, img_size)
    if seen is not None and seen < LEAST:
        raise InputError(
            f"{rule}, at least {LEAST:.0%} of the image in one position of the last map, but got {seen:.1%}"
        )


def _before(mask: Mask | None, shape: tuple[int, ...]) -> Mask:
    """Return which positions of a map [1, C, H, W] a downsampling hands to those of a mask; without one the middle."""
    height, width = shape[2:]
    if mask is None:
        return tuple(tuple((y, x) == (height // 2, width // 2) for x in range(width)) for y in range(height))
    rows, columns = len(mask), len(mask[0])
    return tuple(tuple(mask[y * rows // height][x * columns // width] for x in range(width)) for y in range(height))


@lru_cache(maxsize=_REMEMBERED)
@torch.inference_mode(False)
@torch.enable_grad()
def _reaching(stage: StageSpec, shape: tuple[int, ...], mask: Mask) -> Mask:
    """Return which positions of a map [1, C, H, W] reach those of a mask through a stage without downsampling."""
    alone = stage.canonical(True, None).changed(downsample="none")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = alone.build(shape[1], None, [0.0] * alone.depth)
    with _running(module):
        seen = _seen(lambda x: module(x, None), _noise(*shape), torch.tensor(mask))
    return tuple(map(tuple, (seen | torch.tensor(mask)).tolist()))


def _seen(run: Callable[[Tensor], Tensor | tuple], x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return which positions of x [1, C, H, W] reach those of a mask [H, W] of the map made of it: [H, W].

    Without a mask it is the middle position of what is made of it, which may be tokens.
    """
    x = x.requires_grad_()
    out = run(x)
    last = out[0] if isinstance(out, (tuple, list)) else out
    if mask is not None:
        asked = (last * _noise(*last.shape).to(last))[..., mask].sum()
    else:
        middle = _middle(last)
        asked = middle @ _noise(len(middle)).to(middle)  # a plain sum over channels is constant behind a norm
    (gradient,) = torch.autograd.grad(asked, x)
    return gradient.abs().amax(dim=(0, 1)) > 0


def _noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@contextmanager
def modes_kept(network: nn.Module) -> Iterator[None]:
    """Put every module back into its own mode afterwards; layers that a user froze are in another than the network."""
    modes = {module: module.training for module in network.modules()}
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


@contextmanager
def _running(network: nn.Module) -> Iterator[None]:
    """Evaluation mode, with every branch on: scales that begin at 0 are 1 meanwhile."""
    zero = [p for name, p in network.named_parameters() if p.dim() == 1 and not name.endswith("bias") and not p.any()]
    with torch.no_grad():
        for parameter in zero:
            parameter.fill_(1)
    try:
        with modes_kept(network):
            network.eval()
            yield
    finally:
        with torch.no_grad():
            for parameter in zero:
                parameter.fill_(0)


def _middle(last: Tensor) -> Tensor:
    """Return the middle position of a map [1, C, H, W], or of rows [1, N, C] or [1, H, W, C]."""
    if last.dim() == 3:
        return last[0, last.shape[1] // 2]
    channels_last = last.dim() == 4 and last.shape[1] == last.shape[2] != last.shape[3]
    if channels_last:
        return last[0, last.shape[1] // 2, last.shape[2] // 2]
    return last[0, :, last.shape[2] // 2, last.shape[3] // 2]
