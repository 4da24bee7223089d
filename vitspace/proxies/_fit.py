"""Training and validation of one network."""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from timm.loss import LabelSmoothingCrossEntropy, SoftTargetCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from torch import Tensor, nn

from vitspace.data import Dataset
from vitspace.network import Network
from vitspace.proxies import ProxyError
from vitspace.proxies._batches import Normalise, TrainBatches
from vitspace.proxies._device import autocast
from vitspace.proxies._recipe import TrainingProxy

_CHECK_EVERY = 10
_VAL_BATCH = 125

OnStep = Callable[[int, int], None]


@torch.no_grad()
def validate(network: nn.Module, proxy: TrainingProxy, dataset: Dataset) -> tuple[float, float]:
    """Return the loss without label smoothing, in nats, and the accuracy over all validation images.

    Raises:
        ProxyError: the loss is not finite.
    """
    device = next(network.parameters()).device
    normalise = Normalise(dataset, device)
    network.eval()
    loss = right = torch.zeros((), device=device)
    pairs = zip(dataset.val_images.split(_VAL_BATCH), dataset.val_labels.to(device).split(_VAL_BATCH), strict=True)
    for images, labels in pairs:
        with autocast(proxy.precision, device):
            logits = network(normalise(images.to(device)))
        loss = loss + F.cross_entropy(logits.float(), labels, reduction="sum")
        right = right + (logits.argmax(1) == labels).sum()
    if not torch.isfinite(loss):
        raise ProxyError(f"the validation loss is {loss.item()} after {proxy.steps} steps")
    return loss.item() / len(dataset.val_labels), right.item() / len(dataset.val_labels)


def fit(
    network: Network, proxy: TrainingProxy, dataset: Dataset, generator: torch.Generator, on_step: OnStep | None
) -> list[float]:
    """Train, and return the loss of every step.

    Args:
        network: On the device to train on.
        proxy: The recipe.
        dataset: The set.
        generator: Of the order of images and their shifts, on the CPU.
        on_step: Called after each step with its number and the number of steps.

    Raises:
        ProxyError: the loss is not finite.
    """
    device = next(network.parameters()).device
    update = _optimiser(network, proxy)
    criterion = SoftTargetCrossEntropy() if proxy.mixup else LabelSmoothingCrossEntropy(proxy.label_smoothing)
    losses: list[Tensor] = []
    network.train()
    for inputs, targets in TrainBatches(proxy, dataset, device, generator):
        with autocast(proxy.precision, device):
            logits = network(inputs)
        loss = criterion(logits.float(), targets)
        update(loss, len(losses))
        losses.append(loss.detach())
        if len(losses) % _CHECK_EVERY == 0:
            _check_finite(losses)
        if on_step:
            on_step(len(losses), proxy.steps)
    _check_finite(losses)
    return torch.stack(losses).tolist()


def _optimiser(network: Network, proxy: TrainingProxy) -> Callable[[Tensor, int], None]:
    """Return the function that takes one step of AdamW down a loss, given how many were taken before."""
    fused = next(network.parameters()).device.type in ("cpu", "cuda") or None
    optimiser = create_optimizer_v2(network, "adamw", proxy.lr, proxy.weight_decay, fused=fused)
    schedule = CosineLRScheduler(
        optimiser,
        t_initial=proxy.steps,
        warmup_t=proxy.warmup,
        warmup_lr_init=proxy.lr / (proxy.warmup + 1),
        t_in_epochs=False,
    )

    def update(loss: Tensor, taken: int) -> None:
        schedule.step_update(taken)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), proxy.clip_grad)
        optimiser.step()

    return update


def _check_finite(losses: list[Tensor]) -> None:
    if not torch.stack(losses[-_CHECK_EVERY:]).isfinite().all():
        raise ProxyError(f"the training loss is not finite by step {len(losses)}")
