"""One step of training, of short and full ones: forward, loss, backward, clipping, optimiser and moving average.

Their recipes stay two: each chooses the optimiser, its schedule, the batches and what a training that diverges is told.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from timm.data import Mixup
from timm.loss import LabelSmoothingCrossEntropy, SoftTargetCrossEntropy
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vitspace.machine.devices import autocast
from vitspace.machine.quiet import training_step

#: Steps between two looks at whether the loss is a number, which wait for a GPU.
CHECK_EVERY = 10

Batch = tuple[Tensor, Tensor]


class DivergedError(ArithmeticError):
    """The training loss is no number.

    Attributes:
        loss: What it is.
        step: The step, from 1.
    """

    def __init__(self, loss: float, step: int) -> None:
        super().__init__(f"the training loss is {loss} by step {step}")
        self.loss, self.step = loss, step


@dataclass(frozen=True)
class Fitting:
    """A network in training.

    Attributes:
        network: On its device.
        criterion: Of scores float32 [B, classes, ...], or a tuple of them, and targets: int64 [B, ...] or, mixed, [B,
            classes].
        optimiser: Of the network.
        schedule: timm's, told of each step.
        average: Of the network's weights, or None.
        forward: The network as it is run: compiled, or shared between processes; None runs it as it is.
        precision: See `autocast`.
        layout: How maps lie in memory.
        clip_grad: Largest norm of the gradient; None clips nothing.
        agree: Replaces tensors by their means over all processes that train together; None for one process, and where
            `forward` averages the gradients.
    """

    network: nn.Module
    criterion: nn.Module
    optimiser: torch.optim.Optimizer
    schedule: Any
    average: ModelEmaV3 | None = None
    forward: Callable[[Tensor], Tensor] | None = None
    precision: str = "auto"
    layout: torch.memory_format = torch.contiguous_format
    clip_grad: float | None = None
    agree: Callable[[Sequence[Tensor]], None] | None = None

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @property
    def trained(self) -> nn.Module:
        """The network that counts: the moving average where there is one."""
        return self.average.module if self.average else self.network

    @property
    def pauses(self) -> bool:
        """Whether it waits while a network is timed: on the CPU, but not one of several processes in step.

        One that waits would keep all of them waiting.
        """
        in_step = self.agree or isinstance(self.forward, DistributedDataParallel)
        return self.device.type == "cpu" and not in_step

    def step(self, parts: Iterable[Batch], shares: Sequence[float | Tensor], taken: int) -> list[Tensor]:
        """Take a step down the mean loss of a batch, and return each part's share of it, as processes `agree`.

        Between two parts it waits while another process of this host times a network, where it `pauses`.

        Args:
            parts: The batch in parts, whose gradients are added up: images float32 [B, 3, H, W] and targets.
            shares: Of the batch's mean loss, how much each part's mean loss is; 1 in all.
            taken: Steps before this one.

        Raises:
            DivergedError: the loss is no number, on the CPU.
        """
        self.schedule.step_update(taken)
        self.optimiser.zero_grad()
        losses: list[Tensor] = []
        for (inputs, targets), share in zip(parts, shares, strict=True):
            with training_step(self.pauses), self._apart(len(losses) + 1 < len(shares)):
                losses.append(self._backward(inputs, targets, share, taken + 1))
        with training_step(self.pauses):
            self._descend(taken + 1)
        return losses

    def _descend(self, step: int) -> None:
        if self.agree:
            self.agree([each.grad for each in self.network.parameters() if each.grad is not None])
        if self.clip_grad:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip_grad)
        self.optimiser.step()
        if self.average:
            self.average.update(self.network, step)

    def _apart(self, more: bool) -> AbstractContextManager[None]:
        """While more parts follow, processes do not exchange gradients."""
        shared = isinstance(self.forward, DistributedDataParallel)
        return self.forward.no_sync() if more and shared else nullcontext()  # type: ignore[union-attr]

    def _backward(self, inputs: Tensor, targets: Tensor, share: float | Tensor, step: int) -> Tensor:
        with autocast(self.precision, self.device):
            scores = (self.forward or self.network)(inputs.contiguous(memory_format=self.layout))
        scores = tuple(each.float() for each in scores) if isinstance(scores, tuple) else scores.float()
        loss: Tensor = self.criterion(scores, targets) * share
        agreed = loss.detach().clone()
        if self.agree:
            self.agree([agreed])
        if self.device.type == "cpu" and not agreed.isfinite():
            # Sampling at points that are no numbers ends the process in PyTorch's backward pass on the CPU.
            raise DivergedError(agreed.item(), step)
        loss.backward()
        return agreed


def make_mixup(mixup: float, cutmix: float, label_smoothing: float, classes: int) -> Mixup | None:
    """Return what mixes images and their targets, or None where both alphas are 0."""
    if not (mixup or cutmix):
        return None
    return Mixup(mixup, cutmix, label_smoothing=label_smoothing, num_classes=classes)


def make_criterion(mixes: bool, label_smoothing: float) -> nn.Module:
    """Return the loss of mixed targets, which are smoothed already, or of labels."""
    return SoftTargetCrossEntropy() if mixes else LabelSmoothingCrossEntropy(label_smoothing)


def make_average(network: nn.Module, decay: float | None) -> ModelEmaV3 | None:
    """Return a moving average of the weights, or None without a decay."""
    return ModelEmaV3(network, decay=decay, use_warmup=True) if decay else None
