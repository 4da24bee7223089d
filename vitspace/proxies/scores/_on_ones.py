"""The linear pass: forward and backward on an image of ones, every parameter in absolute value."""

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from vitspace.proxies import ProxyError
from vitspace.proxies.scores._blocks import find_blocks, tensors
from vitspace.proxies.scores._evidence import PassResults, Settings, weights
from vitspace.proxies.scores._functions import WithoutNorms


def run_on_ones(evidence: PassResults, needs: set[str], settings: Settings) -> None:
    """Forward and backward of the sum of outputs on one image of ones, every parameter in absolute value.

    Norms hand on their input, and what each block puts out is divided by its mean, a constant to the gradient. In a
    positively homogeneous network that multiplies R and its derivatives by one factor, kept in ``log_scale``, so
    that nothing overflows or vanishes and nothing is lost.
    """
    network = evidence.network
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    flow = _run(network, settings.img_size)
    if not flow.finite:
        # One block alone can leave the range of single precision (MobileViT's hold whole transformers).
        flow = _run(network.double(), settings.img_size)
    if not flow.finite:
        what = "sum of outputs" if not math.isfinite(flow.total) else "gradient"
        raise ProxyError(f"the {what} of the linear pass is not finite")
    evidence.saliency, evidence.log_scale = flow.saliency, flow.log_scale


@dataclass(frozen=True)
class _Flow:
    """What one run gave: R, |w dR/dw| of each layer, and the logarithm of the scale."""

    total: float
    saliency: dict[str, float]
    log_scale: float

    @property
    def finite(self) -> bool:
        return math.isfinite(self.total + sum(self.saliency.values()))


def _run(network: nn.Module, img_size: int) -> _Flow:
    scales: list[Tensor] = []
    handles = [block.register_forward_hook(partial(_rescale, scales)) for block in find_blocks(network)]
    weight = next(network.parameters())
    network.zero_grad(set_to_none=True)
    try:
        with WithoutNorms():
            total = network(torch.ones(1, 3, img_size, img_size, device=weight.device, dtype=weight.dtype)).sum()
    finally:
        for handle in handles:
            handle.remove()
    total.backward()
    log_scale = torch.stack(scales).double().log().sum().item() if scales else 0.0
    saliency = {n: _saliency(w.detach(), w.grad) for n, w in weights(network) if w.grad is not None}
    return _Flow(total.item(), saliency, log_scale)


def _saliency(weight: Tensor, gradient: Tensor) -> float:
    return (weight * gradient).abs_().sum(dtype=torch.float64).item()


def _rescale(scales: list[Tensor], module: nn.Module, args: tuple, out: object) -> object:
    scale = max(x.detach().abs().mean() for x in tensors(out))
    scales.append(scale)
    return tuple(_divided(x, scale) for x in out) if isinstance(out, tuple) else _divided(out, scale)


def _divided(x: object, scale: Tensor) -> object:
    return x / scale if isinstance(x, Tensor) else x
