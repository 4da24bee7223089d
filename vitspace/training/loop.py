"""The loop: updates of a network through the epochs, and its validation."""

import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from timm.data import Mixup
from timm.loss import LabelSmoothingCrossEntropy, SoftTargetCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from timm.utils import ModelEmaV3
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vitspace.errors import FailureError
from vitspace.interrupts import deferring_interrupts
from vitspace.network import Network
from vitspace.proxies.devices import autocast, is_out_of_memory
from vitspace.training.images import Images, Order, train_loader, val_batches
from vitspace.training.plan import Plan
from vitspace.training.processes import Processes

_CHECK_EVERY = 10

Batch = tuple[Tensor, Tensor]


class Loop:
    """A network in training.

    Args:
        network: On the CPU, initialised alike in all processes.
        plan: What is done.
        images: The data.
        place: This process.
        seed: Of the order of images, augmentation and stochastic depth.
        workers: Processes that load images.

    Attributes:
        done: Updates so far.
        loss_sum: Training loss summed over this epoch's updates, in this process.
    """

    def __init__(
        self, network: Network, plan: Plan, images: Images, place: Processes, seed: int, workers: int = 0
    ) -> None:
        recipe, cuda = plan.recipe, place.device.type == "cuda"
        self.plan, self.images, self.place, self.seed, self.workers = plan, images, place, seed, workers
        self.layout = torch.channels_last if cuda else torch.contiguous_format
        if recipe.sync_bn and cuda and place.world > 1:
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        self.network = network.to(place.device, memory_format=self.layout)  # type: ignore[call-overload]
        self.ema = ModelEmaV3(self.network, recipe.ema, use_warmup=True) if recipe.ema else None
        devices = [place.device] if cuda else None
        self.model = DistributedDataParallel(self.network, devices) if place.world > 1 else self.network
        self.optimiser, self.schedule = _optimiser(self.network, plan)
        self.mix = _mixup(plan, len(images.classes))
        smoothing = LabelSmoothingCrossEntropy(recipe.label_smoothing)
        self.criterion = SoftTargetCrossEntropy() if self.mix else smoothing
        self.order = Order(len(images.train), plan.updates * recipe.batch_size, seed, place.rank, place.world)
        self.loader = train_loader(images, recipe, self.order, plan.micro_batch, workers, pin=cuda)
        self.done, self.loss_sum = 0, torch.zeros((), device=place.device)

    @property
    def validated(self) -> nn.Module:
        """The network that counts: the moving average where there is one."""
        return self.ema.module if self.ema else self.network

    def run_epoch(self, epoch: int, on_update: Callable[[], None]) -> float:
        """Do what is left of an epoch, and return its mean training loss.

        An interrupt comes between two updates. ``on_update`` is called after each.

        Raises:
            FailureError: the loss is not finite, or the device has no memory left.
        """
        self._begin(epoch)
        self.model.train()
        try:
            for group in self._groups():
                with deferring_interrupts():
                    self._update(group)
                    if self.done % _CHECK_EVERY == 0:
                        self._check_finite(epoch)
                    on_update()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            at_once = f"{self.plan.micro_batch} images at once"
            raise FailureError(f"no memory is left on {self.place.device} with {at_once}; try --micro-batch") from None
        return self._check_finite(epoch)

    def restart_sum(self) -> None:
        """Begin the mean of the training loss anew, after an epoch's is noted."""
        self.loss_sum = torch.zeros_like(self.loss_sum)

    @torch.no_grad()
    def validate(self) -> tuple[float, float]:
        """Return loss without smoothing, in nats, and top-1 in %, over the validation images that can be read.

        Raises:
            FailureError: the loss is not finite, or no image can be read.
        """
        network, place = self.validated.eval(), self.place
        sums = torch.zeros(3, device=place.device)
        batch = min(256, 2 * self.plan.micro_batch)
        for inputs, labels in val_batches(self.images, self.plan.recipe, batch, self.workers, place.rank, place.world):
            labels = labels.to(place.device)
            with autocast("auto", place.device):
                scores = network(inputs.to(place.device, memory_format=self.layout)).float()
            loss = F.cross_entropy(scores, labels, reduction="sum")
            sums += torch.stack([loss, (scores.argmax(1) == labels).sum(), loss.new_tensor(len(labels))])
        loss, right, count = place.total(sums).tolist()
        self.images.share_skipped(place)
        if not count:
            raise FailureError(f"no validation image of {self.images.name} can be read any more")
        if not np.isfinite(loss):
            raise FailureError(f"the validation loss is {loss} after {self.done} updates; try a lower --lr")
        return loss / count, 100 * right / count

    def state(self) -> dict[str, Any]:
        """Return all that going on takes."""
        return {
            "done": self.done,
            "loss_sum": self.loss_sum.item(),
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "ema": self.ema.module.state_dict() if self.ema else None,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.done = state["done"]
        self.loss_sum.fill_(state["loss_sum"])
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.ema:
            self.ema.module.load_state_dict(state["ema"])

    def _begin(self, epoch: int) -> None:
        """Seed the epoch, and leave out what it has seen."""
        seen = self.done - epoch * self.plan.updates
        self.order.epoch = epoch
        self.order.first = seen * self.plan.accumulate * self.plan.micro_batch
        seed = hash((self.seed, epoch, seen, self.place.rank)) % 2**32
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)

    def _groups(self) -> Iterator[list[Batch]]:
        """Yield the micro-batches of one update after the other."""
        batches = iter(self.loader)
        while group := list(islice(batches, self.plan.accumulate)):
            yield group

    def _update(self, group: list[Batch]) -> None:
        self.schedule.step_update(self.done)
        self.optimiser.zero_grad()
        for number, (inputs, targets) in enumerate(group, start=1):
            apart = number < len(group) and isinstance(self.model, DistributedDataParallel)
            with self.model.no_sync() if apart else nullcontext():
                loss = self._loss(inputs, targets) / len(group)
                if self.place.device.type == "cpu" and not loss.isfinite():
                    # Sampling at points that are no numbers ends the process in PyTorch's backward pass on the CPU.
                    raise self._diverged(loss.item(), self.done + 1)
                loss.backward()
            self.loss_sum += loss.detach()
        if self.plan.recipe.clip_grad:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.plan.recipe.clip_grad)
        self.optimiser.step()
        self.done += 1
        if self.ema:
            self.ema.update(self.network, self.done)

    def _loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        device = self.place.device
        inputs = inputs.to(device, memory_format=self.layout, non_blocking=True)
        targets = targets.to(device, non_blocking=True)
        if self.mix:
            inputs, targets = self.mix(inputs, targets)
        with autocast("auto", device):
            scores = self.model(inputs)
        loss: Tensor = self.criterion(scores.float(), targets)
        return loss

    def _diverged(self, loss: float, update: int) -> FailureError:
        epoch = (update - 1) // self.plan.updates + 1
        kept = "what was saved before is kept; try a lower --lr and another --out" if epoch > 1 else "try a lower --lr"
        return FailureError(f"the training loss is {loss} by update {update} in epoch {epoch}; {kept}")

    def _check_finite(self, epoch: int) -> float:
        """Return the mean training loss of the epoch so far, over all processes."""
        total = self.place.total(self.loss_sum.clone()).item() / self.place.world
        if not np.isfinite(total):
            raise self._diverged(total, self.done)
        return total / max(1, self.done - epoch * self.plan.updates)


def _optimiser(network: nn.Module, plan: Plan) -> tuple[torch.optim.Optimizer, Any]:
    recipe = plan.recipe
    if recipe.optimizer == "adamw":
        settings: dict[str, Any] = {"betas": (recipe.momentum, 0.999)}
    else:
        settings = {"momentum": recipe.momentum}
    optimiser = create_optimizer_v2(network, recipe.optimizer, recipe.lr, recipe.weight_decay, **settings)
    schedule, _ = create_scheduler_v2(
        optimiser,
        recipe.schedule,
        plan.total,  # timm's epochs are updates here, of which a share of an epoch is a whole number
        decay_epochs=max(1, round(recipe.decay_epochs * plan.updates)),
        decay_rate=recipe.decay_rate,
        min_lr=recipe.min_lr,
        warmup_lr=recipe.warmup_lr,
        warmup_epochs=round(recipe.warmup_epochs * plan.updates),
        step_on_epochs=False,
        updates_per_epoch=1,
    )
    return optimiser, schedule


def _mixup(plan: Plan, classes: int) -> Mixup | None:
    recipe = plan.recipe
    if not recipe.mixes:
        return None
    return Mixup(recipe.mixup, recipe.cutmix, label_smoothing=recipe.label_smoothing, num_classes=classes)
