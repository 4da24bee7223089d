"""The loop of a full training: updates of a network through the epochs, and its validation."""

import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vitspace.errors import FailureError
from vitspace.fitting import CHECK_EVERY, Batch, DivergedError, Fitting, make_average
from vitspace.interrupts import deferring_interrupts
from vitspace.machine.devices import autocast, is_out_of_memory
from vitspace.machine.quiet import training_step
from vitspace.training.goals import Goal
from vitspace.training.images import Images, Order, train_loader, val_batches
from vitspace.training.loading import loaded, plan_loading
from vitspace.training.plan import Plan
from vitspace.training.processes import ProcessGroup


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
        self, network: nn.Module, plan: Plan, images: Images, place: ProcessGroup, seed: int, workers: int = 0
    ) -> None:
        recipe, cuda = plan.recipe, place.device.type == "cuda"
        self.plan, self.images, self.place, self.seed = plan, images, place, seed
        self.layout = torch.channels_last if cuda else torch.contiguous_format
        if recipe.sync_bn and cuda and place.world > 1:
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        self.network: nn.Module = network.to(place.device, memory_format=self.layout)  # type: ignore[call-overload]
        self.goal = images.goal
        self.mix = self.goal.mix(recipe)
        self.fitting = _fitting(self.network, self.goal, plan, place)
        self.order = Order(len(images.train), plan.updates * recipe.batch_size, seed, place.rank, place.world)
        self.val_batch = images.val_batch(plan.micro_batch)
        largest = images.batch_bytes(recipe, plan.micro_batch)
        self.loading = plan_loading(workers, largest, place.local, images.is_shared)
        self.loader = train_loader(images, recipe, self.order, plan.micro_batch, self.loading, pin=cuda)
        self.done, self.loss_sum = 0, torch.zeros((), device=place.device)

    @property
    def validated(self) -> nn.Module:
        """The network that counts: the moving average where there is one."""
        return self.fitting.trained

    def run_epoch(self, epoch: int, on_update: Callable[[], None]) -> float:
        """Do what is left of an epoch, and return its mean training loss.

        An interrupt comes between two updates. ``on_update`` is called after each.

        Raises:
            FailureError: the loss is not finite, or the device has no memory left.
        """
        self._begin(epoch)
        network: Any = self.fitting.forward or self.network
        network.train()
        try:
            for group in self._groups():
                with deferring_interrupts():
                    self._update(group)
                    if self.done % CHECK_EVERY == 0:
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
        """Return loss without smoothing, in nats, and the goal's measure in %, over the validation images.

        Those that cannot be read are left out.

        Raises:
            FailureError: the loss is not finite, or no image can be read.
        """
        network, place = self.validated.eval(), self.place
        total = torch.zeros((), device=place.device)
        counts = torch.zeros(self.goal.counts, dtype=torch.int64, device=place.device)
        share = place.rank, place.world
        for inputs, targets in val_batches(self.images, self.plan.recipe, self.val_batch, self.loading, *share):
            targets = targets.to(place.device)
            with training_step(self.fitting.pauses), autocast("auto", place.device):
                scores = network(inputs.to(place.device, memory_format=self.layout)).float()
            of_batch, counted = self.goal.judged(scores, targets)
            total, counts = total + of_batch, counts + counted
        loss, counts = place.total(total).item(), place.total(counts)
        self.images.share_skipped(place)
        if not counts.any():
            raise FailureError(f"no validation image of {self.images.name} can be read any more")
        count, measure = self.goal.verdict(counts)
        if not np.isfinite(loss):
            raise FailureError(f"the validation loss is {loss} after {self.done} updates; try a lower --lr")
        return loss / count, measure

    def state(self) -> dict[str, Any]:
        """Return all that going on takes."""
        return {
            "done": self.done,
            "loss_sum": self.loss_sum.item(),
            "network": self.network.state_dict(),
            "optimiser": self.fitting.optimiser.state_dict(),
            "ema": self.fitting.average.module.state_dict() if self.fitting.average else None,
            "mean": list(self.images.mean),
            "std": list(self.images.std),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.done = state["done"]
        self.loss_sum.fill_(state["loss_sum"])
        self.network.load_state_dict(state["network"])
        self.fitting.optimiser.load_state_dict(state["optimiser"])
        if self.fitting.average:
            self.fitting.average.module.load_state_dict(state["ema"])

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
        batches = loaded(self.loader)
        while group := list(islice(batches, self.plan.accumulate)):
            yield group

    def _update(self, group: list[Batch]) -> None:
        try:
            losses = self.fitting.step(map(self._placed, group), self._shares(group), self.done)
        except DivergedError as error:
            raise self._diverged(error.loss, error.step) from None
        for loss in losses:
            self.loss_sum += loss
        self.done += 1

    def _shares(self, group: list[Batch]) -> list[Tensor]:
        """Return how much of this process's mean loss each micro-batch is.

        Pixels of all processes count alike, though masks have a class for few or many of them. Images need no look at
        the other processes, whose batches are as large but for images that cannot be read.
        """
        weights = torch.tensor([self.goal.weight(targets) for _, targets in group], device=self.place.device)
        mean = weights.sum()
        if self.goal.uneven:
            mean = self.place.total(mean) / self.place.world
        return list((weights / mean).nan_to_num().unbind())  # 0 where no pixel of any process has a class

    def _placed(self, batch: Batch) -> Batch:
        """Put a micro-batch on the device, and mix it."""
        inputs, targets = batch
        inputs = inputs.to(self.place.device, memory_format=self.layout, non_blocking=True)
        targets = targets.to(self.place.device, non_blocking=True)
        return self.mix(inputs, targets) if self.mix else (inputs, targets)

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


def _fitting(network: nn.Module, goal: Goal, plan: Plan, place: ProcessGroup) -> Fitting:
    """The recipe's optimiser and schedule, over all processes."""
    recipe, cuda = plan.recipe, place.device.type == "cuda"
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
    devices = [place.device] if cuda else None
    return Fitting(
        network,
        goal.criterion(recipe),
        optimiser,
        schedule,
        make_average(network, recipe.ema),
        DistributedDataParallel(network, devices) if place.world > 1 else None,
        layout=torch.channels_last if cuda else torch.contiguous_format,
        clip_grad=recipe.clip_grad,
    )
