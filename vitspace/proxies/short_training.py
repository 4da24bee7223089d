"""A short training of one network, and its validation."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from torch import Tensor, nn

from vitspace.data import Dataset
from vitspace.fitting import CHECK_EVERY, DivergedError, Fitting, make_average, make_criterion
from vitspace.machine.devices import autocast
from vitspace.machine.quiet import training_step
from vitspace.network import Network
from vitspace.proxies import ProxyError
from vitspace.proxies.batches import Normalise, TrainBatches
from vitspace.proxies.recipe import TrainingProxy
from vitspace.words import plural

_VAL_BATCH = 125

OnStep = Callable[[int, int], None]


@torch.no_grad()
def validate(network: nn.Module, proxy: TrainingProxy, dataset: Dataset, parts: int = 1) -> tuple[float, float]:
    """Return the loss without label smoothing, in nats, and the accuracy over all validation images.

    Args:
        network: On its device.
        proxy: The recipe.
        dataset: The set.
        parts: How many times smaller the batches are than usual, for want of memory.

    Raises:
        ProxyError: the loss is not finite.
    """
    device, size = next(network.parameters()).device, max(1, _VAL_BATCH // parts)
    normalise = Normalise(dataset, device)
    network.eval()
    loss = right = torch.zeros((), device=device)
    pairs = zip(dataset.val_images.split(size), dataset.val_labels.to(device).split(size), strict=True)
    for images, labels in pairs:
        with training_step(pausing=device.type == "cpu"), autocast(proxy.precision, device):
            logits = network(normalise(images.to(device)).contiguous(memory_format=memory_format(proxy)))
        loss = loss + F.cross_entropy(logits.float(), labels, reduction="sum")
        right = right + (logits.argmax(1) == labels).sum()
    if not torch.isfinite(loss):
        raise ProxyError(f"the validation loss is {loss.item()} after {plural(proxy.steps or 0, 'step')}")
    return loss.item() / len(dataset.val_labels), right.item() / len(dataset.val_labels)


def memory_format(proxy: TrainingProxy) -> torch.memory_format:
    """Return how the recipe's maps lie in memory."""
    return torch.channels_last if proxy.channels_last else torch.contiguous_format


def fit(
    network: Network,
    proxy: TrainingProxy,
    dataset: Dataset,
    generator: torch.Generator,
    on_step: OnStep | None,
    parts: int = 1,
) -> tuple[list[float], nn.Module]:
    """Train, and return the loss of every step, and the network to validate: this one, or the average of its weights.

    Args:
        network: On the device to train on.
        proxy: The recipe.
        dataset: The set.
        generator: Of the order of images and their shifts, on the CPU.
        on_step: Called after each step with its number and the number of steps.
        parts: How many passes a batch takes, its gradients added up, for want of memory.

    Raises:
        ProxyError: the loss is not finite.
    """
    assert proxy.steps is not None
    fitting = make_fitting(network, proxy)
    losses: list[Tensor] = []
    network.train()
    try:
        for inputs, targets in TrainBatches(proxy, dataset, fitting.device, generator):
            batch = list(zip(inputs.chunk(parts), targets.chunk(parts), strict=True))
            shares = [len(part) / len(inputs) for part, _ in batch]
            losses.append(torch.stack(fitting.step(batch, shares, len(losses))).sum())
            if len(losses) % CHECK_EVERY == 0:
                _check_finite(losses)
            if on_step:
                on_step(len(losses), proxy.steps)
        _check_finite(losses)
    except DivergedError as error:
        raise ProxyError(f"the training loss is not finite by step {error.step}") from None
    return torch.stack(losses).tolist(), fitting.trained


def make_fitting(network: nn.Module, proxy: TrainingProxy) -> Fitting:
    """Return a network in training: AdamW on a cosine, as the recipe says."""
    assert proxy.steps is not None
    fused = next(network.parameters()).device.type in ("cpu", "cuda") or None
    optimiser = create_optimizer_v2(network, "adamw", proxy.lr, proxy.weight_decay, fused=fused)
    schedule = CosineLRScheduler(
        optimiser,
        t_initial=proxy.steps,
        warmup_t=proxy.warmup,
        warmup_lr_init=proxy.lr / (proxy.warmup + 1),
        t_in_epochs=False,
    )
    return Fitting(
        network,
        make_criterion(bool(proxy.mixup), proxy.label_smoothing),
        optimiser,
        schedule,
        make_average(network, proxy.ema),
        torch.compile(network) if proxy.compile else None,
        proxy.precision,
        memory_format(proxy),
        proxy.clip_grad,
    )


def _check_finite(losses: list[Tensor]) -> None:
    if not torch.stack(losses[-CHECK_EVERY:]).isfinite().all():
        raise DivergedError(math.nan, len(losses))
