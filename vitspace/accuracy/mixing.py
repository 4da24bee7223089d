"""Mixing: whether the positions of a map meet.

What is counted does not tell: a network of the same operations that never exchanges positions is predicted as if it
did. MAT-2 of MLP blocks alone is published at 58.4, 20.6 points below MAT-2; EMSNet-XXT at 70.2, 2.9 below. So one
position is followed back by its gradient. Of a spec each stage is tried without its downsampling, since downsamplings
alone reach two thirds of the image; of any other network with timm's ``forward_features`` the last map is followed back
to the image.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor, nn

from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize, sides
from vitspace.spec import Spec, StageSpec

#: Share of the image's positions that reach one position of the last map, at least, of a network that has no spec.
LEAST = 0.25
#: Blocks with which a stage is tried: its first, one between, its last.
_DEPTH = 3


def mixing_stages(spec: Spec, img_size: ImageSize) -> tuple[bool, ...]:
    """Return for each stage whether its blocks let positions meet."""
    counts = cost(spec, img_size).counts
    assert counts is not None
    return tuple(
        _mixes(stage.changed(depth=min(depth, _DEPTH)), count.shape)
        for stage, (depth, count) in zip(spec.stages, counts[1], strict=True)
    )


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
    """Refuse a design whose positions never meet.

    Raises:
        InputError: no stage of the spec mixes, or too small a share of the image reaches the last map.
    """
    rule = "an accuracy is predicted for designs in which positions of the map meet"
    if isinstance(design, Spec):
        if not any(mixing_stages(design, img_size)):
            raise InputError(
                f"{rule}, but no block of this one mixes them: MAT-2 lost 20.6 points of top-1 so, EMSNet-XXT 2.9"
            )
        return
    share = reached(design, img_size)
    if share is not None and share < LEAST:
        raise InputError(
            f"{rule}, at least {LEAST:.0%} of the image in one position of the last map, but got {share:.1%}"
        )


@cache
def _mixes(stage: StageSpec, shape: tuple[int, ...]) -> bool:
    """Whether a stage without downsampling lets more than one position reach one."""
    alone = stage.canonical(True, None).changed(downsample="none")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = alone.build(shape[1], None, [0.0] * alone.depth)
    with _running(module):
        return int(_seen(lambda x: module(x, None), _noise(*shape)).sum()) > 1


def _seen(run: Callable[[Tensor], Tensor | tuple], x: Tensor) -> Tensor:
    """Return which positions of x [1, C, H, W] reach the middle of what is made of it: [H, W]."""
    x = x.requires_grad_()
    out = run(x)
    middle = _middle(out[0] if isinstance(out, (tuple, list)) else out)
    # A plain sum over channels is constant behind a norm.
    (gradient,) = torch.autograd.grad(middle @ _noise(len(middle)).to(middle), x)
    return gradient.abs().amax(dim=(0, 1)) > 0


def _noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@contextmanager
def _running(network: nn.Module) -> Iterator[None]:
    """Evaluation mode, with every branch on: scales that begin at 0 are 1 meanwhile."""
    training = network.training
    network.eval()
    zero = [p for name, p in network.named_parameters() if p.dim() == 1 and not name.endswith("bias") and not p.any()]
    with torch.no_grad():
        for parameter in zero:
            parameter.fill_(1)
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter in zero:
                parameter.fill_(0)
        network.train(training)


def _middle(last: Tensor) -> Tensor:
    """Return the middle position of a map [1, C, H, W], or of rows [1, N, C] or [1, H, W, C]."""
    if last.dim() == 3:
        return last[0, last.shape[1] // 2]
    channels_last = last.dim() == 4 and last.shape[1] == last.shape[2] != last.shape[3]
    if channels_last:
        return last[0, last.shape[1] // 2, last.shape[2] // 2]
    return last[0, :, last.shape[2] // 2, last.shape[3] // 2]
