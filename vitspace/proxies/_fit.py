"""Training and validation of one network."""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from timm.loss import LabelSmoothingCrossEntropy, SoftTargetCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import ModelEmaV3
from torch import Tensor, nn

from vitspace.data import Dataset
from vitspace.network import Network
from vitspace.proxies import ProxyError
from vitspace.proxies._batches import Normalise, TrainBatches
from vitspace.proxies._recipe import TrainingProxy
from vitspace.proxies.devices import autocast
from vitspace.quiet import training_step

_CHECK_EVERY = 10
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
        raise ProxyError(f"the validation loss is {loss.item()} after {proxy.steps} steps")
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
    step = _Step(network, proxy, parts)
    on_cpu = step.device.type == "cpu"
    losses: list[Tensor] = []
    network.train()
    for inputs, targets in TrainBatches(proxy, dataset, step.device, generator):
        with training_step(pausing=on_cpu):
            losses.append(step(inputs, targets, len(losses)))
        if len(losses) % _CHECK_EVERY == 0:
            _check_finite(losses, len(losses))
        if on_step:
            on_step(len(losses), proxy.steps)
    _check_finite(losses, len(losses))
    return torch.stack(losses).tolist(), step.average.module if step.average else network


class _Step:
    """One step of AdamW down the loss of a batch, and of the average of weights."""

    def __init__(self, network: Network, proxy: TrainingProxy, parts: int) -> None:
        self.network, self.proxy, self.parts = network, proxy, parts
        self.device = next(network.parameters()).device
        self.forward = torch.compile(network) if proxy.compile else network
        self.criterion = SoftTargetCrossEntropy() if proxy.mixup else LabelSmoothingCrossEntropy(proxy.label_smoothing)
        fused = self.device.type in ("cpu", "cuda") or None
        self.optimiser = create_optimizer_v2(network, "adamw", proxy.lr, proxy.weight_decay, fused=fused)
        self.schedule = _schedule(self.optimiser, proxy)
        self.average = ModelEmaV3(network, decay=proxy.ema, use_warmup=True) if proxy.ema else None

    def __call__(self, inputs: Tensor, targets: Tensor, taken: int) -> Tensor:
        """Take a step, given how many were taken before, and return the loss."""
        self.schedule.step_update(taken)
        self.optimiser.zero_grad()
        loss = self._backward(inputs, targets, taken + 1)
        nn.utils.clip_grad_norm_(self.network.parameters(), self.proxy.clip_grad)
        self.optimiser.step()
        if self.average:
            self.average.update(self.network, taken + 1)
        return loss

    def _backward(self, inputs: Tensor, targets: Tensor, step: int) -> Tensor:
        total = torch.zeros((), device=self.device)
        for part, goal in zip(inputs.chunk(self.parts), targets.chunk(self.parts), strict=True):
            with autocast(self.proxy.precision, self.device):
                logits = self.forward(part.contiguous(memory_format=memory_format(self.proxy)))
            loss = self.criterion(logits.float(), goal) * (len(part) / len(inputs))
            if self.device.type == "cpu":
                # Sampling at points that are no numbers ends the process in PyTorch's backward pass on the CPU.
                _check_finite([loss.detach()], step)
            loss.backward()
            total += loss.detach()
        return total


def _schedule(optimiser: torch.optim.Optimizer, proxy: TrainingProxy) -> CosineLRScheduler:
    assert proxy.steps is not None
    return CosineLRScheduler(
        optimiser,
        t_initial=proxy.steps,
        warmup_t=proxy.warmup,
        warmup_lr_init=proxy.lr / (proxy.warmup + 1),
        t_in_epochs=False,
    )


def _check_finite(losses: list[Tensor], step: int) -> None:
    if not torch.stack(losses[-_CHECK_EVERY:]).isfinite().all():
        raise ProxyError(f"the training loss is not finite by step {step}")
