"""The pass on images: forward and backward of a few batches, with what happens in the blocks kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vitspace.data import load_data
from vitspace.machine.devices import check_device
from vitspace.proxies import ProxyError
from vitspace.proxies.scores._blocks import find_blocks, positions, tensors
from vitspace.proxies.scores._evidence import (
    CODES,
    FEATURES,
    GRADIENTS,
    JACOBIANS,
    Moments,
    PassResults,
    Settings,
    weights,
)
from vitspace.proxies.scores._functions import Codes

#: A block that ran, with the tensors it took and put out.
Ran = tuple[nn.Module, list[Tensor], list[Tensor]]


def run_on_images(evidence: PassResults, needs: set[str], settings: Settings) -> None:
    """Forward and backward on every batch of images."""
    network, device = evidence.network, check_device(settings.device)
    pixels, labels = images(settings.img_size, settings.batch_size * settings.batches, settings.seed)
    pixels, labels = pixels.to(device), labels.to(device)
    codes: list[list[Tensor]] = []
    graph = bool(needs & {JACOBIANS, GRADIENTS})
    for batch, (x, y) in enumerate(zip(pixels.chunk(settings.batches), labels.chunk(settings.batches), strict=True)):
        seen: list[Ran] = []
        with torch.set_grad_enabled(graph), _watched(network, seen), Codes(CODES in needs, len(x)) as patterns:
            logits = network(x)
        codes.append(patterns.found)
        if FEATURES in needs:
            _add_features(evidence, seen)
        if JACOBIANS in needs and not batch:
            evidence.jacobians = [
                m for block, before, after in seen if (m := _jacobian(block, before, after)) is not None
            ]
        if GRADIENTS in needs:
            _add_gradients(evidence, F.cross_entropy(logits.float(), y))
    if CODES in needs:
        evidence.codes = _agreement(codes)
    evidence.network.zero_grad(set_to_none=True)


@contextmanager
def _watched(network: nn.Module, seen: list[Ran]) -> Iterator[None]:
    """Keep for every block that runs the tensors it takes and puts out."""

    def keep(module: nn.Module, args: tuple, out: object) -> None:
        seen.append((module, tensors(args), tensors(out)))

    blocks = find_blocks(network)
    if not blocks:
        raise ProxyError("the network has no blocks that are known as such")
    handles = [block.register_forward_hook(keep) for block in blocks]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _changed(before: list[Tensor], after: list[Tensor]) -> list[Tensor]:
    """Return what a block puts out that it was not handed."""
    return [x for x in after if not any(x is y for y in before)]


def _add_features(evidence: PassResults, seen: list[Ran]) -> None:
    with torch.no_grad():
        found = [[Moments.of(positions(x, block)) for x in _changed(a, b)] for block, a, b in seen]
    if evidence.features:
        pairs = zip(evidence.features, found, strict=True)
        found = [[one.plus(two) for one, two in zip(*both, strict=True)] for both in pairs]
    evidence.features = found


def _jacobian(block: nn.Module, before: list[Tensor], after: list[Tensor]) -> Tensor | None:
    """[C, C]: G_in^T G_out / P for random signs G_out; None where no tensor keeps its shape through the block."""
    for x, y in zip(before, after, strict=False):
        if y is not x and x.shape == y.shape and x.requires_grad:
            signs = torch.randint(0, 2, y.shape, device=y.device).to(y.dtype) * 2 - 1
            [pulled] = torch.autograd.grad(y, x, signs, retain_graph=True)
            into, out = positions(pulled, block).float(), positions(signs, block).float()
            return into.T @ out / len(out)
    return None


def _add_gradients(evidence: PassResults, loss: Tensor) -> None:
    if not torch.isfinite(loss):
        raise ProxyError(f"the loss is {loss.item()}")
    evidence.network.zero_grad(set_to_none=True)
    loss.backward()
    for name, weight in weights(evidence.network):
        gradient = weight.grad
        if gradient is None:
            continue
        size, square = gradient.abs(), gradient.square()
        if name in evidence.gradients:
            total, squares = evidence.gradients[name]
            total += size
            squares += square
        else:
            evidence.gradients[name] = size, square
    evidence.batches += 1


def _agreement(codes: list[list[Tensor]]) -> Tensor:
    """[B, B]: at how many activations two images are on the same side, from the codes [B', n] of each batch."""
    total: Tensor | None = None
    for parts in zip(*codes, strict=True):
        on_Bn = torch.cat(parts).float()
        both = on_Bn @ on_Bn.T
        own = both.diagonal()
        agree = on_Bn.shape[1] - own - own[:, None] + 2 * both
        total = agree.double() if total is None else total + agree.double()
    if total is None:
        raise ProxyError("the network has no activation function that is known as such")
    return total


@cache
def images(img_size: int, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return ``count`` generated fractals, float32 [count, 3, H, W] of mean 0 and variance 1, and their labels."""
    dataset = load_data("fractal", img_size, seed, max_train=count, max_val=1)
    pixels_B3HW = dataset.train_images.float()
    mean, std = pixels_B3HW.mean((0, 2, 3), keepdim=True), pixels_B3HW.std((0, 2, 3), keepdim=True)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return ((pixels_B3HW - mean) / std)[order], dataset.train_labels[order]
